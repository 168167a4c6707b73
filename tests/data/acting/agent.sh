# Verbs for the agent inside the guest, where there is none: "run" has a channel for it, "off" is defined only, "brief" has no channel, "still"
# has one and is paused.
virsh define run.xml && virsh define off.xml && virsh start run && virsh create brief.xml && sed 's/>run</>still</; s/0001</0009</; /<disk/,/<.disk/d' run.xml >still.xml && virsh create --paused still.xml
virsh qemu-agent-command run '{"execute":"guest-ping"}'
virsh qemu-agent-command off '{"execute":"guest-ping"}'
virsh qemu-agent-command brief '{"execute":"guest-ping"}'
virsh qemu-agent-command still '{"execute":"guest-ping"}'
virsh qemu-agent-command run '{"execute":"guest-ping"}' --timeout 1
virsh qemu-agent-command run '{"execute":"guest-ping"}' --async
virsh qemu-agent-command run nonsense
virsh domfsfreeze run
virsh domfsfreeze off
virsh domfsfreeze brief
virsh domfsfreeze still --mountpoint /
virsh domfsthaw run
virsh domfsthaw off
virsh domfsthaw run --mountpoint /
virsh domfsthaw off --mountpoint /
virsh domfstrim run
virsh domfstrim brief
virsh domfstrim off
virsh domfstrim run --mountpoint /
virsh domtime run
virsh domtime brief
virsh domtime off
virsh domtime still
virsh domtime run --now
virsh domtime run --sync
virsh domtime brief --sync
virsh domtime off --sync
! Stock looks up what the domain's QEMU can do, and one that does not run can do nothing.
virsh domtime run --time 99999999999
virsh domhostname run
virsh domhostname brief
virsh domhostname off
virsh domhostname still --source agent
virsh set-user-password run root secret
virsh set-user-password brief root secret
virsh set-user-password off root secret
virsh set-user-password still root secret --encrypted
virsh guestvcpus run
virsh guestvcpus off
virsh guestvcpus brief
virsh guestvcpus run 1 --enable
virsh guestvcpus run 1 --disable
virsh guestvcpus run x --disable
virsh guestvcpus off 1 --disable
virsh setvcpus run 1 --guest
virsh setvcpus brief 1 --guest
virsh setvcpus still 1 --guest
virsh guest-agent-timeout run --timeout 3
virsh guest-agent-timeout run --timeout -3
virsh guest-agent-timeout run
virsh guest-agent-timeout off --timeout 0
virsh guest-agent-timeout nosuch --timeout 0
python3 wire.py run 'd.setUserPassword("root", "secret", 2)'
python3 wire.py run 'd.setTime({"seconds": 1, "nseconds": 1}, 2)'
python3 wire.py run 'd.setTime({"seconds": 99999999999, "nseconds": 1}, 0)'
python3 wire.py run 'd.agentSetResponseTimeout(-3)'
python3 wire.py run 'd.agentSetResponseTimeout(5, 1)'
python3 wire.py run 'd.setGuestVcpus("1", 2)'
python3 wire.py run '(d.guestVcpus(1), l.virGetLastError()[:3])'
python3 wire.py run 'd.fsFreeze(flags=1)'
python3 wire.py run 'd.fSTrim(None, 0, 1)'
virsh qemu-attach 1
python3 wire.py off 'd.guestInfo()'
python3 wire.py still 'd.guestInfo()'
python3 wire.py off 'd.fsFreeze()'
python3 wire.py still 'd.fsFreeze()'
python3 wire.py off 'd.fsThaw()'
python3 wire.py off 'd.fSTrim(None, 0)'
python3 wire.py off 'd.fsInfo()'
python3 wire.py off 'd.hostname(2)'
python3 wire.py off 'd.getTime()'
python3 wire.py off 'd.interfaceAddresses(1)'
python3 wire.py off 'd.setUserPassword("root", "secret")'
python3 wire.py off '(d.guestVcpus(), l.virGetLastError()[:3])'
python3 wire.py off 'd.setGuestVcpus("1", 0)'
python3 wire.py off 'd.setVcpusFlags(1, 8)'
python3 wire.py off 'd.setVcpusFlags(1, 9)'
python3 wire.py off 'd.vcpusFlags(8)'
python3 wire.py off 'd.vcpusFlags(9)'
python3 wire.py still 'd.vcpusFlags(8)'
python3 wire.py off 'd.authorizedSSHKeysGet("root")'
python3 wire.py off 'd.authorizedSSHKeysSet("root", ["x"])'
python3 wire.py still 'd.authorizedSSHKeysGet("root")'
python3 wire.py off 'd.shutdownFlags(2)'
python3 wire.py off 'd.reboot(2)'
python3 wire.py still 'd.shutdownFlags(2)'
python3 wire.py still 'd.reboot(2)'
python3 wire.py brief 'd.shutdownFlags(2)'
python3 wire.py off '__import__("libvirt_qemu").qemuAgentCommand(d, "{}", 1, 0)'
virsh destroy run && virsh destroy brief && virsh destroy still
