# iothreadinfo, iothreadadd, iothreaddel, iothreadset, iothreadpin. "tuned" has three, of which a disk and a controller use one each; "off" is
# defined only, "brief" is not defined. QEMU lists them in the order of a hash.
qemu-img create -q -f qcow2 $(sed -n "s/.*'\(.*\)second.qcow2'.*/\1/p" tuned.xml)second.qcow2 4M
sed 's/disk.qcow2/second.qcow2/' run.xml >counted.xml && sed -i '/<vcpu/i <iothreads>2</iothreads>' counted.xml
virsh define tuned.xml && virsh define off.xml && virsh start --paused tuned && virsh create --paused brief.xml
virsh dumpxml tuned | sed -n '/<iothread/p;/iothread=/p'
virsh dumpxml tuned --inactive | sed -n '/<iothread/p;/iothread=/p'
virsh iothreadinfo tuned | sort
virsh iothreadinfo tuned --config
virsh iothreadinfo off
virsh iothreadinfo off --live
virsh iothreadinfo brief
virsh iothreadinfo brief --config
virsh domstats --iothread tuned | sort
virsh iothreadadd tuned 7
virsh iothreadadd tuned 7
virsh iothreadadd tuned 8 --config
virsh iothreadadd tuned 9 --live --config
virsh iothreadadd tuned 8 --live --config
virsh iothreadadd tuned 0
virsh iothreadadd tuned x
virsh iothreadadd off 1
virsh iothreadadd off 3 --live
virsh iothreadadd off 3 --config
virsh dumpxml off | grep iothread
virsh iothreadadd brief 1
virsh iothreadadd brief 2 --config
virsh dumpxml brief | grep iothread
virsh dumpxml tuned | sed -n '/<iothread/p'
virsh dumpxml tuned --inactive | sed -n '/<iothread/p'
virsh iothreadinfo tuned | sort
virsh iothreadinfo tuned --config
virsh iothreadpin tuned 7 0
virsh iothreadpin tuned 1 0-1 --config
virsh iothreadpin tuned 9 0 --config --live
virsh iothreadpin tuned 55 0
virsh iothreadpin tuned 55 0 --config
virsh iothreadpin tuned 7 9999
virsh iothreadpin tuned 7 x
virsh iothreadpin off 3 0
virsh iothreadpin off 3 0 --live
virsh iothreadpin brief 1 0 --config
virsh dumpxml tuned | sed -n '/<cputune/,/<.cputune/p'
virsh dumpxml tuned --inactive | sed -n '/<cputune/,/<.cputune/p'
virsh iothreadinfo tuned | sort
virsh iothreadset tuned 7 --poll-max-ns 5000 --poll-grow 3 --poll-shrink 4
virsh domstats --iothread tuned | sort
virsh iothreadset tuned 7 --poll-max-ns 5000 --config
virsh iothreadset tuned 7 --poll-max-ns 5000 --live --config
virsh iothreadset tuned 7 --poll-max-ns 2147483648
virsh iothreadset tuned 7 --thread-pool-min 3 --thread-pool-max 4
virsh iothreadset tuned 2 --thread-pool-min 10 --thread-pool-max 20
virsh iothreadset tuned 2 --thread-pool-min 1 --thread-pool-max 2 --live --config
virsh iothreadset tuned 2 --thread-pool-min 5
virsh iothreadset tuned 2 --thread-pool-max -1
virsh iothreadset tuned 2 --thread-pool-max -1 --config
virsh iothreadset tuned 2 --thread-pool-min -1 --thread-pool-max -1 --config
virsh iothreadset tuned 2 --thread-pool-max 0
virsh iothreadset tuned 2 --thread-pool-min -2
virsh iothreadset tuned 55 --thread-pool-max 5
virsh iothreadset tuned 55 --thread-pool-max 5 --config
virsh iothreadset tuned 2
virsh dumpxml tuned | sed -n '/<iothread/p'
virsh dumpxml tuned --inactive | sed -n '/<iothread/p'
virsh iothreaddel tuned 7
virsh iothreaddel tuned 7
virsh iothreaddel tuned 2
virsh iothreaddel tuned 3
virsh iothreaddel tuned 8 --config
virsh iothreaddel tuned 9 --live --config
virsh iothreaddel tuned 55 --config
virsh iothreaddel tuned 1 --config
virsh dumpxml tuned | sed -n '/<iothread/p'
virsh dumpxml tuned --inactive | sed -n '/<iothread/p'
virsh iothreaddel off 3
virsh iothreaddel off 1 --live
virsh iothreaddel off 1
virsh dumpxml off | grep iothread
virsh iothreaddel brief 1 --config
virsh iothreaddel brief 1
virsh iothreadinfo brief
timeout 20 sh -c 'virsh event --all --loop >events & sleep 2; virsh iothreadadd tuned 5; virsh iothreadpin tuned 5 0; virsh iothreaddel tuned 5; sleep 1; kill $!; cat events'
python3 wire.py tuned 'd.ioThreadInfo(0)'
python3 wire.py tuned 'd.ioThreadInfo(8)'
python3 wire.py tuned 'd.addIOThread(5, 8)'
python3 wire.py tuned 'd.delIOThread(5, 8)'
python3 wire.py tuned 'd.pinIOThread(1, (False, False), 0)'
python3 wire.py tuned 'd.pinIOThread(1, (True, False), 8)'
python3 wire.py tuned 'd.setIOThreadParams(1, {"poll_max_ns": 7}, 8)'
python3 wire.py tuned 'd.setIOThreadParams(1, {"nosuch": 7}, 0)'

