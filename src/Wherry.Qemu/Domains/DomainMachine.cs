using System.Collections.Immutable;
using System.Diagnostics;

namespace Wherry.Qemu.Domains;

/// <summary>
/// What a domain is doing, as a pure function: state and input in, state and lifecycle events out. No clock, no I/O.
/// </summary>
/// <remarks>
/// <code>
///                 Launching                CpusStarted                GuestShutdown
///     SHUTOFF ----------------> PAUSED ------------------> RUNNING ------------------> SHUTDOWN
///        ^                    (starting up,  &lt;------------------  |   \                     |
///        |                     migration)    CpusStopped,         |    `--> PMSUSPENDED       |
///        |                                   StoppedByQemu        `-------> CRASHED           |
///        |                                                                                    |
///        `------------------------------- Stopped (from every active state) ------------------'
/// </code>
/// Why announced reasons (<see cref="DomainRunState.AwaitedRunning"/>): QEMU's RESUME and STOP carry no reason, and come before the reply
/// to the command that caused them. The reason is recorded before the command is sent. A command that changes nothing raises no event, so
/// its reply is an input too: after the events that came before it (<see cref="QemuInstance.CatchUpAsync"/>), or a late RESUME would undo
/// the next stop.
/// Reasons and events for each transition are those of libvirt 9.0 (qemu_process.c event handlers, observed with virsh event).
/// </remarks>
public static class DomainMachine
{
    private static readonly ImmutableArray<LifecycleEvent> Nothing = [];

    public static DomainTransition Step(DomainRunState state, DomainInput input) => input switch
    {
        DomainInput.Defined defined => new(state, [LifecycleEvent.Defined(defined.Detail)]),
        DomainInput.Undefined => new(state, [LifecycleEvent.Undefined()]),
        DomainInput.Launching launching => new(
            new DomainRunState(DomainStatus.Paused(launching.Incoming ? PausedReason.Migration : PausedReason.StartingUp)), Nothing),
        DomainInput.Launched launched => Launched(state, launched),
        DomainInput.CpusStarting starting => new(state with { AwaitedRunning = starting.Reason }, Nothing),
        DomainInput.CpusStarted => CpusStarted(state),
        DomainInput.CpusStopping stopping => new(state with { AwaitedPaused = stopping.Reason }, Nothing),
        DomainInput.CpusStopped => CpusStopped(state),
        DomainInput.CommandRefused => new(state with { AwaitedRunning = null, AwaitedPaused = null }, Nothing),
        DomainInput.MigratingOut migrating => new(state with { Outgoing = migrating.Phase }, Nothing),
        DomainInput.StoppedByQemu stopped => StoppedByQemu(state, stopped.Reason),
        DomainInput.StatusSet set => new(
            state with { Status = set.Status }, set.Announce is { } announce ? [announce] : Nothing),
        DomainInput.GuestShutdown shutdown => GuestShutdown(state, shutdown),
        DomainInput.RebootRequested reboot => new(state with { RebootPending = reboot.Pending }, Nothing),
        // The reset that ends a start, or a power-off that is to be a reboot, is ours, and no reboot of the guest.
        DomainInput.HardwareReset when state.PoweredOff || state.Status.IsPausedFor(PausedReason.StartingUp) => new(state, Nothing),
        DomainInput.HardwareReset => new(state with { RebootPending = false }, Nothing),
        DomainInput.RebootEnded => new(state with { RebootPending = false, PoweredOff = false }, Nothing),
        DomainInput.GuestPanicked when state.Status.State == DomainState.Shutoff => new(state, Nothing),
        DomainInput.GuestPanicked => GuestPanicked(state),
        DomainInput.SuspendedToMemory => PmSuspended(state, detail: 0),
        DomainInput.SuspendedToDisk => PmSuspended(state, detail: 1),
        DomainInput.WokeUp => WokeUp(state),
        DomainInput.Stopped when state.Status.State == DomainState.Shutoff => new(state, Nothing),
        DomainInput.Stopped stopped => new(
            new DomainRunState(DomainStatus.Shutoff(stopped.Reason)),
            stopped.Detail is { } detail ? [LifecycleEvent.Stopped(detail)] : Nothing),
        DomainInput.Reattached reattached => new(Reattached(reattached), Nothing),
        _ => throw new UnreachableException($"domain input {input}"),
    };

