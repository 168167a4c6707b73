# A guest's whole life by virt-install and virt-xml: made from a kernel, it boots, is edited while it runs and while it does not, goes down by its
# power button and is removed. listen.py hears it all through libvirt-python's event loop. Then one that is installed: virt-install boots its
# kernel, waits until it goes down, and starts it from its disk.
(python3 listen.py k >heard 2>&1 &); until grep -qs ready heard; do sleep 1; done
virt-install --quiet --name k --uuid 30000000-0000-4000-8000-0000000000c1 --memory 192 --vcpus 1,maxvcpus=2 --virt-type qemu --machine q35 --import --boot "kernel=$KERNEL,initrd=$INITRD,kernel_args='console=ttyS0 quiet panic=1 mitigations=off wherry.beat=50'" --disk none --network none --graphics none --serial file,source.path=$PWD/serial --osinfo detect=off,require=off --noautoconsole
until grep -qs '^b 9' serial; do sleep 1; done; virsh domstate k
virsh dumpxml k
virt-xml k --edit --metadata title="A title" --define
virt-xml k --edit --memory memory=160,currentMemory=128 --define
virt-xml k --add-device --disk path=$PWD/added.qcow2,size=0.01,bus=virtio --update 2>&1 | grep -v Allocating
virsh domblklist k
virt-xml k --edit target.dev=vda --disk readonly=on --update
virt-xml k --remove-device --disk target.dev=vda --update
virsh domblklist k; virsh domblklist k --inactive
virt-xml k --add-device --network user,model=virtio,mac=52:54:00:00:00:c1 --update
virt-xml k --edit mac=52:54:00:00:00:c1 --network link.state=down --update
virsh domif-getlink k 52:54:00:00:00:c1
virt-xml k --add-device --rng /dev/urandom --update
virt-xml k --edit --vcpus 2 --update
virsh vcpucount k
virsh shutdown k; until [ "$(virsh domstate k)" = "shut off" ]; do sleep 1; done
virsh dumpxml k
rm serial; virt-xml k --edit --boot "kernel_args='console=ttyS0 quiet panic=1 mitigations=off wherry.beat=100'" --start
until grep -qs '^b 9' serial; do sleep 1; done; virsh domstate k --reason
virsh dumpxml k --xpath '//cmdline'
virsh shutdown k; until [ "$(virsh domstate k)" = "shut off" ]; do sleep 1; done; virsh undefine k --remove-all-storage
until grep -q undefined heard; do sleep 1; done; cat heard
mkdir /var/lib/libvirt/boot; (virt-install --name w --uuid 30000000-0000-4000-8000-0000000000c2 --memory 192 --virt-type qemu --machine q35 --install "kernel=$KERNEL,initrd=$INITRD,kernel_args='console=ttyS0 quiet panic=1 mitigations=off'" --disk path=$PWD/w.qcow2,size=0.01 --network none --graphics none --serial file,source.path=$PWD/serial.w --osinfo detect=off,require=off --noautoconsole --wait 2 >w.log 2>&1; echo "exit code $?" >>w.log) >/dev/null 2>&1 & until grep -qs '^b 9' serial.w || grep 'exit code' w.log; do sleep 1; done; virsh dumpxml w | sed -n '/<on_/p; s/virtinst-[a-z0-9_]*-/virtinst-RANDOM-/; /<os>/,/<.os>/p'
virsh dumpxml w --inactive | sed -n '/<os>/,/<.os>/p; /<on_/p'
virsh shutdown w; until grep -q 'exit code' w.log; do sleep 1; done; sed '/ | /d' w.log
virsh domstate w; virsh dumpxml w | sed -n '/<os>/,/<.os>/p; /<on_/p'
virsh destroy w && virsh undefine w --remove-all-storage
virsh list --all
