# schedinfo, memtune, blkiotune, numatune. "tuned" runs and has values of each, "off" is defined only, "brief" runs and is not defined. There are
# no control groups: what a running guest would have of them is refused.
qemu-img create -q -f qcow2 $(sed -n "s/.*'\(.*\)second.qcow2'.*/\1/p" tuned.xml)second.qcow2 4M
virsh define tuned.xml && virsh define off.xml && virsh start --paused tuned && virsh create --paused brief.xml
virsh dumpxml tuned | sed '/<os>/,$d'
virsh dumpxml tuned --inactive | sed '/<os>/,$d'

# schedinfo
virsh schedinfo tuned
virsh schedinfo tuned --config
virsh schedinfo tuned --live
virsh schedinfo off
virsh schedinfo off --live
virsh schedinfo brief --config
virsh schedinfo tuned cpu_shares=1000
virsh schedinfo tuned cpu_shares=1000 --config
virsh schedinfo tuned cpu_shares=1000 --live --config
virsh schedinfo tuned nosuch=1 --config
virsh schedinfo tuned cpu_shares=x --config
virsh schedinfo off cpu_shares=5
virsh schedinfo off vcpu_quota=-1 --current
virsh schedinfo off cpu_shares=5 --live
virsh schedinfo brief cpu_shares=5 --config
virsh dumpxml off | sed -n '/<cputune/,/<.cputune/p'
python3 wire.py tuned 'd.schedulerType()'
python3 wire.py off 'd.schedulerType()'
python3 wire.py off 'd.schedulerParameters()'
python3 wire.py tuned 'd.schedulerParametersFlags(2)'
python3 wire.py tuned 'd.schedulerParametersFlags(3)'
python3 wire.py tuned 'd.schedulerParametersFlags(8)'
python3 wire.py off 'd.setSchedulerParameters({"cpu_shares": 7})'
python3 wire.py off 'd.setSchedulerParametersFlags({"cpu_shares": 7}, 8)'
python3 wire.py tuned 'd.setSchedulerParameters({"cpu_shares": 7})'

# memtune
virsh memtune tuned
virsh memtune tuned --config
virsh memtune tuned --hard-limit 400M
virsh memtune tuned --hard-limit 400M --config
virsh memtune tuned --soft-limit 300000 --swap-hard-limit 500000 --config
virsh memtune tuned --config
virsh dumpxml tuned --inactive | sed -n '/<memtune/,/<.memtune/p'
virsh memtune tuned --swap-hard-limit 100 --config
virsh memtune tuned --swap-hard-limit 400000 --hard-limit 400001 --config
virsh memtune tuned --hard-limit -1 --swap-hard-limit -1 --config
virsh memtune tuned --config
virsh memtune tuned --min-guarantee 5 --config
virsh memtune tuned --hard-limit 5 --live --config
virsh memtune tuned --hard-limit x --config
virsh memtune off
virsh memtune off --soft-limit 12345
virsh memtune off --live
virsh memtune off --soft-limit 12345 --live
virsh memtune brief --soft-limit 12345 --config
virsh memtune brief --config
virsh dumpxml off | sed -n '/<memtune/,/<.memtune/p'
python3 wire.py off 'd.memoryParameters(0)'
python3 wire.py off 'd.memoryParameters(3)'
python3 wire.py off 'd.memoryParameters(8)'
python3 wire.py off 'd.setMemoryParameters({"hard_limit": 500000}, 8)'

# blkiotune
virsh blkiotune tuned
virsh blkiotune tuned --config
virsh blkiotune tuned --weight 200
virsh blkiotune tuned --weight 200 --live --config
virsh blkiotune tuned --weight 200 --config
virsh blkiotune tuned --device-weights /dev/sda,150,/dev/sdc,250 --config
virsh blkiotune tuned --device-read-iops-sec /dev/sda,15 --device-write-iops-sec /dev/sdd,25 --device-read-bytes-sec /dev/sda,35 --device-write-bytes-sec /dev/sda,45 --config
virsh blkiotune tuned --config
virsh dumpxml tuned --inactive | sed -n '/<blkiotune/,/<.blkiotune/p'
virsh blkiotune tuned --device-weights /dev/sda,0 --device-read-bytes-sec /dev/sda,0 --config
virsh blkiotune tuned --device-weights /dev/sde,0 --config
virsh blkiotune tuned --device-weights /dev/sda --config
virsh blkiotune tuned --device-weights /dev/sda,x --config
virsh blkiotune tuned --device-weights /dev/sda,5x --config
virsh blkiotune tuned --device-weights /dev/sda,99999999999 --config
virsh blkiotune tuned --device-read-bytes-sec /dev/sda,99999999999 --config
virsh blkiotune tuned --device-weights '' --config
virsh blkiotune tuned --config
virsh blkiotune tuned --weight 0 --config
virsh dumpxml tuned --inactive | sed -n '/<blkiotune/,/<.blkiotune/p'
virsh blkiotune off
virsh blkiotune off --weight 300
virsh blkiotune off --weight 300 --live
virsh blkiotune off
virsh blkiotune brief --weight 300 --config
python3 wire.py off 'd.blkioParameters(0)'
python3 wire.py tuned 'd.blkioParameters(2)'
python3 wire.py off 'd.setBlkioParameters({"weight": 500}, 8)'

