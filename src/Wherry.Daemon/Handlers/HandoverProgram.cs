using System.Globalization;
using Wherry.Daemon.Configuration;
using Wherry.Qemu.Migration;
using Wherry.Rpc;
using Wherry.Wire.Handover;
using Wherry.Wire.Procedures;

namespace Wherry.Daemon.Handlers;

/// <summary>
/// The operator's program: hand-overs in doubt, and the statement that ends one. It is part of the admin server, whose only socket serves root and
/// the daemon's own user, so who may state that a host is dead is decided by the kernel; over a network this program does not exist.
/// </summary>
[RpcProgram(typeof(HandoverProcedure))]
internal sealed partial class HandoverProgram(Migrations migrations)
{
    [Procedure(HandoverProcedure.List)]
    private ValueTask<HandoverListRet> List(ServerCall call, CancellationToken ct) => new(new HandoverListRet(
    [
        .. migrations.HandOvers.Take(HandoverLimits.List).Select(one => new HandoverEntry(
            one.Id, one.DomainUuid, one.DomainName, one.Role.ToString().ToLowerInvariant(), one.State, one.Since.ToUnixTimeSeconds(),
            one.PeerUri ?? "", one.PeerHost ?? "", one.Here, one.There, one.Command ?? "")),
    ]));

    [Procedure(HandoverProcedure.ForceSource)]
    private async ValueTask<HandoverForceRet> ForceSource(ServerCall call, HandoverForceArgs args, CancellationToken ct) =>
        new(await migrations.ForceSourceAsync(args.Handover, args.FencedHost, Operator(call), ct));

    [Procedure(HandoverProcedure.ForceDestination)]
    private async ValueTask<HandoverForceRet> ForceDestination(ServerCall call, HandoverForceArgs args, CancellationToken ct) =>
        new(await migrations.ForceDestinationAsync(args.Handover, args.FencedHost, Operator(call), ct));

    private static string Operator(ServerCall call) => call.Session.Identity.Uid is { } uid
        ? UnixNames.User(uid) ?? string.Create(CultureInfo.InvariantCulture, $"uid {uid}")
        : call.Session.Identity.ToString();
}
