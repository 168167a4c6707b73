# domblkthreshold. "run" has a disk and its CPUs are paused, "off" is defined only, "brief" has no disk.
virsh define run.xml && virsh define off.xml && virsh start --paused run && virsh create --paused brief.xml
virsh domblkthreshold run vda 1M
virsh domblkthreshold run 'vda[1]' 1M
virsh domblkthreshold run 'vda[9]' 1M
virsh domblkthreshold run 'vda[x]' 1M
virsh domblkthreshold run 'vda[1' 1M
virsh domblkthreshold run vdb 1M
virsh domblkthreshold run vda 0
virsh domblkthreshold off vda 1M
virsh domblkthreshold brief vda 1M
virsh domblkthreshold nosuch vda 1M
python3 wire.py run 'd.setBlockThreshold("vda", 1, 1)'
virsh destroy run && virsh destroy brief
