using System.Collections.Immutable;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Process;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// The host's threads that a guest consists of: which group each is in, and where it may run.
public sealed partial class QemuDriver
{
    /// <summary>What a definition says of its threads, before the guest first runs. The emulator's group is made already.</summary>
    private static async Task PlaceThreadsAsync(QemuInstance qemu, DomainDefinition definition, CancellationToken ct)
    {
        var document = definition.Document;
        if (document.EmulatorPin is { } emulator)
            ThreadAffinity.Set(qemu.Process.Pid, CpuList.Parse(emulator));
        qemu.Cgroup?.SetBandwidth(group: null, ThreadTuning.GlobalBandwidth(document));
        foreach (var vcpu in definition.Spec.Vcpu.All.Where(vcpu => vcpu.IsEnabled))
            await PlaceVcpuAsync(qemu, document, vcpu.Id, ct);
        foreach (var thread in definition.Spec.IoThreads)
            await PlaceIoThreadAsync(qemu, document, thread.Id, ct);
    }

    private static async Task PlaceVcpuAsync(QemuInstance qemu, DomainDocument document, int vcpu, CancellationToken ct)
    {
        var pin = document.VcpuPin(vcpu);
        if (pin is null && qemu.Cgroup is null)
            return;
        var threads = await AskVcpuThreadsAsync(qemu, ct);
        if (threads.IsEmpty && pin is not null)
            throw SharedVcpuThread();
        if (!threads.TryGetValue(vcpu, out var thread))
            return;
        if (qemu.Cgroup is { } cgroup)
        {
            cgroup.Make(ThreadGroup.Vcpu(vcpu), ThreadTuning.OfVcpu(document, vcpu));
            cgroup.AddThread(ThreadGroup.Vcpu(vcpu), thread);
        }
        if (pin is not null)
            ThreadAffinity.Set(thread, CpuList.Parse(pin));
    }

    private static async Task PlaceIoThreadAsync(QemuInstance qemu, DomainDocument document, uint id, CancellationToken ct)
    {
        var pin = document.IoThreadPin((int)id);
        if ((pin is null && qemu.Cgroup is null) || !(await AskIoThreadsAsync(qemu.Monitor, ct)).TryGetValue(id, out var thread))
            return;
        if (qemu.Cgroup is { } cgroup)
        {
            cgroup.Make(ThreadGroup.IoThread(id), ThreadTuning.OfIoThread(document, id));
            cgroup.AddThread(ThreadGroup.IoThread(id), thread);
        }
        if (pin is not null)
            ThreadAffinity.Set(thread, CpuList.Parse(pin));
    }

    /// <summary>The thread of each virtual CPU by its number; none where they share one, or have the emulator's, as under some of TCG.</summary>
    private static async Task<ImmutableDictionary<int, int>> AskVcpuThreadsAsync(QemuInstance qemu, CancellationToken ct)
    {
        var cpus = await qemu.Monitor.ExecuteAsync(new QueryCpusFast(), ct);
        return cpus.Select(cpu => cpu.ThreadId).Append(qemu.Process.Pid).Distinct().Count() == cpus.Length + 1
            ? cpus.ToImmutableDictionary(cpu => cpu.CpuIndex, cpu => cpu.ThreadId)
            : ImmutableDictionary<int, int>.Empty;
    }

    private static WherryException SharedVcpuThread() => new(ErrorCode.OperationInvalid, "cpu affinity is not supported");
}
