# What migrations are limited to, and what is refused before anything is asked of another host. "tuned" runs, "off" is defined only.
qemu-img create -q -f qcow2 $(sed -n "s/.*'\(.*\)second.qcow2'.*/\1/p" tuned.xml)second.qcow2 4M
virsh define tuned.xml && virsh define off.xml && virsh start --paused tuned
virsh migrate-getspeed tuned
virsh migrate-getspeed off
virsh migrate-setspeed tuned 100
virsh migrate-getspeed tuned
virsh qemu-monitor-command tuned '{"execute":"query-migrate-parameters"}' | grep -o '"max-bandwidth":[0-9]*'
virsh migrate-setspeed off 30
virsh migrate-getspeed off
virsh migrate-setspeed tuned 8796093022208
virsh migrate-setspeed tuned 8796093022207
virsh migrate-setspeed tuned 17592186044416 --postcopy
virsh migrate-setspeed tuned 50 --postcopy
virsh migrate-getspeed tuned --postcopy
virsh migrate-getspeed off --postcopy
virsh migrate-setspeed off 5 --postcopy
virsh migrate-setspeed nobody 5
virsh migrate-getmaxdowntime tuned
virsh migrate-setmaxdowntime tuned 500
virsh migrate-getmaxdowntime tuned
virsh migrate-setmaxdowntime tuned 2000001
virsh migrate-setmaxdowntime tuned 0
virsh migrate-getmaxdowntime off
virsh migrate-setmaxdowntime off 500
virsh migrate-compcache tuned
virsh migrate-compcache tuned --size 33554432
virsh migrate-compcache tuned
virsh migrate-compcache tuned --size 1000
virsh migrate-compcache tuned --size 3000000
virsh migrate-compcache off
virsh migrate-postcopy tuned
virsh migrate-postcopy off
virsh domjobabort tuned --postcopy
virsh domjobabort tuned
virsh domjobinfo tuned

# Refused at once
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --live --postcopy-resume --postcopy
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --live --postcopy-resume
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --postcopy --unsafe
! ours says so before it connects to anybody
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --live --suspend --postcopy --unsafe
! ours says so before it connects to anybody
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --tunnelled --copy-storage-all --unsafe
! ours says so before it connects to anybody
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --tunnelled --parallel
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --live --tunnelled --postcopy --unsafe
! ours says so before it connects to anybody
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --copy-storage-all --copy-storage-inc
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --copy-storage-synchronous-writes
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --zerocopy --unsafe
! ours says so before it connects to anybody
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --comp-methods none
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --p2p --compressed --comp-methods xbzrle --comp-methods xbzrle
virsh migrate tuned qemu+tcp://127.0.0.1:1/system --direct
virsh migrate tuned qemu+tcp://localhost/system --p2p
virsh migrate off qemu+tcp://127.0.0.1:1/system --p2p
virsh migrate nobody qemu+tcp://127.0.0.1:1/system --p2p
