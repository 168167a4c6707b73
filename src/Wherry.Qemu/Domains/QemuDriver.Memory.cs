using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh setmem and setmaxmem.
public sealed partial class QemuDriver
{
    /// <summary>What the balloon shall leave to the guest. A running guest follows in its own time, or not at all; its XML shows what it has.</summary>
    /// <exception cref="WherryException">InvalidArg: above the maximum; OperationInvalid: nothing to do it with.</exception>
    public Task SetMemoryAsync(Domain domain, ByteSize memory, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            if (memory > affected.Live?.Spec.Memory || memory > affected.Config?.Spec.Memory)
                throw new WherryException(ErrorCode.InvalidArg, "cannot set memory higher than max memory");
            if (affected.Qemu is { } qemu)
                await InflateAsync(qemu, memory, ct);
            return new DocumentChanges(Live: null, Config: document => document.WithCurrentMemory(memory));
        },
        ct);

    /// <summary>What the next start gives the guest.</summary>
    /// <exception cref="WherryException">OperationInvalid: asked of a running domain.</exception>
    public Task SetMaxMemoryAsync(Domain domain, ByteSize memory, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            if (affected.Live is not null)
                throw new WherryException(ErrorCode.OperationInvalid, "cannot resize the maximum memory on an active domain");
            if (affected.Config?.Spec.NumaCells is { IsEmpty: false })
            {
                throw new WherryException(
                    ErrorCode.OperationInvalid, "initial memory size of a domain with NUMA nodes cannot be modified with this API");
            }

            return Task.FromResult(new DocumentChanges(Live: null, Config: document => document.WithMemory(memory)));
        },
        ct);

    /// <summary>A module has come or gone: asks what the guest has now.</summary>
    private static async Task RefreshMemoryAsync(Domain domain, QemuInstance qemu)
    {
        if (domain.Snapshot.Live is not { } live)
            return;
        if (await CurrentMemoryAsync(qemu.Monitor, live.Spec, CancellationToken.None) is { } now)
            ChangeLive(domain, document => document.WithCurrentMemory(now));
    }

    /// <summary>What the guest has; null when QEMU does not say. Before the CPUs first run no balloon has taken anything yet.</summary>
    internal static async Task<ByteSize?> CurrentMemoryAsync(MonitorSession monitor, DomainSpec spec, CancellationToken ct)
    {
        if (spec.Memballoon is not { Model: not "none" })
            return spec.Memory;
        try
        {
            return new ByteSize((ulong)(await monitor.ExecuteAsync(new QueryBalloon(), ct)).Actual);
        }
        catch (QmpErrorException)
        {
            return null;
        }
    }

    private static async Task InflateAsync(QemuInstance qemu, ByteSize memory, CancellationToken ct)
    {
        try
        {
            await qemu.Monitor.ExecuteAsync(new Balloon((long)memory.Bytes), ct);
        }
        catch (QmpErrorException e) when (e.ErrorClass is "DeviceNotActive" or "KVMMissingCap")
        {
            throw new WherryException(
                ErrorCode.OperationInvalid,
                "Unable to change memory of active domain without the balloon device and guest OS balloon driver",
                inner: e);
        }
    }
}
