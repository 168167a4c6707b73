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
        affected => affected.Live is null
            ? Task.FromResult(new DocumentChanges(Live: null, Config: document => document.WithMemory(memory)))
            : throw new WherryException(ErrorCode.OperationInvalid, "cannot resize the maximum memory on an active domain"),
        ct);

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
