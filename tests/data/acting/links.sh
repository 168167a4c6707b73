# domiftune, domif-setlink, domif-getlink. "tuned" runs with a tap and with a user interface whose link is down; "off" is defined only.
qemu-img create -q -f qcow2 $(sed -n "s/.*'\(.*\)second.qcow2'.*/\1/p" tuned.xml)second.qcow2 4M
virsh define tuned.xml && virsh define off.xml && virsh start --paused tuned && virsh create --paused brief.xml
virsh domiftune tuned tap-tuned
virsh domiftune tuned 52:54:00:00:00:03
virsh domiftune tuned 52:54:00:00:00:02 --config
virsh domiftune tuned nosuch
virsh domiftune tuned 52:54:00:00:00:99
virsh domiftune off nosuch
virsh domiftune tuned tap-tuned --inbound 100
virsh domiftune tuned tap-tuned --outbound 100,200,300
virsh domiftune tuned tap-tuned --inbound 0
virsh domiftune tuned tap-tuned
virsh domiftune tuned tap-tuned --inbound 100,200,300 --config
virsh domiftune tuned tap-tuned --outbound 50,,70 --config
virsh domiftune tuned tap-tuned --config
virsh dumpxml tuned --inactive --xpath //bandwidth
virsh domiftune tuned tap-tuned --inbound 0 --config
virsh dumpxml tuned --inactive --xpath //bandwidth
virsh domiftune tuned tap-tuned --inbound 5,6,7,8 --config
virsh dumpxml tuned --inactive --xpath //inbound
! Stock stores a floor that it then refuses to read: the definition can neither be changed nor loaded again.
virsh domiftune tuned tap-tuned --inbound 0 --config
virsh domiftune tuned tap-tuned --inbound 5,6,7,8 --live
virsh domiftune tuned tap-tuned --inbound x
virsh domiftune tuned tap-tuned --inbound ,5 --config
virsh domiftune tuned 52:54:00:00:00:02 --inbound 100
virsh domiftune tuned 52:54:00:00:00:02 --inbound 100 --config
virsh domiftune off nosuch --inbound 100
virsh domiftune off nosuch --inbound 100 --live
virsh domiftune brief nosuch --inbound 100 --config
virsh domiftune brief nosuch
python3 wire.py tuned 'd.interfaceParameters("tap-tuned", 0)'
python3 wire.py tuned 'd.interfaceParameters("tap-tuned", 8)'
python3 wire.py tuned 'd.setInterfaceParameters("tap-tuned", {"inbound.average": 5}, 8)'
python3 wire.py tuned 'd.setInterfaceParameters("tap-tuned", {"inbound.peak": 5}, 2)'

# Links
virsh domif-getlink tuned tap-tuned
virsh domif-getlink tuned 52:54:00:00:00:02
virsh domif-getlink tuned 52:54:00:00:00:02 --config
virsh domif-getlink tuned nosuch
virsh domif-setlink tuned tap-tuned down
virsh domif-getlink tuned tap-tuned
virsh domif-getlink tuned tap-tuned --config
virsh dumpxml tuned --xpath //link
virsh domif-setlink tuned tap-tuned up
virsh dumpxml tuned --xpath //link
virsh domif-setlink tuned 52:54:00:00:00:02 up
virsh domif-getlink tuned 52:54:00:00:00:02
virsh domif-setlink tuned 52:54:00:00:00:02 up --config
virsh domif-getlink tuned 52:54:00:00:00:02 --config
virsh domif-setlink tuned tap-tuned down --config
virsh domif-getlink tuned tap-tuned --config
virsh domif-getlink tuned tap-tuned
virsh domif-setlink tuned tap-tuned sideways
virsh domif-setlink tuned nosuch down
virsh domif-setlink tuned 52:54:00:00:00:99 down --config
virsh domif-setlink off nosuch down
virsh destroy tuned
virsh domif-setlink tuned 52:54:00:00:00:02 down
virsh dumpxml tuned --xpath //link
virsh lxc-enter-namespace off /bin/true
! Stock has a program for containers whose every call its QEMU driver refuses; ours has none.
virsh destroy brief && virsh undefine tuned && virsh undefine off

# What a definition may say of bandwidth
sed "s/<model type='virtio'.>/<bandwidth><inbound peak='5'\/><\/bandwidth>/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<model type='virtio'.>/<bandwidth><inbound average='x'\/><\/bandwidth>/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<model type='virtio'.>/<bandwidth><inbound average='5' floor='6'\/><\/bandwidth>/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<model type='virtio'.>/<bandwidth><outbound average='5' floor='6'\/><\/bandwidth>/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<model type='virtio'.>/<bandwidth><outbound floor='6' peak='5'\/><\/bandwidth>/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<model type='virtio'.>/<bandwidth><outbound average='5' burst='x'\/><\/bandwidth>/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<model type='virtio'.>/<bandwidth><outbound average='5' burst='6' peak='7'\/><\/bandwidth>/" tuned.xml >good.xml; virsh define good.xml; virsh dumpxml tuned --xpath //bandwidth
virsh start tuned; virsh undefine tuned

# Containers are another driver's
