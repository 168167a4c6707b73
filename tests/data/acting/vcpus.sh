# Virtual CPUs. "run" has two of four and runs, "off" has one and is defined only; no guest here lets go of a CPU.
virsh define run.xml && virsh define off.xml && virsh start run && virsh create --paused brief.xml
virsh vcpucount run
virsh dumpxml run | grep vcpu
virsh setvcpus run 3
virsh vcpucount run
virsh dumpxml run | grep vcpu
virsh dumpxml run --inactive | grep vcpu
virsh setvcpus run 2
virsh dumpxml run | grep vcpu
virsh setvcpus run 1
virsh setvcpus run 5
virsh setvcpus run 5 --config
virsh setvcpus run 0
virsh setvcpus run 3
virsh setvcpus run 4 --live --config
virsh dumpxml run | grep vcpu
virsh dumpxml run --inactive | grep vcpu
virsh setvcpus run 2 --config
virsh dumpxml run --inactive | grep vcpu
virsh setvcpus run 3 --config --hotpluggable
virsh dumpxml run --inactive | grep vcpu
virsh setvcpus run 4 --config
virsh dumpxml run --inactive | grep vcpu
virsh setvcpus run 1 --config
virsh dumpxml run --inactive | grep vcpu
virsh setvcpus run 6 --maximum --config
virsh dumpxml run --inactive | grep vcpu
! Stock says whether a new CPU can be plugged only when it has read its own file again; it always can.
virsh setvcpus run 3 --maximum --config
virsh dumpxml run --inactive | grep vcpu
virsh setvcpus run 3 --maximum --live
virsh setvcpus run 3 --maximum --live --config
virsh setvcpus run 3 --guest --config
virsh setvcpus run 3 --guest
virsh setvcpus off 3 --guest
virsh setvcpus off 2
virsh setvcpus off 2 --live
virsh setvcpus off 3 --maximum --config
virsh setvcpus off 2 --config
virsh dumpxml off | grep vcpu
virsh setvcpus brief 2
virsh setvcpus brief 2 --config
virsh setvcpus brief 1
virsh destroy run
virsh setvcpus run 3 --config --hotpluggable
virsh start run
virsh dumpxml run | grep vcpu
virsh vcpucount run
virsh destroy run && virsh undefine run && virsh define run.xml && virsh start run
virsh setvcpu run 2 --enable
virsh setvcpu run 2 --enable
virsh setvcpu run 2 --disable
virsh setvcpu run 1 --disable
virsh setvcpu run 3 --enable --config --live
virsh dumpxml run | grep vcpu
virsh dumpxml run --inactive | grep vcpu
virsh setvcpu run 0 --disable --config
virsh setvcpu run 0-1 --disable
virsh setvcpu run 2-3 --disable
virsh setvcpu run 9 --enable
virsh setvcpu run 9 --enable --config
virsh setvcpu run x --enable
virsh setvcpu run 1,^1 --enable
virsh setvcpu off 1 --enable
virsh setvcpu off 0 --disable --config
virsh setvcpu brief 0 --disable --config
virsh setvcpu run 1 --disable --config
virsh dumpxml run --inactive | grep vcpu
python3 wire.py run 'd.setVcpu("1", 2, 0)'
python3 wire.py run 'd.setVcpu("1", 1, 8)'
python3 wire.py run 'd.setVcpus(4)'
python3 wire.py off 'd.setVcpus(4)'
python3 wire.py run 'd.setVcpusFlags(4, 64)'
virsh destroy run && virsh destroy brief

# vcpupin, emulatorpin: what stock does by control groups besides cannot be seen here.
virsh start run && virsh create --paused brief.xml
virsh vcpupin run 0 0
virsh vcpupin run 1 0 --live
virsh vcpupin run 1 1 --config
virsh vcpupin run
virsh vcpupin run --config
virsh vcpuinfo run | grep -v 'CPU:\|time\|State'
virsh dumpxml run | sed -n '/<cputune/,/<.cputune/p'
virsh dumpxml run --inactive | sed -n '/<cputune/,/<.cputune/p'
virsh vcpupin run 3 0
virsh vcpupin run 9 0
virsh vcpupin run 9 0 --config
virsh vcpupin run 0 9999
virsh vcpupin run 0 x
virsh vcpupin off 0 0
virsh vcpupin off 0 0 --live
virsh vcpupin off 0 0 --config
virsh vcpupin off 1 0 --config
virsh vcpupin brief 0 0 --config
virsh vcpupin brief 0 0
virsh emulatorpin run 0
virsh emulatorpin run 0-1 --config
virsh emulatorpin run
virsh emulatorpin run --config
virsh emulatorpin run 9999
virsh emulatorpin off 0 --live
virsh emulatorpin off 0
virsh emulatorpin brief 0 --config
virsh dumpxml run | sed -n '/<cputune/,/<.cputune/p'
virsh dumpxml off | sed -n '/<cputune/,/<.cputune/p'
python3 wire.py run 'd.pinVcpu(0, (True, False))'
python3 wire.py run 'd.pinVcpuFlags(0, (False, False), 0)'
python3 wire.py run 'd.pinVcpuFlags(0, (True,), 8)'
python3 wire.py run 'd.pinEmulator((False,), 0)'
python3 wire.py run 'd.pinEmulator((True,), 8)'
timeout 20 sh -c 'virsh event --all --loop >events & sleep 2; virsh vcpupin run 0 0; virsh emulatorpin run 0; virsh vcpupin run 0 0 --config; sleep 1; kill $!; cat events'
virsh destroy run && virsh start run && virsh vcpuinfo run | grep -v 'CPU:\|time\|State'
virsh destroy run && virsh destroy brief
