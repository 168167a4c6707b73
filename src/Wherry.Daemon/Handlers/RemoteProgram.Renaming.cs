using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh domrename.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainRename)]
    private async ValueTask<DomainRenameRet> DomainRename(ServerCall call, DomainRenameArgs args, CancellationToken ct)
    {
        CheckArgument(args.NewName is not null, "new_name", "virDomainRename", "must not be NULL");
        CheckArgument(args.NewName is not "", "string new_name", "virDomainRename", "must not be empty");
        CheckFlags(args.Flags, 0, "qemuDomainRename");
        await Driver.RenameAsync(Domain(call, args.Dom), args.NewName!, Owner("DomainRename"), ct);
        return new DomainRenameRet(0);
    }
}
