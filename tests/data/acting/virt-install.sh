# virt-install and virt-xml of the virtinst package: a guest is made, changed while it is stopped and while it runs, and removed with its disks.
mkdir disks && qemu-img create -q -f qcow2 disks/g.qcow2 4M
virt-install --quiet --name g --uuid 30000000-0000-4000-8000-0000000000aa --memory 64 --vcpus 1,maxvcpus=4 --virt-type qemu --import --disk path=$PWD/disks/g.qcow2 --network none --graphics vnc --osinfo detect=off,require=off --noautoconsole
virsh list --all
virsh dumpxml g
virsh pool-list --all
virsh vol-list disks
virt-install --quiet --name g --memory 64 --virt-type qemu --import --disk none --network none --osinfo detect=off,require=off --noautoconsole
virt-install --quiet --name h --memory 64 --virt-type qemu --import --disk path=$PWD/disks/g.qcow2 --network none --osinfo detect=off,require=off --noautoconsole
virt-install --quiet --name h --memory 64 --virt-type qemu --import --disk path=$PWD/nosuch/g.qcow2 --network none --osinfo detect=off,require=off --noautoconsole
virt-install --quiet --name h --memory 64 --virt-type qemu --import --boot kernel=/no/such,initrd=/no/such --disk none --network none --osinfo detect=off,require=off --noautoconsole 2>&1 | sed 's/error: .* monitor: /error: /'
ip link add br7 type bridge && virt-install --quiet --name b --uuid 30000000-0000-4000-8000-0000000000ab --memory 64 --virt-type qemu --import --disk size=0.01,path=$PWD/disks/b.qcow2 --disk $PWD/disks/b.raw,size=0.01,format=raw,bus=scsi --network bridge=br7,mac=52:54:00:00:00:77,model=virtio --network user,mac=52:54:00:00:00:78 --graphics none --console pty --rng /dev/urandom --watchdog default --channel unix,target.type=virtio,target.name=org.qemu.guest_agent.0 --controller scsi,model=virtio-scsi --osinfo detect=off,require=off --machine q35 --noautoconsole --transient
virsh dumpxml b
virsh destroy b && virsh list --all --name
virt-install --quiet --name p --uuid 30000000-0000-4000-8000-0000000000ac --memory 64 --virt-type qemu --import --disk none --network none --graphics none --osinfo detect=off,require=off --print-xml
virt-install --quiet --name p --uuid 30000000-0000-4000-8000-0000000000ac --memory 64 --virt-type qemu --boot kernel=/boot/k,initrd=/boot/i,kernel_args="console=ttyS0" --disk none --network none --osinfo detect=off,require=off --machine q35 --cpu qemu64 --sound none --video vga --print-xml
! virt-install chooses SPICE where domcapabilities promise it; ours do not.
virt-xml g --edit --memory 96 --define
virt-xml g --edit --metadata title="A title" --define
virt-xml g --edit --vcpus 2,maxvcpus=4
virsh dumpxml g --inactive
virt-xml g --add-device --disk path=$PWD/disks/second.qcow2,size=0.01,bus=virtio --update
virsh domblklist g && virsh domblklist g --inactive
virt-xml g --add-device --network user,mac=52:54:00:00:00:79,model=virtio --update
virsh domiflist g
virt-xml g --edit mac=52:54:00:00:00:79 --network link.state=down --update
virsh domif-getlink g 52:54:00:00:00:79
virt-xml g --remove-device --network 1
virt-xml g --remove-device --disk target.dev=vda
virt-xml g --remove-device --disk target.dev=nosuch
virt-xml g --edit --disk target.dev=nosuch,readonly=on
virt-xml nosuch --edit --memory 64
virt-xml g --edit --memory 64 --print-diff
virt-xml g --add-device --rng /dev/urandom --print-xml
virt-xml --build-xml --disk none
virt-xml g --edit --update
virsh destroy g
virt-xml g --edit --memory 64
virt-xml g --add-device --watchdog i6300esb --define
virt-xml g --remove-device --watchdog all
virt-xml g --edit --boot network,hd --start
virsh dumpxml g
virsh destroy g && virsh undefine g --remove-all-storage
ls disks
virsh vol-list disks
virsh pool-destroy disks && virsh pool-undefine disks
python3 manager.py
virt-install --quiet --name h --memory 64 --virt-type qemu --import --disk none --network network=nosuch --osinfo detect=off,require=off --noautoconsole
! This daemon has no networks and takes no interface of that kind; stock looks for the network.
virt-install --quiet --name u --uuid 30000000-0000-4000-8000-0000000000ad --memory 64 --virt-type qemu --import --boot uefi --disk none --network none --graphics none --osinfo detect=off,require=off --machine q35 --tpm none --noautoconsole && virsh dumpxml u --xpath /domain/os
virt-install --quiet --name u --memory 64 --virt-type qemu --boot loader=/usr/share/OVMF/OVMF_CODE_4M.fd,loader.readonly=yes,loader.type=pflash,nvram.template=/usr/share/OVMF/OVMF_VARS_4M.fd --disk none --network none --graphics none --osinfo detect=off,require=off --machine q35 --tpm none --print-xml | sed '/uuid/d'
virt-xml u --edit --boot firmware=efi,firmware.feature0.name=secure-boot,firmware.feature0.enabled=no --print-diff
virsh destroy u && virsh undefine u --nvram