    private static DomainTransition Launched(DomainRunState state, DomainInput.Launched launched)
    {
        var started = LifecycleEvent.Started(launched.Detail);
        if (launched.StaysPaused is not { } reason)
            return new(state, [started]);
        var paused = state with { Status = DomainStatus.Paused(reason) };
        // An incoming copy is paused by nature and says nothing about it; a guest started paused by its user does.
        return reason == PausedReason.User
            ? new(paused, [started, LifecycleEvent.Suspended(SuspendedDetail.Paused)])
            : new(paused, [started]);
    }

    private static DomainTransition CpusStarted(DomainRunState state)
    {
        var reason = state.AwaitedRunning ?? RunningReason.Unpaused;
        var heard = state with { AwaitedRunning = null };
        if (state.Status.State is DomainState.Running or DomainState.Shutoff)
            return new(heard, Nothing);
        return new(heard with { Status = DomainStatus.Running(reason) }, [LifecycleEvent.Resumed(DetailOf(reason))]);
    }

    private static DomainTransition CpusStopped(DomainRunState state)
    {
        var heard = state with { AwaitedPaused = null };
        // A guest that shuts down or reboots also stops; that STOP is not a pause.
        if (state.Status.State != DomainState.Running || state.PoweredOff)
            return new(heard, Nothing);
        var reason = state.AwaitedPaused ?? state.Outgoing switch
        {
            OutgoingMigrationPhase.Precopy => PausedReason.Migration,
            OutgoingMigrationPhase.Postcopy => PausedReason.Postcopy,
            _ => PausedReason.Unknown,
        };
        return new(heard with { Status = DomainStatus.Paused(reason) }, [LifecycleEvent.Suspended(DetailOf(reason))]);
    }

    private static DomainTransition StoppedByQemu(DomainRunState state, PausedReason reason) =>
        state.Status.State == DomainState.Running
            ? new(state with { Status = DomainStatus.Paused(reason) }, [LifecycleEvent.Suspended(DetailOf(reason))])
            // STOP came first and found no reason: name it now, without a second event.
            : new(state.Status.IsPausedFor(PausedReason.Unknown) ? state with { Status = DomainStatus.Paused(reason) } : state, Nothing);

    private static DomainTransition GuestShutdown(DomainRunState state, DomainInput.GuestShutdown shutdown)
    {
        if (state.Status.State is DomainState.Shutdown or DomainState.Shutoff)
            return new(state, Nothing);
        if (state.RebootPending || shutdown.Restarts)
            return new(state with { PoweredOff = true }, Nothing);
        var detail = shutdown.ByGuest switch
        {
            true => ShutdownDetail.Guest,
            false => ShutdownDetail.Host,
            null => ShutdownDetail.Finished,
        };
        return new(state with { Status = new DomainStatus(DomainState.Shutdown, 0) }, [LifecycleEvent.Shutdown(detail)]);
    }

    /// <summary>QEMU stops with a panic, and libvirt takes the STOP before it acts on the panic: clients know the two events together.</summary>
    private static DomainTransition GuestPanicked(DomainRunState state)
    {
        var crashed = new LifecycleEvent(LifecycleEventType.Crashed, 0);
        return new(
            state with { Status = new DomainStatus(DomainState.Crashed, 1), AwaitedPaused = null },
            state.Status.IsRunning ? [LifecycleEvent.Suspended(SuspendedDetail.Paused), crashed] : [crashed]);
    }

    private static DomainTransition PmSuspended(DomainRunState state, int detail) =>
        state.Status.State == DomainState.Running
            ? new(state with { Status = new DomainStatus(DomainState.PmSuspended, 0) },
                [new LifecycleEvent(LifecycleEventType.PmSuspended, detail)])
            : new(state, Nothing);

