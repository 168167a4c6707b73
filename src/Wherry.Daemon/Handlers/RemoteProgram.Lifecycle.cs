using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// Start, stop and what is between.
internal sealed partial class RemoteProgram
{
    private const uint StartPaused = 1, StartAutodestroy = 2, StartBypassCache = 4, StartForceBoot = 8, StartValidate = 16, StartResetNvram = 32;
    private const uint DestroyGraceful = 1, DestroyRemoveLogs = 2;

    [Procedure(RemoteProcedure.DomainCreateXml)]
    private async ValueTask<DomainCreateXmlRet> DomainCreateXml(ServerCall call, DomainCreateXmlArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, StartPaused | StartAutodestroy | StartValidate | StartResetNvram, "qemuDomainCreateXML");
        var domain = await Driver.CreateAsync(
            args.XmlDesc, Start(call, args.Flags), Owner("DomainCreateXML"), ct);
        await DestroyIfGoneAsync(call, args.Flags);
        return new DomainCreateXmlRet(Name(domain));
    }

    [Procedure(RemoteProcedure.DomainCreate)]
    private async ValueTask DomainCreate(ServerCall call, DomainCreateArgs args, CancellationToken ct) =>
        await Driver.StartAsync(Domain(call, args.Dom), new StartOptions(), Owner("DomainCreate"), ct);

    [Procedure(RemoteProcedure.DomainCreateWithFlags)]
    private async ValueTask<DomainCreateWithFlagsRet> DomainCreateWithFlags(ServerCall call, DomainCreateWithFlagsArgs args, CancellationToken ct)
    {
        Client(call);
        // Bypass-cache and force-boot concern a managed save image, which no domain has; they ask for nothing else.
        CheckFlags(args.Flags, StartPaused | StartAutodestroy | StartBypassCache | StartForceBoot | StartResetNvram, "qemuDomainCreateWithFlags");
        var domain = Domain(call, args.Dom);
        await Driver.StartAsync(
            domain, Start(call, args.Flags), Owner("DomainCreateWithFlags"), ct);
        await DestroyIfGoneAsync(call, args.Flags);
        return new DomainCreateWithFlagsRet(Name(domain));
    }

    private static StartOptions Start(ServerCall call, uint flags) => new()
    {
        Paused = Has(flags, StartPaused),
        ResetNvram = Has(flags, StartResetNvram),
        AutodestroyOwner = AutodestroyOwner(call, flags),
    };

    [Procedure(RemoteProcedure.DomainSuspend)]
    private async ValueTask DomainSuspend(ServerCall call, DomainSuspendArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        await Migrations.AdmitAsync(domain, MigrationUserCall.Suspend, ct);
        await Driver.SuspendAsync(domain, Owner("DomainSuspend"), ct);
    }

    [Procedure(RemoteProcedure.DomainResume)]
    private async ValueTask DomainResume(ServerCall call, DomainResumeArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        await Migrations.AdmitAsync(domain, MigrationUserCall.Resume, ct);
        await Driver.ResumeAsync(domain, Owner("DomainResume"), ct);
    }

    [Procedure(RemoteProcedure.DomainShutdown)]
    private async ValueTask DomainShutdown(ServerCall call, DomainShutdownArgs args, CancellationToken ct) =>
        await Driver.PowerAsync(Domain(call, args.Dom), reboot: false, PowerWays.None, Owner("DomainShutdown"), ct);

    [Procedure(RemoteProcedure.DomainShutdownFlags)]
    private async ValueTask DomainShutdownFlags(ServerCall call, DomainShutdownFlagsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, (uint)(PowerWays.Acpi | PowerWays.Agent), "qemuDomainShutdownFlags");
        await Driver.PowerAsync(Domain(call, args.Dom), reboot: false, (PowerWays)args.Flags, Owner("DomainShutdownFlags"), ct);
    }

    [Procedure(RemoteProcedure.DomainReboot)]
    private async ValueTask DomainReboot(ServerCall call, DomainRebootArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, (uint)(PowerWays.Acpi | PowerWays.Agent), "qemuDomainReboot");
        await Driver.PowerAsync(Domain(call, args.Dom), reboot: true, (PowerWays)args.Flags, Owner("DomainReboot"), ct);
    }

    [Procedure(RemoteProcedure.DomainReset)]
    private async ValueTask DomainReset(ServerCall call, DomainResetArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainReset");
        await Driver.ResetAsync(Domain(call, args.Dom), Owner("DomainReset"), ct);
    }

    [Procedure(RemoteProcedure.DomainDestroy)]
    private async ValueTask DomainDestroy(ServerCall call, DomainDestroyArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        await Migrations.AdmitAsync(domain, MigrationUserCall.Destroy, ct);
        await Driver.DestroyAsync(domain, graceful: false, ct);
    }

    [Procedure(RemoteProcedure.DomainDestroyFlags)]
    private async ValueTask DomainDestroyFlags(ServerCall call, DomainDestroyFlagsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, DestroyGraceful | DestroyRemoveLogs, "qemuDomainDestroyFlags");
        var domain = Domain(call, args.Dom);
        await Migrations.AdmitAsync(domain, MigrationUserCall.Destroy, ct);
        await Driver.DestroyAsync(domain, Has(args.Flags, DestroyGraceful), ct);
        if (Has(args.Flags, DestroyRemoveLogs))
            File.Delete(Driver.Files.LogOf(domain.Name));
    }

    [Procedure(RemoteProcedure.DomainSetLifecycleAction)]
    private async ValueTask DomainSetLifecycleAction(ServerCall call, DomainSetLifecycleActionArgs args, CancellationToken ct)
    {
        Client(call);
        if (args.Type > (uint)LifecycleOccasion.Crash)
            throw new WherryException(ErrorCode.InvalidArg, $"invalid lifecycle type '{args.Type}'", ErrorDomain.Domain);
        if (args.Action > (uint)LifecycleAction.CoredumpRestart)
            throw new WherryException(ErrorCode.InvalidArg, $"invalid lifecycle action '{args.Action}'", ErrorDomain.Domain);
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainSetLifecycleAction");
        await Driver.SetLifecycleActionAsync(
            Domain(call, args.Dom),
            (LifecycleOccasion)args.Type,
            (LifecycleAction)args.Action,
            Affect(args.Flags),
            Owner("DomainSetLifecycleAction"),
            ct);
    }

    /// <summary>A client that went while its domain was being started is not told of by its end any more.</summary>
    private async Task DestroyIfGoneAsync(ServerCall call, uint flags)
    {
        if (Has(flags, StartAutodestroy) && call.Session.Closed.IsCancellationRequested)
            await Driver.DestroyOwnedByAsync(call.Session, CancellationToken.None);
    }

    private static object? AutodestroyOwner(ServerCall call, uint flags) => Has(flags, StartAutodestroy) ? call.Session : null;

    private static bool Has(uint flags, uint flag) => (flags & flag) != 0;
}
