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
        RequireThisHost(args.Handover, args.Host);
        return Answer(await migrations.ResolveAsync(args.Handover, args.Domain, args.StartPaused, ct));
    }

    [Procedure(PeerProcedure.Withdraw)]
    private async ValueTask<PeerResolveRet> Withdraw(ServerCall call, PeerWithdrawArgs args, CancellationToken ct)
    {
        RequireThisHost(args.Handover, args.Host);
        return Answer(await migrations.WithdrawAsync(args.Handover, args.Domain, ct));
    }

    /// <summary>An address can lead to the wrong daemon (a unix socket's always means "this machine"), and to it every id is unknown.</summary>
    private void RequireThisHost(Guid handover, Guid host)
    {
        if (host != hostUuid)
            throw new WherryException(ErrorCode.OperationInvalid, $"hand-over {handover} is about host {host}, this is host {hostUuid}");
    }

    private static PeerResolveRet Answer(ResolveAnswer answer) => new(answer switch
    {
        ResolveAnswer.Run => PeerAnswer.Run,
        ResolveAnswer.Abort => PeerAnswer.Abort,
        _ => PeerAnswer.Pending,
    });

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
