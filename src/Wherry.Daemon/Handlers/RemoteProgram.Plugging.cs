using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// virsh setvcpus and setvcpu.
internal sealed partial class RemoteProgram
{
    private const uint VcpuHotpluggable = 16;

    [Procedure(RemoteProcedure.DomainSetVcpus)]
    private ValueTask DomainSetVcpus(ServerCall call, DomainSetVcpusArgs args, CancellationToken ct) =>
        SetVcpusAsync(call, args.Dom, args.Nvcpus, AffectLive, "virDomainSetVcpus", Owner("DomainSetVcpus"), ct);

    [Procedure(RemoteProcedure.DomainSetVcpusFlags)]
    private ValueTask DomainSetVcpusFlags(ServerCall call, DomainSetVcpusFlagsArgs args, CancellationToken ct) =>
        SetVcpusAsync(call, args.Dom, args.Nvcpus, args.Flags, "virDomainSetVcpusFlags", Owner("DomainSetVcpusFlags"), ct);

    [Procedure(RemoteProcedure.DomainSetVcpu)]
    private async ValueTask DomainSetVcpu(ServerCall call, DomainSetVcpuArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainSetVcpu");
        if (args.State is not (0 or 1))
            throw WherryException.RefusedArgument("qemuDomainSetVcpu", "state", "unsupported state value");
        var chosen = CpuList.Parse(args.Cpumap);
        if (chosen.IsEmpty)
            throw new WherryException(ErrorCode.InvalidArg, "no vcpus selected for modification");
        await Driver.SetVcpuAsync(Domain(call, args.Dom), chosen, args.State == 1, Affect(args.Flags), Owner("DomainSetVcpu"), ct);
    }

    private async ValueTask SetVcpusAsync(
        ServerCall call, NonnullDomain dom, uint count, uint flags, string function, string owner, CancellationToken ct)
    {
        if (Has(flags, VcpuMaximum) && !Has(flags, AffectConfig))
            throw Combination("Flag 'VIR_DOMAIN_AFFECT_CONFIG' is required by flag 'VIR_DOMAIN_VCPU_MAXIMUM'");
        if (Has(flags, VcpuGuest) && Has(flags, AffectConfig))
            throw Combination("Flags 'VIR_DOMAIN_VCPU_GUEST' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
        CheckArgument(count != 0, "nvcpus", function, "must not be zero");
        CheckFlags(flags, AffectLive | AffectConfig | VcpuMaximum | VcpuGuest | VcpuHotpluggable, "qemuDomainSetVcpusFlags");
        var (domain, bounded) = (Domain(call, dom), (int)Math.Min(count, int.MaxValue));
        if (Has(flags, VcpuGuest))
        {
            Affect(flags).Of(domain.Snapshot);
            await Driver.SetGuestVcpusAsync(domain, bounded, owner, ct);
        }
        else if (Has(flags, VcpuMaximum))
            await Driver.SetMaxVcpusAsync(domain, bounded, Affect(flags), owner, ct);
        else
            await Driver.SetVcpusAsync(domain, bounded, Has(flags, VcpuHotpluggable), Affect(flags), owner, ct);
    }

    private static WherryException Combination(string text) => new(ErrorCode.InvalidArg, text, ErrorDomain.Domain);
}
