# blockresize and domdirtyrate-calc. "run" has a qcow2 disk of 4 MiB and its CPUs are paused, "off" is defined only.
qemu-img create -q -f qcow2 $(sed -n "s/.*'\(.*\)disk.qcow2'.*/\1/p" run.xml)disk.qcow2 4M
virsh define run.xml && virsh define off.xml && virsh start --paused run
virsh domblkinfo run vda | grep Capacity
virsh blockresize run vda 8M
virsh domblkinfo run vda | grep Capacity
virsh blockresize run vda 9000
virsh domblkinfo run vda | grep Capacity
virsh blockresize run vda 9000001b
virsh domblkinfo run vda | grep Capacity
virsh blockresize run $(sed -n "s/.*'\(.*disk.qcow2\)'.*/\1/p" run.xml) 16M
virsh domblkinfo run vda | grep Capacity
virsh blockresize run vda 0
virsh blockresize run vda 18014398509481984K
virsh blockresize run vda 8E
virsh blockresize run vda x
virsh blockresize run vdz 8M
virsh blockresize off vda 8M
virsh blockresize nosuch vda 8M
python3 wire.py run 'd.blockResize("vda", 1, 8)'
python3 wire.py run 'd.blockResize("vda", 18014398509481984)'
python3 wire.py run 'd.blockResize("vda", 20480), d.blockInfo("vda")[0]'
virsh domdirtyrate-calc run
sleep 2; virsh domstats --dirtyrate run | grep -v start_time
virsh domdirtyrate-calc run --seconds 2 --mode page-sampling
virsh domdirtyrate-calc run
virsh domdirtyrate-calc run --mode dirty-ring
virsh domdirtyrate-calc run --mode nosuch
virsh domdirtyrate-calc run --seconds 0
virsh domdirtyrate-calc run --seconds 61
virsh domdirtyrate-calc run --seconds x
virsh domdirtyrate-calc off
virsh domdirtyrate-calc off --mode dirty-ring
virsh domdirtyrate-calc nosuch
python3 wire.py run 'd.startDirtyRateCalc(1, 4)'
virsh domdirtyrate-calc run --mode dirty-bitmap
! QEMU 7.2 under TCG ends itself when it is asked for that: stock loses the guest.
virsh destroy run >/dev/null 2>&1; virsh undefine run; virsh undefine off