# numatune
virsh numatune tuned
virsh numatune tuned --config
virsh numatune off
virsh numatune off --mode interleave
virsh numatune off --nodeset 0
virsh numatune off
virsh numatune off --mode preferred
virsh numatune off --nodeset 0-2,^1 --mode 2
virsh dumpxml off | sed -n '/<numatune/,/<.numatune/p'
virsh numatune off --mode nosuch
virsh numatune off --mode 9
virsh numatune off --nodeset x
virsh numatune off --nodeset 0,^0
virsh numatune off --nodeset 0 --live
virsh numatune tuned --nodeset 0
virsh numatune tuned --nodeset 0 --live --config
virsh numatune tuned --mode restrictive --nodeset 0 --config
virsh numatune tuned --config
virsh numatune brief --nodeset 0 --config
virsh numatune brief
python3 wire.py tuned 'd.numaParameters(0)'
python3 wire.py off 'd.numaParameters(8)'
python3 wire.py off 'd.setNumaParameters({"numa_mode": 4}, 0)'
python3 wire.py off 'd.setNumaParameters({"numa_mode": 0, "numa_nodeset": "1"}, 8)'
virsh start off
virsh destroy tuned
virsh schedinfo tuned vcpu_period=20000 vcpu_quota=10000 emulator_period=30000 emulator_quota=-1
virsh schedinfo tuned global_period=40000 global_quota=50000 iothread_period=60000 iothread_quota=70000
virsh dumpxml tuned | sed -n '/<cputune/,/<.cputune/p'
virsh schedinfo tuned vcpu_period=0 vcpu_quota=0 emulator_quota=0 emulator_period=0
virsh dumpxml tuned | sed -n '/<cputune/,/<.cputune/p'
virsh schedinfo tuned vcpu_period=999
virsh schedinfo tuned vcpu_period=1000001
virsh schedinfo tuned vcpu_quota=999
virsh schedinfo tuned global_quota=18446744073709551
virsh start --paused tuned
virsh schedinfo tuned global_period=0 global_quota=0; virsh start --paused tuned
virsh schedinfo tuned iothread_period=0 iothread_quota=0 vcpu_quota=5000; virsh start --paused tuned
virsh schedinfo tuned vcpu_quota=0 emulator_period=5000; virsh start --paused tuned
virsh schedinfo tuned emulator_period=0; virsh start --paused tuned
virsh numatune tuned
python3 wire.py tuned 'd.setSchedulerParametersFlags({"cpu_shares": 7}, 2), d.schedulerParametersFlags(2)'
python3 wire.py tuned 'd.setSchedulerParametersFlags({"cpu_shares": 7}, 1)'
virsh destroy tuned && virsh destroy brief && virsh undefine tuned && virsh undefine off

# What a definition may say of them
sed 's/<shares>2048/<shares>1/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<shares>2048/<shares>x/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<shares>2048<.shares>/<quota>999<\/quota>/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<shares>2048<.shares>/<global_period>1000001<\/global_period>/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<path>.dev.sda<.path>//' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<weight>300/<weight>x/' tuned.xml >bad.xml; virsh define bad.xml
sed "s/mode='strict'/mode='x'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/ nodeset='0'//" tuned.xml >bad.xml; virsh define bad.xml
sed "s/nodeset='0'/nodeset='0,^0'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/nodeset='0'/nodeset='x'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/nodeset='0'/nodeset='5'/" tuned.xml >bad.xml; virsh define bad.xml && virsh start tuned; virsh undefine tuned