    private static DomainTransition WokeUp(DomainRunState state) =>
        state.Status.State == DomainState.PmSuspended
            ? new(state with { Status = DomainStatus.Running(RunningReason.Wakeup) }, [LifecycleEvent.Started(StartedDetail.Wakeup)])
            : new(state, Nothing);

    /// <summary>The recorded reason is kept when it fits what QEMU says; else the truth wins, with QEMU's own reason where it has one.</summary>
    private static DomainRunState Reattached(DomainInput.Reattached input) => new(
        (input.Recorded.State, input.CpusRun) switch
        {
            (DomainState.Running, true) or (DomainState.Paused, false) or (DomainState.Shutdown, false)
                or (DomainState.Crashed, false) or (DomainState.PmSuspended, _) => input.Recorded,
            (_, true) when input.Recorded.IsPausedFor(PausedReason.StartingUp) => DomainStatus.Running(RunningReason.Booted),
            (_, true) => DomainStatus.Running(RunningReason.Unpaused),
            // A power-off that is to be a reboot does not show, and goes on as one.
            (DomainState.Running, false) when IsToBeReset(input) => input.Recorded,
            (_, false) => input.Stands ?? DomainStatus.Paused(PausedReason.Unknown),
        },
        RebootPending: input.RebootPending,
        PoweredOff: IsToBeReset(input));

    /// <summary>It has powered off, or was reset for it by a daemon that ended before it let the CPUs run: QEMU then looks as if it had never run.</summary>
    private static bool IsToBeReset(DomainInput.Reattached input) => input is { RebootPending: true, CpusRun: false, Stands: { } stands }
        && (stands.State == DomainState.Shutdown || stands.IsPausedFor(PausedReason.StartingUp));

    private static ResumedDetail DetailOf(RunningReason reason) => reason switch
    {
        RunningReason.Restored or RunningReason.FromSnapshot => ResumedDetail.FromSnapshot,
        RunningReason.Migrated or RunningReason.MigrationCanceled => ResumedDetail.Migrated,
        RunningReason.Postcopy => ResumedDetail.Postcopy,
        RunningReason.PostcopyFailed => ResumedDetail.PostcopyFailed,
        _ => ResumedDetail.Unpaused,
    };

    private static SuspendedDetail DetailOf(PausedReason reason) => reason switch
    {
        PausedReason.Migration => SuspendedDetail.Migrated,
        PausedReason.IoError => SuspendedDetail.IoError,
        PausedReason.Watchdog => SuspendedDetail.Watchdog,
        PausedReason.FromSnapshot => SuspendedDetail.FromSnapshot,
        PausedReason.Postcopy => SuspendedDetail.Postcopy,
        PausedReason.PostcopyFailed => SuspendedDetail.PostcopyFailed,
        _ => SuspendedDetail.Paused,
    };
}

/// <summary>The machine's state: what clients see, and what we know about the next RESUME, STOP or SHUTDOWN.</summary>
/// <param name="Status">State and reason as clients see them.</param>
/// <param name="AwaitedRunning">Reason announced before <c>cont</c>; null when none is under way.</param>
/// <param name="AwaitedPaused">Reason announced before <c>stop</c>.</param>
/// <param name="Outgoing">What an unannounced STOP means.</param>
/// <param name="RebootPending">The coming guest shutdown is turned into a reset (libvirt's "fake reboot").</param>
/// <param name="PoweredOff">The guest has powered itself off and is being reset: its STOP is no pause.</param>
public sealed record DomainRunState(
    DomainStatus Status,
    RunningReason? AwaitedRunning = null,
    PausedReason? AwaitedPaused = null,
    OutgoingMigrationPhase Outgoing = OutgoingMigrationPhase.None,
    bool RebootPending = false,
    bool PoweredOff = false)
{
    public static DomainRunState Off { get; } = new(DomainStatus.Shutoff(ShutoffReason.Unknown));
}

/// <summary>Result of one step.</summary>
public readonly record struct DomainTransition(DomainRunState State, ImmutableArray<LifecycleEvent> Events);
