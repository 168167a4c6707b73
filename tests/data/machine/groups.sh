# What the daemons' tables of calls stand on inside a machine: start KIND, ask FILE, and what the calls use.
export LC_ALL=C

uri() { case $1 in stock) echo qemu:///system;; *) echo 'qemu+unix:///system?socket=/run/wherry/libvirt-sock';; esac; }

start() {
    export LIBVIRT_DEFAULT_URI="$(uri "$1")"
    case $1 in
        stock) libvirtd >>/tmp/daemon.log 2>&1 & ;;
        *) @DAEMON@ >>/tmp/daemon.log 2>&1 & ;;
    esac
    echo $! >/tmp/daemon.pid
    n=0
    until virsh uri >/dev/null 2>&1; do
        n=$((n + 1)); [ $n -lt 100 ] && [ -e "/proc/$(cat /tmp/daemon.pid)/exe" ] || { cat /tmp/daemon.log; return 1; }
        sleep 0.1
    done
}

stop() { kill -9 "$(cat /tmp/daemon.pid)"; while [ -e "/proc/$(cat /tmp/daemon.pid)/exe" ]; do sleep 0.1; done; }

# A daemon that is killed, and comes back.
restart() { stop; start "$KIND" && echo restarted; }

configure() {
    printf 'auth_unix_rw="none"\nauth_unix_ro="none"\nhost_uuid="8f5e6b0a-1111-4222-8333-944455556666"\n' >/etc/libvirt/libvirtd.conf
    printf 'user="root"\ngroup="root"\ndynamic_ownership=0\nsecurity_driver="none"\nstdio_handler="file"\nnamespaces=[]\n' >/etc/libvirt/qemu.conf
}

# All groups of guests with their values.
groups() {
    cd /sys/fs/cgroup
    find machine* -type d 2>/dev/null | sort | while read -r group; do
        echo "$group: $(cat "$group/cgroup.type"), has $(cat "$group/cgroup.controllers"), gives $(cat "$group/cgroup.subtree_control")"
        for file in cpu.weight cpu.max cpuset.cpus cpuset.mems memory.max memory.high memory.swap.max io.weight io.bfq.weight io.max; do
            [ ! -e "$group/$file" ] || echo "    $file: $(tr '\n' ';' <"$group/$file")"
        done
        case $group in *vcpu*|*iothread*|*emulator*) for t in $(cat "$group/cgroup.threads"); do cat "/proc/$t/comm"; done | grep -v '^worker$' | sort -u | sed 's/^/    thread /';; esac
    done
    cd /work
}

# Where the process of a guest is.
place() { for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" != "$(readlink -f /usr/bin/qemu-system-x86_64)" ] || ! tr '\0' ' ' <$p/cmdline | grep -q "guest=$1," || grep '^0::' $p/cgroup; done; }

qemu() { for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" != "$(readlink -f /usr/bin/qemu-system-x86_64)" ] || ! tr '\0' ' ' <$p/cmdline | grep -q "guest=$1," || basename $p; done; }

tuning() { virsh dumpxml "$@" | sed -n '/<memory unit/,/<os>/p' | grep -v '<memory \|currentMemory\|<os>'; }

ask() {
    n=0
    while IFS= read -r call; do
        echo "@@@ $KIND $n"
        (eval "$call") </dev/null 2>&1
        echo "(exit code $?)"
        n=$((n + 1))
    done <"$1"
}
