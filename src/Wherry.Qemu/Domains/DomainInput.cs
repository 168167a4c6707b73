namespace Wherry.Qemu.Domains;

/// <summary>Everything that can change what a domain is doing; the closed list of triggers of <see cref="DomainMachine"/>.</summary>
public abstract record DomainInput
{
    private DomainInput()
    {
    }

    /// <summary>A definition was stored (new, or in place of an older one).</summary>
    public sealed record Defined(DefinedDetail Detail) : DomainInput;

    /// <summary>The definition was removed.</summary>
    public sealed record Undefined : DomainInput;

    /// <summary>QEMU is about to be launched; with <paramref name="Incoming"/> it will wait for a migration.</summary>
    public sealed record Launching(bool Incoming) : DomainInput;

    /// <summary>QEMU is up and configured. CPUs were started before this input, or stay paused for <paramref name="StaysPaused"/>.</summary>
    public sealed record Launched(StartedDetail Detail, PausedReason? StaysPaused) : DomainInput;

    /// <summary>We are about to send <c>cont</c>: says what the coming RESUME will mean. Sent before the command, because the event
    /// may arrive before the reply.</summary>
    public sealed record CpusStarting(RunningReason Reason) : DomainInput;

    /// <summary>CPUs run: the RESUME event, or the reply to <c>cont</c>, whichever comes first; the second changes nothing.</summary>
    public sealed record CpusStarted : DomainInput;

    /// <summary>We are about to send <c>stop</c>.</summary>
    public sealed record CpusStopping(PausedReason Reason) : DomainInput;

    /// <summary>CPUs stand: the STOP event, or the reply to <c>stop</c>.</summary>
    public sealed record CpusStopped : DomainInput;

    /// <summary>The announced <c>cont</c> or <c>stop</c> was refused: forget its reason.</summary>
    public sealed record CommandRefused : DomainInput;

    /// <summary>From now on a STOP without an announced reason is the migration's doing.</summary>
    public sealed record MigratingOut(OutgoingMigrationPhase Phase) : DomainInput;

    /// <summary>QEMU stopped the guest by itself and said why (I/O error, watchdog).</summary>
    public sealed record StoppedByQemu(PausedReason Reason) : DomainInput;

    /// <summary>The reason of the present state changes without any CPU starting or stopping, such as an incoming copy that stays paused
    /// for its user, or a post-copy guest whose last page has arrived.</summary>
    public sealed record StatusSet(DomainStatus Status, LifecycleEvent? Announce) : DomainInput;

    /// <summary>The guest powered itself off (QEMU stays because of -no-shutdown).</summary>
    /// <param name="ByGuest">Null: QEMU did not say who asked.</param>
    /// <param name="Restarts">The definition turns every power-off into a restart (<c>on_poweroff</c>): it must not show.</param>
    public sealed record GuestShutdown(bool? ByGuest, bool Restarts = false) : DomainInput;

    /// <summary>The next guest shutdown is the first half of a reboot and must not show.</summary>
    public sealed record RebootRequested(bool Pending) : DomainInput;

    /// <summary>The hardware was reset, by the guest or by us: a reboot that was asked for has happened.</summary>
    public sealed record HardwareReset : DomainInput;

    /// <summary>A power-off has been turned into a reset and the CPUs run again, or that has failed.</summary>
    public sealed record RebootEnded : DomainInput;

    public sealed record GuestPanicked : DomainInput;

    public sealed record SuspendedToMemory : DomainInput;

    public sealed record SuspendedToDisk : DomainInput;

    public sealed record WokeUp : DomainInput;

    /// <summary>QEMU is gone. Without a detail nothing is announced: a start that failed was never announced either.</summary>
    public sealed record Stopped(ShutoffReason Reason, StoppedDetail? Detail) : DomainInput;

    /// <summary>The daemon has found a living QEMU after a restart, and asked it.</summary>
    /// <param name="Recorded">What was known before the restart.</param>
    /// <param name="CpusRun">The truth about the CPUs.</param>
    /// <param name="Stands">Why they stand, when they do not run; null when QEMU has not been asked yet.</param>
    /// <param name="RebootPending">A reboot was asked for before the restart, and is still to come.</param>
    public sealed record Reattached(
        DomainStatus Recorded, bool CpusRun, DomainStatus? Stands = null, bool RebootPending = false) : DomainInput;
}

/// <summary>What an outgoing migration makes of a stopped guest.</summary>
public enum OutgoingMigrationPhase
{
    None,
    Precopy,
    Postcopy,
}
