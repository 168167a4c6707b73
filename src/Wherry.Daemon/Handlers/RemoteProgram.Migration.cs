using System.Collections.Immutable;
using Wherry.Daemon.Migration;
using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// The five phases of a migration (migration.md A1, A2), in both forms: with typed parameters, and positional for old clients.
internal sealed partial class RemoteProgram
{
    private Migrations Migrations => context.Migrations;

    [Procedure(RemoteProcedure.DomainMigrateBegin3Params)]
    private async ValueTask<DomainMigrateBegin3ParamsRet> DomainMigrateBegin3Params(
        ServerCall call, DomainMigrateBegin3ParamsArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        var reply = await Migrations.BeginAsync(
            domain, MigrationParameterList.Read(args.Params), (MigrationFlags)args.Flags, call.Session, ct);
        return new DomainMigrateBegin3ParamsRet(reply.Cookie, reply.Xml);
    }

    [Procedure(RemoteProcedure.DomainMigrateBegin3)]
    private async ValueTask<DomainMigrateBegin3Ret> DomainMigrateBegin3(ServerCall call, DomainMigrateBegin3Args args, CancellationToken ct)
    {
        var parameters = Positional(args.Dname, args.Resource) with { DestinationXml = args.Xmlin };
        var reply = await Migrations.BeginAsync(Domain(call, args.Dom), parameters, Flags(args.Flags), call.Session, ct);
        return new DomainMigrateBegin3Ret(reply.Cookie, reply.Xml);
    }

    [Procedure(RemoteProcedure.DomainMigratePrepare3Params)]
    private async ValueTask<DomainMigratePrepare3ParamsRet> DomainMigratePrepare3Params(
        ServerCall call, DomainMigratePrepare3ParamsArgs args, CancellationToken ct)
    {
        Client(call);
        var reply = await Migrations.PrepareAsync(
            new PhaseCall(MigrationParameterList.Read(args.Params), args.CookieIn, (MigrationFlags)args.Flags), Caller(call), ct);
        return new DomainMigratePrepare3ParamsRet(reply.Cookie, reply.UriOut);
    }

    [Procedure(RemoteProcedure.DomainMigratePrepare3)]
    private async ValueTask<DomainMigratePrepare3Ret> DomainMigratePrepare3(
        ServerCall call, DomainMigratePrepare3Args args, CancellationToken ct)
    {
        Client(call);
        var parameters = Positional(args.Dname, args.Resource) with { MigrateUri = args.UriIn, DestinationXml = args.DomXml };
        var reply = await Migrations.PrepareAsync(new PhaseCall(parameters, args.CookieIn, Flags(args.Flags)), Caller(call), ct);
        return new DomainMigratePrepare3Ret(reply.Cookie, reply.UriOut);
    }

    [Procedure(RemoteProcedure.DomainMigratePrepareTunnel3Params)]
    private async ValueTask<DomainMigratePrepareTunnel3ParamsRet> DomainMigratePrepareTunnel3Params(
        ServerCall call, DomainMigratePrepareTunnel3ParamsArgs args, CancellationToken ct) =>
        new(await PrepareTunnelAsync(call, new PhaseCall(MigrationParameterList.Read(args.Params), args.CookieIn, (MigrationFlags)args.Flags), ct));

    [Procedure(RemoteProcedure.DomainMigratePrepareTunnel3)]
    private async ValueTask<DomainMigratePrepareTunnel3Ret> DomainMigratePrepareTunnel3(
        ServerCall call, DomainMigratePrepareTunnel3Args args, CancellationToken ct) =>
        new(await PrepareTunnelAsync(
            call, new PhaseCall(Positional(args.Dname, args.Resource) with { DestinationXml = args.DomXml }, args.CookieIn, Flags(args.Flags)), ct));

    private async Task<ImmutableArray<byte>> PrepareTunnelAsync(ServerCall call, PhaseCall phase, CancellationToken ct)
    {
        Client(call);
        var (reply, memory) = await Migrations.PrepareTunnelAsync(phase, Caller(call), ct);
        Open(call, memory);
        return reply.Cookie;
    }

    [Procedure(RemoteProcedure.DomainMigratePerform3Params)]
    private async ValueTask<DomainMigratePerform3ParamsRet> DomainMigratePerform3Params(
        ServerCall call, DomainMigratePerform3ParamsArgs args, CancellationToken ct) =>
        new(await PerformAsync(
            call, args.Dom, args.Dconnuri,
            new PhaseCall(MigrationParameterList.Read(args.Params), args.CookieIn, (MigrationFlags)args.Flags), ct));

