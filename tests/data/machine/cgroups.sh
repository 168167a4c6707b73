# Control groups of the unified hierarchy, in a machine that has nothing else. See groups.sh for what the calls use.
virsh define web.xml && virsh start --paused web
groups
place web
tuning web
virsh schedinfo web
virsh memtune web
virsh blkiotune web
virsh numatune web

# Changes
virsh event --domain web --event tunable --timeout 30 & sleep 3; virsh -q schedinfo web cpu_shares=900 vcpu_quota=25000 global_period=80000 --live >/dev/null; wait
virsh schedinfo web cpu_shares=20000
virsh schedinfo web cpu_shares=1
virsh schedinfo web emulator_quota=-1 iothread_quota=9000
virsh schedinfo web vcpu_quota=0 global_period=90000 --live --config
virsh schedinfo web global_quota=1000000 cpu_shares=0 --live --config
virsh memtune web --hard-limit 800M --live --config
virsh memtune web --soft-limit -1
virsh memtune web --hard-limit 1100M --swap-hard-limit 1200M
virsh blkiotune web --weight 400
virsh blkiotune web --weight 20000
virsh blkiotune web --device-read-bytes-sec /dev/nullb0,2000000 --device-weights /dev/nullb0,200 --live --config
virsh blkiotune web --device-read-bytes-sec /dev/nosuch,2000000
virsh blkiotune web --device-read-bytes-sec /dev/null,2000000
virsh blkiotune web --device-write-iops-sec /dev/nullb0,0
virsh numatune web --nodeset 0
virsh numatune web --mode restrictive --nodeset 0
virsh numatune web --mode strict --nodeset 0
virsh vcpupin web 0 0
virsh emulatorpin web 1
groups
tuning web
tuning web --inactive

# Threads that come and go
virsh setvcpus web 3 --live
virsh iothreadadd web 5 && virsh iothreadpin web 5 1
groups
virsh iothreaddel web 5
virsh schedinfo web vcpu_quota=30000
groups | grep -A2 'vcpu\|iothread'

# A daemon that comes back finds them
restart
virsh schedinfo web
virsh schedinfo web cpu_shares=700 vcpu_quota=26000 --live
virsh iothreadadd web 6
virsh memtune web
groups
! When it comes back libvirt writes all of the host's memory nodes into the guest's group, which nothing narrows; we leave it.
virsh cpu-stats web --total | sed 's/ *[0-9][0-9.]*/ N/'
virsh cpu-stats web
virsh domstats web --cpu-total | grep 'cpu.time\|cpu.user\|cpu.system' | sed 's/=[0-9]*/=N/'

# A second guest, and the ends of both
virsh create plain.xml --paused
groups
! As above: web's group.
virsh schedinfo plain.
virsh numatune plain. --nodeset 0
virsh vcpupin plain. 0 1
tuning plain.
virsh destroy web && groups
kill -9 $(qemu plain.); until virsh domstate plain. 2>&1 | grep -q 'no domain\|failed to get'; do sleep 0.2; done; groups

# What cannot be started
sed 's/>500</>20000</' web.xml >bad.xml; virsh create bad.xml; groups
sed 's/nullb0/null/' web.xml >bad.xml; virsh create bad.xml; groups
sed 's#<os>#<resource><partition>/gold/deep</partition></resource><os>#' plain.xml >bad.xml; virsh create bad.xml; groups
mkdir -p /sys/fs/cgroup/machine/gold.partition; sed 's#<os>#<resource><partition>/machine/gold</partition></resource><os>#' plain.xml >good.xml; virsh create good.xml --paused; groups; virsh destroy plain.; groups; rmdir /sys/fs/cgroup/machine/gold.partition
