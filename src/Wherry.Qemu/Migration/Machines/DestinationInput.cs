namespace Wherry.Qemu.Migration.Machines;

/// <summary>What query-status of the incoming QEMU says after `cont` was not answered.</summary>
internal enum GuestSight
{
    Running,
    NotRunning,

    /// <summary>No reply either, on a fresh connection.</summary>
    Silent,
}

/// <summary>Timers of the destination. One that fires in a state which no longer waits for it is ignored.</summary>
internal enum DestinationTimer
{
    ControlLink,
    IncomingIdle,
    Load,
    ContRetry,
    JournalRetry,
    Kill,
    HoldLoaded,
}

/// <summary>Everything that can happen to a destination.</summary>
internal abstract record DestinationInput
{
    private DestinationInput()
    {
    }

    // ---- calls of the source or its client --------------------------------------------------------------------------------------

    /// <summary>Finish. Cancelled=0 is COMMIT; its caller waits for <see cref="DestinationEffect.AnswerFinish"/>.</summary>
    public sealed record FinishCalled(HandoverId Id, bool Cancelled, bool StartPaused) : DestinationInput;

    /// <summary>Resolve: COMMIT as well, but answered at once (<see cref="DestinationEffect.AnswerResolve"/>), if need be with Pending.</summary>
    public sealed record ResolveCalled(HandoverId Id, bool StartPaused) : DestinationInput;

    /// <summary>The source has durably released its copy.</summary>
    public sealed record ForgetCalled(HandoverId Id) : DestinationInput;

    /// <summary>Prepare with POSTCOPY_RESUME: the source wants to send the rest of the memory over another connection.</summary>
    public sealed record RecoverCalled : DestinationInput;

    /// <summary>The connection on which Prepare came (or which re-attached) closed or its keepalive expired.</summary>
    public sealed record LinkLost : DestinationInput;

    /// <summary>The source daemon is connected again and asked about this id.</summary>
    public sealed record LinkRestored : DestinationInput;

    /// <summary>Result of <see cref="DestinationEffect.PingSource"/>: a keepalive round trip was answered just now.</summary>
    public sealed record SourceAlive : DestinationInput;
    public sealed record SourceSilent : DestinationInput;

    // ---- QEMU -------------------------------------------------------------------------------------------------------------------

    /// <summary>Result of <see cref="DestinationEffect.LaunchIncoming"/>: QEMU listens (and NBD, if disks are copied).</summary>
    public sealed record IncomingReady : DestinationInput;
    public sealed record LaunchFailed(Failure Why) : DestinationInput;

    /// <summary>query-migrate, asked because an event or a timer said "look".</summary>
    public sealed record StreamReported(StreamStatus Status, string? Error = null) : DestinationInput;

    /// <summary>Result of <see cref="DestinationEffect.FinishLoading"/>.</summary>
    /// <param name="LacksMemory">In post-copy: the guest can run, and fetches the rest from the source.</param>
    public sealed record GuestLoaded(bool LacksMemory = false) : DestinationInput;
    public sealed record LoadFailed(Failure Why) : DestinationInput;

    /// <summary>query-status says running (also when it already was).</summary>
    public sealed record ContAccepted : DestinationInput;

    /// <summary>QEMU refused, **and** query-status says not running. Only both together may revoke INTENT.</summary>
    public sealed record ContRefused(string Error) : DestinationInput;

    /// <summary>No reply within the deadline: it may run.</summary>
    public sealed record ContUnknown : DestinationInput;

    /// <summary>Result of <see cref="DestinationEffect.ActivateImages"/>.</summary>
    public sealed record ImagesActivated : DestinationInput;
    public sealed record ActivationFailed(string Error) : DestinationInput;

    /// <summary>Result of <see cref="DestinationEffect.LookAtGuest"/>.</summary>
    public sealed record GuestSeen(GuestSight Sight) : DestinationInput;

    /// <summary>QEMU is dead by pidfd. Also the result of <see cref="DestinationEffect.KillQemu"/>.</summary>
    public sealed record QemuGone : DestinationInput;

    // ---- the rest ---------------------------------------------------------------------------------------------------------------

    /// <summary>Result of <see cref="DestinationEffect.CleanUp"/>.</summary>
    public sealed record CleanedUp : DestinationInput;
    public sealed record UserCalled(UserCall Call) : DestinationInput;

    /// <summary>An operator proved the source's host off and forces the destination (C6), which has loaded everything. Keeps "never two"; the
    /// guest goes on from where the source stopped it, whatever the source did after that.</summary>
    public sealed record SourceFenced(FencingStatement Statement) : DestinationInput;

    /// <summary>A <see cref="DestinationEffect.Persist"/> or <see cref="DestinationEffect.EraseRecord"/> (Absent) is durable.</summary>
    public sealed record JournalWritten(DestinationPhase Phase) : DestinationInput;

    /// <summary>It failed; the effects behind it were dropped.</summary>
    /// <param name="Phase">What was to be written.</param>
    /// <param name="OldRecordStands">True: the previous record is certainly what a restart will read. False: the new one may be.</param>
    /// <param name="Error">For the alarm.</param>
    public sealed record JournalWriteFailed(DestinationPhase Phase, bool OldRecordStands, string Error) : DestinationInput;

    public sealed record TimerExpired(DestinationTimer Timer) : DestinationInput;
}
