# Storage pools, which are directories, and the disk images in them. What a pool has free changes under the test and is left out.
virsh pool-define-as images dir --target $PWD/pool
virsh pool-define-as images dir --target $PWD/other 2>&1 | sed "s/uuid .*/uuid/"
virsh pool-define-as again dir --target $PWD/pool
virsh pool-info images | sed '/UUID/d'
virsh pool-dumpxml images | sed '/uuid/d'
virsh pool-list
virsh pool-list --all
virsh pool-start images
mkdir pool && virsh pool-start images
virsh pool-start images
virsh pool-autostart images
ls /etc/libvirt/storage /etc/libvirt/storage/autostart
virsh pool-dumpxml images | sed '/uuid/d; /<capacity/d; /<allocation/d; /<available/d'
virsh pool-dumpxml images --inactive | sed '/uuid/d; /<capacity/d; /<allocation/d; /<available/d'
virsh pool-info images | sed '/UUID/d; /Capacity/d; /Allocation/d; /Available/d'
virsh pool-list --all --details | sed 's/  [0-9.]* [GM]iB//g'
virsh pool-list --name
virsh pool-list --type dir
virsh pool-list --type fs
virsh pool-list --inactive
virsh pool-list --autostart --persistent --name
virsh pool-list --no-autostart --name
virsh pool-list --transient --name
virsh vol-list images
virsh vol-create-as images a.raw 1M
virsh vol-create-as images a.raw 1M
virsh vol-create-as images b.raw 1M --allocation 0
virsh vol-create-as images c.qcow2 4M --format qcow2
virsh vol-create-as images d.qcow2 4M --format qcow2 --backing-vol c.qcow2 --backing-vol-format qcow2
virsh vol-create-as images e.qcow2 4M --format qcow2 --prealloc-metadata
virsh vol-create-as images f.x 4M --format nosuch
virsh vol-create-as images a/b 4M
virsh vol-create-as nosuch x 4M
virsh vol-list images
virsh vol-list images --details
virsh vol-info a.raw --pool images
virsh vol-info c.qcow2 --pool images
virsh vol-info c.qcow2 --pool images --physical
virsh vol-info $PWD/pool/b.raw
virsh vol-dumpxml a.raw --pool images | sed '/time>/d'
virsh vol-dumpxml b.raw --pool images | sed '/time>/d'
virsh vol-dumpxml c.qcow2 --pool images | sed '/time>/d'
virsh vol-dumpxml d.qcow2 --pool images | sed '/time>/d'
virsh vol-dumpxml e.qcow2 --pool images | sed '/time>/d'
virsh vol-path a.raw --pool images
virsh vol-key a.raw --pool images
virsh vol-name $PWD/pool/a.raw
virsh vol-pool $PWD/pool/a.raw
virsh vol-info nosuch --pool images
virsh vol-info $PWD/pool/nosuch
qemu-img create -q -f qcow2 pool/late.qcow2 2M; truncate -s 3M pool/late.img; mkdir pool/sub; virsh vol-list images
virsh pool-refresh images
virsh vol-list images --details
virsh vol-dumpxml sub --pool images | sed '/time>/d'
virsh vol-delete a.raw --pool images
virsh vol-delete a.raw --pool images
virsh vol-delete $PWD/pool/b.raw
virsh vol-delete sub --pool images
virsh vol-info c.qcow2 --pool images
ls pool
virsh pool-delete images
virsh pool-undefine images
virsh pool-build images
virsh pool-destroy images
virsh pool-destroy images
virsh pool-refresh images
virsh vol-list images
virsh vol-info c.qcow2 --pool images
virsh vol-info $PWD/pool/c.qcow2
virsh vol-create-as images x 1M
virsh pool-delete images
virsh pool-autostart images --disable
ls /etc/libvirt/storage/autostart
virsh pool-build images
virsh pool-undefine images
virsh pool-undefine images
virsh pool-create-as passing dir --target $PWD/passing --build && ls -ld passing | cut -c1-10
virsh pool-info passing | sed '/UUID/d; /Capacity/d; /Allocation/d; /Available/d'
virsh pool-autostart passing
virsh pool-undefine passing
virsh pool-destroy passing
virsh pool-list --all
virsh pool-define-as p1 nosuch --target /x
virsh pool-define-as p1 dir
virsh pool-define-as a/b dir --target /x
echo '<pool/>' >p.xml; virsh pool-define p.xml
echo '<volume/>' >p.xml; virsh pool-define p.xml
echo '<pool type="dir"><target><path>/x</path></target></pool>' >p.xml; virsh pool-define p.xml
echo '<pool type="dir"><name>x</name><uuid>bad</uuid><target><path>/x</path></target></pool>' >p.xml; virsh pool-define p.xml
echo 'x' >p.xml; virsh pool-define p.xml
virsh pool-define-as passing dir --target $PWD/passing && virsh pool-start passing
echo '<volume/>' >v.xml; virsh vol-create passing v.xml
echo '<volume><name>x</name></volume>' >v.xml; virsh vol-create passing v.xml
echo '<pool/>' >v.xml; virsh vol-create passing v.xml
echo '<volume><name>x</name><capacity unit="nosuch">1</capacity></volume>' >v.xml; virsh vol-create passing v.xml
echo '<volume><name>x.qcow2</name><capacity unit="KiB">64</capacity><allocation>0</allocation><target><format type="qcow2"/><compat>1.1</compat><permissions><mode>0600</mode></permissions></target></volume>' >v.xml; virsh vol-create passing v.xml
virsh vol-dumpxml x.qcow2 --pool passing | sed /time/d
virsh vol-delete x.qcow2 --pool passing; virsh pool-destroy passing; virsh pool-delete passing; ls -d passing
virsh pool-undefine passing
virsh pool-event --list
