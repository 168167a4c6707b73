using System.Collections.Immutable;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh vcpupin and emulatorpin: by the kernel's scheduler alone. libvirt also narrows the control group, where it has one.
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
                    await PinVcpuAsync(qemu.Monitor, vcpu, cpus, ct);
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
                ThreadAffinity.Set(qemu.Process.Pid, cpus);
                domain.Announce(new DomainEvent.Tunable([new TunedField("cputune.emulatorpin", Number: null, CpuList.Write(cpus))]));
            }
            return Task.FromResult(DocumentChanges.Both(document => document.WithEmulatorPin(cpus)));
        },
        ct);

    /// <summary>What a definition says of its threads, before the guest first runs.</summary>
    private static async Task PinAllAsync(QemuInstance qemu, DomainDefinition definition, CancellationToken ct)
    {
        var document = definition.Document;
        if (document.EmulatorPin is { } emulator)
            ThreadAffinity.Set(qemu.Process.Pid, CpuList.Parse(emulator));
        foreach (var vcpu in definition.Spec.Vcpu.All.Where(vcpu => vcpu.IsEnabled))
        {
            if (document.VcpuPin(vcpu.Id) is { } pin)
                await PinVcpuAsync(qemu.Monitor, vcpu.Id, CpuList.Parse(pin), ct);
        }
        foreach (var thread in definition.Spec.IoThreads)
            await PinIoThreadAsync(qemu.Monitor, thread.Id, document.IoThreadPin((int)thread.Id), ct);
    }

    private static void CheckCpus(ImmutableSortedSet<int> cpus)
    {
        if (cpus.IsEmpty)
            throw new WherryException(ErrorCode.InvalidArg, "Empty cpu list for pinning");
    }

    /// <summary>A TCG guest may have one thread for all its CPUs: that is no one's to pin.</summary>
    private static async Task PinVcpuAsync(MonitorSession monitor, int vcpu, ImmutableSortedSet<int> cpus, CancellationToken ct)
    {
        var threads = await monitor.ExecuteAsync(new QueryCpusFast(), ct);
        if (threads.Length > 1 && threads.Select(thread => thread.ThreadId).Distinct().Count() < threads.Length)
            throw new WherryException(ErrorCode.OperationInvalid, "cpu affinity is not supported");
        if (threads.FirstOrDefault(thread => thread.CpuIndex == vcpu) is { } found)
            ThreadAffinity.Set(found.ThreadId, cpus);
    }
}
