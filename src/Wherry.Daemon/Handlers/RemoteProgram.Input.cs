using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh send-key and inject-nmi.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainInjectNmi)]
    private async ValueTask DomainInjectNmi(ServerCall call, DomainInjectNmiArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainInjectNMI");
        await Driver.InjectNmiAsync(Domain(call, args.Dom), Owner("DomainInjectNMI"), ct);
    }

    [Procedure(RemoteProcedure.DomainSendKey)]
    private async ValueTask DomainSendKey(ServerCall call, DomainSendKeyArgs args, CancellationToken ct)
    {
        CheckArgument(!args.Keycodes.IsEmpty, "nkeycodes", "virDomainSendKey", "must be greater than zero");
        CheckFlags(args.Flags, 0, "qemuDomainSendKey");
        await Driver.SendKeyAsync(
            Domain(call, args.Dom), args.Codeset, TimeSpan.FromMilliseconds(args.Holdtime), args.Keycodes, Owner("DomainSendKey"), ct);
    }
}