    [Procedure(RemoteProcedure.DomainMigratePerform3)]
    private async ValueTask<DomainMigratePerform3Ret> DomainMigratePerform3(
        ServerCall call, DomainMigratePerform3Args args, CancellationToken ct)
    {
        var parameters = Positional(args.Dname, args.Resource) with { MigrateUri = args.Uri, DestinationXml = args.Xmlin };
        return new DomainMigratePerform3Ret(
            await PerformAsync(call, args.Dom, args.Dconnuri, new PhaseCall(parameters, args.CookieIn, Flags(args.Flags)), ct));
    }

    [Procedure(RemoteProcedure.DomainMigrateFinish3Params)]
    private async ValueTask<DomainMigrateFinish3ParamsRet> DomainMigrateFinish3Params(
        ServerCall call, DomainMigrateFinish3ParamsArgs args, CancellationToken ct)
    {
        Client(call);
        var (domain, reply) = await Migrations.FinishAsync(
            new PhaseCall(MigrationParameterList.Read(args.Params), args.CookieIn, (MigrationFlags)args.Flags), args.Cancelled != 0, ct);
        return new DomainMigrateFinish3ParamsRet(Name(domain), reply.Cookie);
    }

    [Procedure(RemoteProcedure.DomainMigrateFinish3)]
    private async ValueTask<DomainMigrateFinish3Ret> DomainMigrateFinish3(ServerCall call, DomainMigrateFinish3Args args, CancellationToken ct)
    {
        Client(call);
        var parameters = MigrationParameters.Default with { DestinationName = args.Dname, MigrateUri = args.Uri };
        var (domain, reply) = await Migrations.FinishAsync(
            new PhaseCall(parameters, args.CookieIn, Flags(args.Flags)), args.Cancelled != 0, ct);
        return new DomainMigrateFinish3Ret(Name(domain), reply.Cookie);
    }

    [Procedure(RemoteProcedure.DomainMigrateConfirm3Params)]
    private async ValueTask DomainMigrateConfirm3Params(ServerCall call, DomainMigrateConfirm3ParamsArgs args, CancellationToken ct) =>
        await Migrations.ConfirmAsync(
            Domain(call, args.Dom),
            new PhaseCall(MigrationParameterList.Read(args.Params), args.CookieIn, (MigrationFlags)args.Flags),
            args.Cancelled != 0,
            ct);

    [Procedure(RemoteProcedure.DomainMigrateConfirm3)]
    private async ValueTask DomainMigrateConfirm3(ServerCall call, DomainMigrateConfirm3Args args, CancellationToken ct) =>
        await Migrations.ConfirmAsync(
            Domain(call, args.Dom),
            new PhaseCall(MigrationParameters.Default, args.CookieIn, Flags(args.Flags)),
            args.Cancelled != 0,
            ct);

    [Procedure(RemoteProcedure.DomainMigrateStartPostCopy)]
    private async ValueTask DomainMigrateStartPostCopy(ServerCall call, DomainMigrateStartPostCopyArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainMigrateStartPostCopy");
        var domain = Domain(call, args.Dom);
        if (!domain.Snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        await Migrations.StartPostCopyAsync(domain, ct);
    }

    private async Task<ImmutableArray<byte>> PerformAsync(
        ServerCall call, NonnullDomain dom, string? dconnuri, PhaseCall phase, CancellationToken ct)
    {
        var domain = Domain(call, dom);
        if (!phase.Flags.HasFlag(MigrationFlags.PeerToPeer))
        {
            if (dconnuri is not null)
                throw new WherryException(ErrorCode.InternalError, "Unexpected dconnuri parameter with non-peer2peer migration");
            return await Migrations.PerformAsync(domain, phase, ct);
        }
        if (dconnuri is null)
            throw new WherryException(ErrorCode.InternalError, "Missing destination connection URI for peer-to-peer migration");
        await Migrations.MigrateAsync(domain, dconnuri, phase.Parameters, phase.Flags, ct);
        return [];
    }

    private static MigrationParameters Positional(string? name, ulong bandwidth) =>
        MigrationParameters.Default with { DestinationName = name, BandwidthMiBps = bandwidth };

    private static MigrationFlags Flags(ulong flags) => flags <= uint.MaxValue
        ? (MigrationFlags)flags
        : throw new WherryException(ErrorCode.InvalidArg, $"unsupported flags (0x{flags:x}) in migration");

    private static IncomingClient Caller(ServerCall call) => new(call.Session, call.Session.PingAsync);
}