# A disk that is plugged in with one
echo "<disk type='file'><driver name='qemu' type='raw' iothread='1'/><source file='$PWD/plugged.raw'/><target dev='vdp' bus='virtio'/></disk>" >plugged.xml; truncate -s 1M plugged.raw
virsh attach-device tuned plugged.xml --live
virsh dumpxml tuned --xpath '//disk[target/@dev="vdp"]/driver'
virsh iothreaddel tuned 1
sed "s/iothread='1'/iothread='55'/; s/vdp/vdq/" plugged.xml >bad.xml; virsh attach-device tuned bad.xml --live
virsh attach-device tuned bad.xml --config
virsh destroy tuned && virsh start --paused tuned
virsh iothreadinfo tuned | sort
virsh destroy tuned && virsh destroy brief && virsh undefine tuned && virsh undefine off

# Those that are only counted
virsh define counted.xml && virsh start --paused run
virsh dumpxml run | grep '<iothread'
virsh iothreadinfo run
virsh iothreadadd run 3 --config
virsh dumpxml run --inactive | grep '<iothread'
virsh iothreaddel run 1 --live
virsh dumpxml run | grep '<iothread'
virsh destroy run && virsh undefine run

# What a definition may say of them
sed "s/<iothreads>3/<iothreads>x/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<iothreads>3/<iothreads>-1/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<iothread id='2'/<iothread/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<iothread id='2'/<iothread id='0'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/<iothread id='2'/<iothread id='3'\/><iothread id='3'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/thread_pool_max='9'/thread_pool_max='0'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/thread_pool_max='9'/thread_pool_max='1'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/thread_pool_max='9'/thread_pool_max='-1'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/iothread='2' cpuset='0'/iothread='5' cpuset='0'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/iothread='2' cpuset='0'/iothread='3' cpuset='0'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/iothread='2' cpuset='0'/iothread='2'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/iothread='2' cpuset='0'/iothread='2' cpuset='x'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/type='qcow2' iothread='2'/type='qcow2' iothread='5'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/type='qcow2' iothread='2'/type='qcow2' iothread='0'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/driver iothread='3'/driver iothread='5'/" tuned.xml >bad.xml; virsh define bad.xml
sed "s/vda' bus='virtio'/hda' bus='ide'/" tuned.xml >bad.xml; virsh define bad.xml
