# QEMU's own agent in a real guest: what it tells and does, a reboot and a shutdown by it, and one that has stopped answering.
truncate -s 16M images/data.raw && mkfs.ext4 -q images/data.raw && virsh define guest.xml && virsh start ga
until virsh qemu-agent-command ga '{"execute":"guest-ping"}' >/dev/null 2>&1; do sleep 1; done
virsh qemu-agent-command ga '{"execute":"guest-nosuch"}'
virsh domfsinfo ga
virsh guestinfo ga --user
virsh guestinfo ga --os
virsh guestinfo ga --timezone
virsh guestinfo ga --hostname
virsh guestinfo ga --filesystem | sed 's/used-bytes.*/used/'
virsh guestinfo ga --disk
virsh guestinfo ga --interface
virsh guestinfo ga | sed 's/used-bytes.*/used/'
python3 wire.py ga 'd.guestInfo(128)'
python3 wire.py ga 'd.guestInfo(0, 1)'
python3 wire.py ga 'd.fsInfo()'
python3 wire.py ga 'd.interfaceAddresses(1)'
python3 wire.py ga 'd.interfaceAddresses(9)'
virsh domifaddr ga --source agent --full
virsh domifaddr ga --source agent eth0
virsh domifaddr ga --source lease
virsh domhostname ga --source agent
virsh domfsfreeze ga
virsh domfsthaw ga
virsh domfsfreeze ga --mountpoint /data
virsh domfsthaw ga
virsh domfstrim ga
virsh guestvcpus ga
virsh setvcpus ga 1 --guest
virsh guestvcpus ga
virsh setvcpus ga 2 --guest
virsh guestvcpus ga 1 --disable
virsh guestvcpus ga 0 --disable
virsh guestvcpus ga 1 --enable
virsh domtime ga --time 1000000000
virsh domtime ga | sed 's/[0-9]//g'
virsh set-user-password ga root secret
virsh get-user-sshkeys ga root
echo 'ssh-ed25519 AAAA one' >key && virsh set-user-sshkeys ga root --file key
echo 'ssh-ed25519 BBBB two' >key && virsh set-user-sshkeys ga root --file key
virsh get-user-sshkeys ga root
virsh set-user-sshkeys ga root --remove --file key
virsh set-user-sshkeys ga root --reset --file key
virsh get-user-sshkeys ga root
virsh get-user-sshkeys ga nosuch
python3 wire.py ga 'd.authorizedSSHKeysSet("root", ["x"], 4)'
virsh shutdown ga --mode initctl
virsh shutdown ga --mode signal
virsh reboot ga --mode paravirt
virsh shutdown ga --mode nosuch
virsh reboot ga --mode agent
until virsh qemu-agent-command ga '{"execute":"guest-ping"}' >/dev/null 2>&1; do sleep 1; done
virsh qemu-agent-command ga '{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["-c","sleep 1; kill -STOP $(pidof qemu-ga)"]}}' | sed 's/[0-9]//g'; sleep 3
virsh guest-agent-timeout ga --timeout 1
virsh domfsinfo ga
virsh guestinfo ga
virsh domifaddr ga --source agent
virsh domhostname ga
virsh shutdown ga --mode agent
virsh reboot ga --mode agent
virsh domfsfreeze ga
virsh get-user-sshkeys ga root
virsh guest-agent-timeout ga --timeout 60
(virsh domfsfreeze ga >/dev/null 2>&1 &); timeout 20 virsh suspend ga && timeout 20 virsh resume ga && virsh domstate ga
virsh destroy ga && virsh start ga
until virsh qemu-agent-command ga '{"execute":"guest-ping"}' >/dev/null 2>&1; do sleep 1; done
# Not what it says: where the guest is off before its agent has answered, stock goes on to ACPI and calls the guest that it has ended "not running".
virsh shutdown ga --mode agent,acpi >/dev/null 2>&1; until [ "$(virsh domstate ga)" = "shut off" ]; do sleep 1; done
virsh shutdown ga --mode agent
virsh reboot ga --mode agent
virsh shutdown ga --mode agent,acpi
virsh domfsinfo ga
virsh guestinfo ga
virsh get-user-sshkeys ga root
