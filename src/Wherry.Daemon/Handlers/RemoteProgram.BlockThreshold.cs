using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh domblkthreshold.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainSetBlockThreshold)]
    private async ValueTask DomainSetBlockThreshold(ServerCall call, DomainSetBlockThresholdArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainSetBlockThreshold");
        await Driver.SetBlockThresholdAsync(Domain(call, args.Dom), args.Dev, args.Threshold, Owner("DomainSetBlockThreshold"), ct);
    }
}
