using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Rpc;
using Wherry.Wire.Peer;
using Wherry.Wire.Procedures;

namespace Wherry.Daemon.Handlers;

/// <summary>
/// Our own program: what another wherry daemon asks about a hand-over when an answer was lost. Needs no CONNECT_OPEN, because it is
/// about the daemon's journal and not about a driver.
/// </summary>
[RpcProgram(typeof(PeerProcedure))]
internal sealed partial class PeerProgram(Migrations migrations, Guid hostUuid)
{
    [Procedure(PeerProcedure.Resolve)]
    private async ValueTask<PeerResolveRet> Resolve(ServerCall call, PeerResolveArgs args, CancellationToken ct)
    {
        // An address can lead to the wrong daemon (a unix socket's always means "this machine"), and to it every id is unknown.
        if (args.Host != hostUuid)
            throw new WherryException(ErrorCode.OperationInvalid, $"hand-over {args.Handover} is about host {args.Host}, this is host {hostUuid}");
        return new(await migrations.ResolveAsync(args.Handover, args.Domain, args.StartPaused, ct) switch
        {
            ResolveAnswer.Run => PeerAnswer.Run,
            ResolveAnswer.Abort => PeerAnswer.Abort,
            _ => PeerAnswer.Pending,
        });
    }

    [Procedure(PeerProcedure.Attach)]
    private ValueTask Attach(ServerCall call, PeerAttachArgs args, CancellationToken ct)
    {
        migrations.Attach(args.Handover, call.Session);
        call.Session.OnClosed(() =>
        {
            migrations.ClientGone(call.Session);
            return Task.CompletedTask;
        });
        return default;
    }

    [Procedure(PeerProcedure.Forget)]
    private async ValueTask Forget(ServerCall call, PeerForgetArgs args, CancellationToken ct) =>
        await migrations.ForgetAsync(args.Handover, ct);
}
