using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// virsh setmem and setmaxmem.
internal sealed partial class RemoteProgram
{
    private const uint MemoryMaximum = 4;

    [Procedure(RemoteProcedure.DomainSetMemory)]
    private ValueTask DomainSetMemory(ServerCall call, DomainSetMemoryArgs args, CancellationToken ct) =>
        SetMemoryAsync(call, args.Dom, args.Memory, AffectLive, "virDomainSetMemory", Owner("DomainSetMemory"), ct);

    [Procedure(RemoteProcedure.DomainSetMaxMemory)]
    private ValueTask DomainSetMaxMemory(ServerCall call, DomainSetMaxMemoryArgs args, CancellationToken ct) =>
        SetMemoryAsync(call, args.Dom, args.Memory, MemoryMaximum, "virDomainSetMaxMemory", Owner("DomainSetMaxMemory"), ct);

    [Procedure(RemoteProcedure.DomainSetMemoryFlags)]
    private ValueTask DomainSetMemoryFlags(ServerCall call, DomainSetMemoryFlagsArgs args, CancellationToken ct) =>
        SetMemoryAsync(call, args.Dom, args.Memory, args.Flags, "virDomainSetMemoryFlags", Owner("DomainSetMemoryFlags"), ct);

    private async ValueTask SetMemoryAsync(
        ServerCall call, NonnullDomain dom, ulong kib, uint flags, string function, string owner, CancellationToken ct)
    {
        const ulong greatest = long.MaxValue / 1024;
        CheckArgument(kib != 0, "memory", function, "must not be zero");
        if (kib >= greatest)
            throw new WherryException(ErrorCode.Overflow, $"input too large: {kib}", ErrorDomain.Domain);
        CheckFlags(flags, AffectLive | AffectConfig | MemoryMaximum, "qemuDomainSetMemoryFlags");
        var (domain, memory) = (Domain(call, dom), ByteSize.FromKiB(kib));
        await (Has(flags, MemoryMaximum)
            ? Driver.SetMaxMemoryAsync(domain, memory, Affect(flags), owner, ct)
            : Driver.SetMemoryAsync(domain, memory, Affect(flags), owner, ct));
    }
}
