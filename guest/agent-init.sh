#!/bin/busybox sh
# /init of the guest whose only work is QEMU's own agent: modules, a file system to freeze, an interface, and the agent on its channel.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
module=0
while [ -e /modules/$module ]; do
    insmod /modules/$module
    module=$((module + 1))
done
hostname riverside
ip link set lo up
# Addresses that a router would hand out later are not waited for.
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra
ip link set eth0 up
ip addr add 192.0.2.7/24 dev eth0
# The kernel gives it its own IPv6 address a moment later.
until grep -q eth0 /proc/net/if_inet6; do sleep 0.1; done
mount -t ext4 /dev/vda /data
for port in /sys/class/virtio-ports/*; do
    [ "$(cat $port/name)" != org.qemu.guest_agent.0 ] || channel=/dev/${port##*/}
done
echo ready
qemu-ga -m virtio-serial -p $channel -t /run
while :; do sleep 1000; done
