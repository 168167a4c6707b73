# blkdeviotune. "tuned" runs, with a group, a disk without limits and an empty drive with one; "off" is defined only; "brief" is not defined.
qemu-img create -q -f qcow2 $(sed -n "s/.*'\(.*\)second.qcow2'.*/\1/p" tuned.xml)second.qcow2 4M
virsh define tuned.xml && virsh define off.xml && virsh start --paused tuned && virsh create --paused brief.xml
virsh dumpxml tuned | sed -n '/<iotune/,/<.iotune/p'
virsh dumpxml tuned --inactive | sed -n '/<iotune/,/<.iotune/p'
virsh blkdeviotune tuned vda
virsh blkdeviotune tuned vda --config
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned hdc
virsh blkdeviotune tuned hdc --config
virsh blkdeviotune tuned vdz
virsh blkdeviotune tuned vdz --config
virsh blkdeviotune tuned $(sed -n "s/.*'\(.*second.qcow2\)'.*/\1/p" tuned.xml)
virsh blkdeviotune off vda
virsh blkdeviotune off vda --live
virsh blkdeviotune brief vda --config
virsh blkdeviotune brief vda
virsh blkdeviotune tuned sda --total-bytes-sec 1000000
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned sda --config
virsh dumpxml tuned --xpath '//disk[target/@dev="sda"]/iotune'
virsh dumpxml tuned --inactive --xpath '//disk[target/@dev="sda"]/iotune'
virsh blkdeviotune tuned sda --total-iops-sec 100 --total-iops-sec-max 200 --total-iops-sec-max-length 3 --size-iops-sec 4096 --live --config
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned sda --config
virsh blkdeviotune tuned sda --total-iops-sec-max-length 0
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned sda --total-iops-sec-max-length 0 --config
virsh blkdeviotune tuned sda --config
virsh blkdeviotune tuned sda --read-iops-sec 100
virsh blkdeviotune tuned sda --read-iops-sec 100 --write-iops-sec 200 --total-iops-sec-max 0 --live
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned sda --total-bytes-sec-max 10
virsh blkdeviotune tuned sda --write-bytes-sec-max 10
virsh blkdeviotune tuned sda --total-bytes-sec 0 --total-bytes-sec-max 10
virsh blkdeviotune tuned sda --total-bytes-sec 5 --read-bytes-sec 5
virsh blkdeviotune tuned sda --total-iops-sec 5 --write-iops-sec 5
virsh blkdeviotune tuned sda --total-bytes-sec-max 5 --read-bytes-sec-max 5
virsh blkdeviotune tuned sda --total-iops-sec-max 5 --write-iops-sec-max 5 --config
virsh blkdeviotune tuned sda --total-bytes-sec 1000000000000001
virsh blkdeviotune tuned sda --total-bytes-sec 1P
virsh blkdeviotune tuned sda --total-bytes-sec x
virsh blkdeviotune tuned sda --total-bytes-sec 0 --total-bytes-sec-max 0 --total-iops-sec 0 --total-iops-sec-max 0 --size-iops-sec 0
virsh blkdeviotune tuned sda
virsh dumpxml tuned --xpath '//disk[target/@dev="sda"]/iotune'

# Groups
virsh blkdeviotune tuned sda --group-name shared
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned vda --write-bytes-sec 3000000
virsh blkdeviotune tuned sda
virsh dumpxml tuned | sed -n '/<iotune/,/<.iotune/p'
virsh blkdeviotune tuned sda --group-name shared --config
virsh dumpxml tuned --inactive | sed -n '/<iotune/,/<.iotune/p'
virsh blkdeviotune tuned sda --group-name other --total-bytes-sec 0 --total-bytes-sec-max 0
virsh blkdeviotune tuned sda --group-name other --total-bytes-sec 4096
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned vda
virsh blkdeviotune tuned vda --read-bytes-sec 0 --read-bytes-sec-max 0 --read-bytes-sec-max-length 0
virsh blkdeviotune tuned vda
virsh dumpxml tuned | sed -n '/<iotune/,/<.iotune/p'

# An empty drive, and one that gets a medium
virsh blkdeviotune tuned hdc --total-iops-sec 66
virsh dumpxml tuned | sed -n '/<iotune/,/<.iotune/p'
cp $(sed -n "s/.*'\(.*second.qcow2\)'.*/\1/p" tuned.xml) medium.iso; virsh change-media tuned hdc $PWD/medium.iso --insert --live
virsh blkdeviotune tuned hdc
virsh change-media tuned hdc --eject --live

# A disk that is plugged in, and one that is changed
cp medium.iso plugged.raw; echo "<disk type='file'><source file='$PWD/plugged.raw'/><target dev='vdp' bus='virtio'/><iotune><total_bytes_sec>5000</total_bytes_sec></iotune></disk>" >plugged.xml
virsh attach-device tuned plugged.xml --live
virsh blkdeviotune tuned vdp
virsh dumpxml tuned --xpath '//disk[target/@dev="vdp"]/iotune'
sed -i s/5000/6000/ plugged.xml; virsh update-device tuned plugged.xml --live
sed -i s/total/write/g plugged.xml; virsh update-device tuned plugged.xml --live
virsh blkdeviotune off vda --total-bytes-sec 1
virsh blkdeviotune off vda --total-bytes-sec 1 --live
virsh blkdeviotune brief vda --total-bytes-sec 1 --config
virsh blkdeviotune brief vda --total-bytes-sec 1
timeout 20 sh -c 'virsh event --all --loop >events & sleep 2; virsh blkdeviotune tuned sda --total-bytes-sec 8192 --group-name new --total-bytes-sec-max 9000 --total-bytes-sec-max-length 2 --config --live; virsh blkdeviotune tuned sda --read-iops-sec 5 --config; sleep 1; kill $!; cat events'
python3 wire.py tuned 'd.blockIoTune("vda", 0)'
python3 wire.py tuned 'd.blockIoTune("vda", 2)'
python3 wire.py tuned 'd.blockIoTune("vda", 3)'
python3 wire.py tuned 'd.blockIoTune("vda", 8)'
python3 wire.py tuned 'd.setBlockIoTune("vda", {"total_bytes_sec": 5}, 8)'
virsh destroy tuned && virsh start --paused tuned
virsh blkdeviotune tuned sda
virsh blkdeviotune tuned vda
virsh destroy tuned && virsh destroy brief && virsh undefine tuned && virsh undefine off

# What a definition may say of it
sed 's/<write_iops_sec>0/<write_iops_sec>x/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<write_iops_sec>0<.write_iops_sec>/<total_bytes_sec>5<\/total_bytes_sec>/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<write_iops_sec>0<.write_iops_sec>/<total_bytes_sec_max>5<\/total_bytes_sec_max>/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<total_iops_sec>55<.total_iops_sec>/<total_iops_sec>5<\/total_iops_sec><read_iops_sec>5<\/read_iops_sec>/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/<total_iops_sec>55<.total_iops_sec>/<total_iops_sec_max>5<\/total_iops_sec_max><read_iops_sec_max>5<\/read_iops_sec_max>/' tuned.xml >bad.xml; virsh define bad.xml
sed 's/1000000</3000000</' tuned.xml >bad.xml; virsh define bad.xml && virsh start tuned; virsh undefine tuned
