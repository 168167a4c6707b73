using System.Collections.Immutable;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh vcpupin and emulatorpin: the thread's group is narrowed first, where it has one, since the scheduler keeps to that.
public sealed partial class QemuDriver
{
    /// <summary>The host CPUs that one virtual CPU may run on.</summary>
    /// <exception cref="WherryException">InvalidArg: no such virtual CPU, or no host CPU; SystemError: none of them is there.</exception>
    public Task PinVcpuAsync(Domain domain, int vcpu, ImmutableSortedSet<int> cpus, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            if (affected.Config is { } config && vcpu >= config.Spec.Vcpu.Maximum)
                throw new WherryException(
                    ErrorCode.InvalidArg, $"vcpu {vcpu} is out of range of persistent cpu count {config.Spec.Vcpu.Current}");
            CheckCpus(cpus);
            if (affected is { Live: { } live, Qemu: { } qemu })
            {
                if (vcpu >= live.Spec.Vcpu.Maximum)
                    throw new WherryException(ErrorCode.InvalidArg, $"vcpu {vcpu} is out of range of live cpu count {live.Spec.Vcpu.Maximum}");
                if (live.Spec.Vcpu.All[vcpu].IsEnabled)
                    await PinVcpuAsync(qemu, vcpu, cpus, ct);
                domain.Announce(new DomainEvent.Tunable([new TunedField($"cputune.vcpupin{vcpu}", Number: null, CpuList.Write(cpus))]));
            }
            return DocumentChanges.Both(document => document.WithVcpuPin(vcpu, cpus));
        },
        ct);

    /// <summary>The host CPUs that QEMU's own threads may run on.</summary>
    /// <exception cref="WherryException">InvalidArg: no host CPU; SystemError: none of them is there.</exception>
    public Task PinEmulatorAsync(Domain domain, ImmutableSortedSet<int> cpus, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            CheckCpus(cpus);
            if (affected.Qemu is { } qemu)
            {
                Narrow(qemu, ThreadGroup.Emulator, cpus);
                ThreadAffinity.Set(qemu.Process.Pid, cpus);
                domain.Announce(new DomainEvent.Tunable([new TunedField("cputune.emulatorpin", Number: null, CpuList.Write(cpus))]));
            }
            return Task.FromResult(DocumentChanges.Both(document => document.WithEmulatorPin(cpus)));
        },
        ct);

    private static void CheckCpus(ImmutableSortedSet<int> cpus)
    {
        if (cpus.IsEmpty)
            throw new WherryException(ErrorCode.InvalidArg, "Empty cpu list for pinning");
    }

    private static async Task PinVcpuAsync(QemuInstance qemu, int vcpu, ImmutableSortedSet<int> cpus, CancellationToken ct)
    {
        var threads = await AskVcpuThreadsAsync(qemu, ct);
        if (threads.IsEmpty)
            throw SharedVcpuThread();
        if (!threads.TryGetValue(vcpu, out var thread))
            return;
        Narrow(qemu, ThreadGroup.Vcpu(vcpu), cpus);
        ThreadAffinity.Set(thread, cpus);
    }

    private static void Narrow(QemuInstance qemu, ThreadGroup group, ImmutableSortedSet<int> cpus)
    {
        if (qemu.Cgroup is { } cgroup && cgroup.Has(CgroupControllers.CpuSet))
            cgroup.SetCpus(group, CpuList.Write(cpus));
    }
}
