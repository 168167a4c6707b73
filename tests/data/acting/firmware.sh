# UEFI: chosen, named, its variables and what becomes of them.
virsh define efi.xml && virsh dumpxml efi --xpath '/domain/os'
virsh domxml-to-native qemu-argv efi.xml | grep -o 'pflash[^,"]*\|OVMF[^"]*\|cfi[^ ]*' | sort
virsh start --paused efi && virsh dumpxml efi --xpath '/domain/os'
virsh dumpxml efi --inactive --xpath '/domain/os'
virsh dumpxml efi --migratable --xpath '/domain/os'
virsh dumpxml efi --xpath '/domain/features'
tr '\0' '\n' </proc/$(pgrep -x qemu-system-x86)/cmdline | grep -o 'pflash[^,"]*\|OVMF[^"]*\|cfi[^ ]*' | sort
ls -l /var/lib/libvirt/qemu/nvram | awk '{ print $1, $3, $5, $NF }'
cmp /var/lib/libvirt/qemu/nvram/efi_VARS.fd /usr/share/OVMF/OVMF_VARS_4M.ms.fd
virsh undefine efi
virsh destroy efi && ls /var/lib/libvirt/qemu/nvram
virsh undefine efi
virsh undefine efi --nvram --keep-nvram
python3 wire.py efi 'd.undefineFlags(12)'
python3 wire.py efi 'd.undefineFlags(96)'
echo kept >/var/lib/libvirt/qemu/nvram/efi_VARS.fd; virsh undefine efi --keep-nvram && cat /var/lib/libvirt/qemu/nvram/efi_VARS.fd
virsh define efi.xml && rm /var/lib/libvirt/qemu/nvram/efi_VARS.fd && virsh start --paused efi && virsh destroy efi
printf changed | dd of=/var/lib/libvirt/qemu/nvram/efi_VARS.fd bs=1 seek=400000 conv=notrunc status=none; virsh start --paused efi && virsh destroy efi && cmp /var/lib/libvirt/qemu/nvram/efi_VARS.fd /usr/share/OVMF/OVMF_VARS_4M.ms.fd
virsh start --paused --reset-nvram efi && virsh destroy efi && cmp /var/lib/libvirt/qemu/nvram/efi_VARS.fd /usr/share/OVMF/OVMF_VARS_4M.ms.fd
virsh undefine efi --nvram && ls /var/lib/libvirt/qemu/nvram
virsh create --paused --reset-nvram efi.xml && virsh destroy efi && ls /var/lib/libvirt/qemu/nvram && rm /var/lib/libvirt/qemu/nvram/efi_VARS.fd
# Asked for by what it can do.
sed "s,<type,<firmware><feature name='secure-boot' enabled='no'/></firmware><type," efi.xml >plain.xml && virsh define plain.xml && virsh start --paused efi && virsh dumpxml efi --xpath '/domain/os' && virsh destroy efi && virsh undefine efi --nvram
sed "s,<type,<firmware><feature name='enrolled-keys' enabled='no'/></firmware><loader secure='yes'/><type," efi.xml >secure.xml && virsh define secure.xml && virsh start --paused efi && virsh dumpxml efi --xpath '/domain/os' && virsh dumpxml efi --xpath '/domain/features' && virsh destroy efi && virsh undefine efi --nvram
sed "s,<acpi/>,<acpi/><smm state='off'/>," secure.xml >refused.xml && virsh define refused.xml && virsh start efi
virsh undefine efi --nvram
sed "s,<type,<loader stateless='yes'/><type," efi.xml >refused.xml && virsh define refused.xml && virsh start efi
virsh undefine efi
sed "s,'efi',bios'," efi.xml | sed "s,=bios',='bios'," >refused.xml && virsh define refused.xml && virsh start efi
virsh undefine efi
sed "s,</devices>,</devices><pm><suspend-to-disk enabled='yes'/></pm>," efi.xml >refused.xml && virsh define refused.xml && virsh start efi
virsh undefine efi
# Named.
sed "s,<os.*>,<os>,; s,<type,<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader><type," efi.xml >named.xml && virsh define named.xml && virsh dumpxml efi --xpath '/domain/os'
virsh start --paused efi && virsh dumpxml efi --xpath '/domain/os' && virsh destroy efi && cmp /var/lib/libvirt/qemu/nvram/efi_VARS.fd /usr/share/OVMF/OVMF_VARS_4M.fd
virsh domrename efi other && virsh dumpxml other --xpath '/domain/os' && virsh undefine other --nvram && ls /var/lib/libvirt/qemu/nvram
! Stock leaves the guest's variables under its former name, where the next guest of that name finds them.
cp /usr/share/OVMF/OVMF_CODE_4M.fd images/unknown.fd && sed "s,/usr/share/OVMF/,$PWD/images/,; s/OVMF_CODE_4M/unknown/" named.xml >unknown.xml && virsh define unknown.xml && virsh start efi
sed "s,</loader>,</loader><nvram template='/nonexistent.fd'/>," unknown.xml >refused.xml && virsh define refused.xml && virsh start efi
sed "s,</loader>,</loader><nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>$PWD/images/own.fd</nvram>," unknown.xml >own.xml && virsh define own.xml && virsh start --paused efi && virsh dumpxml efi --xpath '/domain/os' && virsh destroy efi && ls -l images | awk '{ print $1, $3, $5, $NF }'
virsh undefine efi
virsh undefine efi --nvram && ls images
sed "s,<os.*>,<os>,; s,<type,<loader type='rom'>/usr/share/seabios/bios-256k.bin</loader><type," efi.xml >rom.xml && virsh define rom.xml && virsh start --paused efi && virsh dumpxml efi --xpath '/domain/os' && virsh destroy efi && virsh undefine efi
# Refused.
for words in "firmware='uefi'" "firmware=''"; do sed "s,firmware='efi',$words," efi.xml >refused.xml; virsh define refused.xml; done
for words in "<loader/>" "<loader readonly='yes'/>" "<loader type='rom'/>" "<loader type='tape'/>" "<loader secure='no'/>" "<loader secure='maybe'/>" "<loader>/x</loader>" "<nvram template='/x'/>" "<loader stateless='yes'/><nvram>/x</nvram>"; do echo "$words"; sed "s,<type,$words<type," efi.xml >refused.xml; virsh define refused.xml && virsh undefine efi; done
for words in "<feature/>" "<feature name='keys'/>" "<feature name='secure-boot'/>" "<feature name='secure-boot' enabled='maybe'/>" "<feature name='secure-boot' enabled='no'/><feature name='enrolled-keys' enabled='yes'/>"; do echo "$words"; sed "s,<type,<firmware>$words</firmware><type," efi.xml >refused.xml; virsh define refused.xml && virsh undefine efi; done
for words in "<firmware><feature name='secure-boot' enabled='no'/></firmware>" "<loader readonly='yes'/>" "<nvram>/x</nvram>" "<loader secure='yes' type='pflash'>/x</loader>" "<loader stateless='no'>/x</loader>" "<loader type='pflash' stateless='yes'>/x</loader><nvram template='/y'/>"; do echo "$words"; sed "s,<os.*>,<os>,; s,<type,$words<type," efi.xml >refused.xml; virsh define refused.xml && virsh undefine efi; done
sed "s,<acpi/>,," efi.xml >refused.xml && virsh define refused.xml
sed "s,<acpi/>,,; s,<os.*>,<os>,; s,<type,<loader type='pflash'>/x</loader><type," efi.xml >refused.xml && virsh define refused.xml
sed "s,'q35','pc',; s,<type,<loader secure='yes'/><type," efi.xml >refused.xml && virsh define refused.xml
sed "s,<os.*>,<os>,; s,<type,<loader type='pflash' secure='yes'>/x</loader><type," efi.xml >refused.xml && virsh define refused.xml
virsh define efi.xml && virsh start --paused efi && virsh destroy efi && printf changed | dd of=/var/lib/libvirt/qemu/nvram/efi_VARS.fd bs=1 seek=400000 conv=notrunc status=none; virsh domrename efi renamed && ls /var/lib/libvirt/qemu/nvram
! Stock leaves the guest's variables behind under its former name, and starts it without them.
virsh start --paused renamed && virsh destroy renamed && cmp /var/lib/libvirt/qemu/nvram/renamed_VARS.fd /usr/share/OVMF/OVMF_VARS_4M.ms.fd
! As above.
virsh undefine renamed --nvram
virsh define efi.xml && virsh autostart efi && touch /var/lib/libvirt/qemu/nvram/efi_VARS.fd /var/lib/libvirt/qemu/nvram/other_VARS.fd && virsh domrename efi other
! Stock gives the guest what another has left under that name.
virsh dominfo efi | grep Autostart
! As above.
for guest in efi other; do virsh undefine --keep-nvram $guest; done >/dev/null 2>&1; rm /var/lib/libvirt/qemu/nvram/*_VARS.fd
sed "s,<type,<loader stateless='yes'/><type," efi.xml >stateless.xml && touch /var/lib/libvirt/qemu/nvram/efi_VARS.fd && virsh define stateless.xml && virsh undefine efi --nvram && ls /var/lib/libvirt/qemu/nvram
! Stock takes what bears the guest's name for its own, though it has no variables.
rm -f /var/lib/libvirt/qemu/nvram/*
sed "s,</loader>,</loader><nvram>$PWD/nosuch/own.fd</nvram>," named.xml >refused.xml && virsh define refused.xml && virsh start efi
! Stock says the same in other words.
virsh undefine efi && ls -d nosuch 2>&1 | sed 's/ls: //'
virsh domcapabilities --machine q35 | sed -n '/<os/,/<.os>/p'
virsh domcapabilities --machine pc | sed -n '/<os/,/<.os>/p'
virsh domcapabilities --machine microvm | sed -n '/<os/,/<.os>/p'
