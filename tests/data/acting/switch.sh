# Ports of Open vSwitch: a stand-in for ovs-vsctl writes down what it is asked for.
mount -t tmpfs none /usr/local/bin && printf '#!/bin/sh\necho "$@" >>%s/asked\n' "$PWD" >/usr/local/bin/ovs-vsctl && chmod 755 /usr/local/bin/ovs-vsctl
ip link add br-int type bridge && ip link set br-int mtu 1400
virsh define switched.xml && virsh start --paused switched
cat asked && rm asked
ip -o link show tap4a1b2c3d-c1 | grep -o '[<,]UP\|mtu [0-9]*\|master [a-z-]*'
ip -o link show tap4a1b2c3d-c2 | grep -o '[<,]UP\|mtu [0-9]*\|master [a-z-]*'
virsh domiflist switched
virsh dumpxml switched --xpath //virtualport
sed -n '/<interface/,/<\/interface>/p' switched.xml | sed '/c2/d' | sed -n '1,/<\/interface>/p' | sed 's/c1/c3/g; s/:c0/:c3/' >port.xml && virsh attach-device switched port.xml
cat asked && rm asked
virsh destroy switched
sort asked && rm asked
printf '#!/bin/sh\necho "$@" >>%s/asked\necho "no such bridge" >&2\nexit 1\n' "$PWD" >/usr/local/bin/ovs-vsctl
virsh start switched
! Stock does not tell what the switch has said.
virsh domstate switched
rm /usr/local/bin/ovs-vsctl
virsh start switched
! Nor that there is none.
virsh undefine switched
