namespace Wherry.Qemu.Migration.Machines;

/// <summary>Facts of one attempt that every destination state carries.</summary>
internal sealed record DestinationAttempt
{
    /// <summary>The source's id from its cookie; one of our own making if the source is stock and sent none.</summary>
    public required HandoverId Id { get; init; }
    public required MigrationMode Mode { get; init; }
    public required PeerKind Peer { get; init; }

    /// <summary>From Prepare's PAUSED flag, until the COMMIT says what the user wants by now.</summary>
    public bool StartPaused { get; init; }

    /// <summary>In post-copy: part of the memory is still at the source.</summary>
    public bool LacksMemory { get; init; }

    /// <summary>An operator has proved the source's host off.</summary>
    public FencingStatement? Fencing { get; init; }
    public MigrationLimits Limits { get; init; } = MigrationLimits.Default;

    public bool IsLegacy => Peer == PeerKind.Legacy;

    /// <summary>A source daemon of our own kind lets the link drop for a while and comes back. A client or a stock daemon does not.</summary>
    public bool OwnerMayReturn => Mode == MigrationMode.PeerToPeer && Peer == PeerKind.Wherry;

    public DestinationRecord Record(DestinationPhase phase, bool crashed = false) => new()
    {
        Id = Id,
        Phase = phase,
        Mode = Mode,
        Peer = Peer,
        StartPaused = StartPaused,
        LacksMemory = LacksMemory,
        Fencing = Fencing,
        Crashed = crashed,
    };
}

/// <summary>How far D4 has come.</summary>
internal enum CommitStage
{
    /// <summary>Everything slow or fallible: NBD server stopped, definition persisted, QEMU `completed`, devices refreshed.</summary>
    Loading,

    /// <summary>Stock source: it resumes as soon as it sees its link die, so make sure it is there (C7).</summary>
    Pinging,

    /// <summary>INTENT is being written. Whether it is on disk is not known here, so nothing may be decided.</summary>
    Deciding,
}

/// <summary>How far D5 has come.</summary>
internal enum StartStage
{
    /// <summary>`cont` (or the activation of the images) is out.</summary>
    Starting,

    /// <summary>The guest runs; RAN is being written.</summary>
    Recording,

    /// <summary>It certainly does not run; ABORTED is being written, and only then may QEMU be killed and ABORT be answered.</summary>
    Revoking,
}

/// <summary>How far D7 has come.</summary>
internal enum AbortStage
{
    /// <summary>
    /// Post-copy: the source has ABORT, and our QEMU, which never ran the guest, lives until the source's has left the stream. Were it gone
    /// before, QEMU would be left in `postcopy-paused`, from where there is no way back to a guest that runs.
    /// </summary>
    Yielding,
    Killing,
    CleaningUp,
}

/// <summary>The destination's states D1-D8 (migration.md C4). What each may do stands at the head of <see cref="DestinationMachine"/>.</summary>
internal abstract record DestinationState(DestinationAttempt Attempt)
{
    /// <summary>D1: QEMU is being started with -incoming defer.</summary>
    public sealed record Launching(DestinationAttempt Attempt) : DestinationState(Attempt);

    /// <summary>D2: it listens; Prepare was answered.</summary>
    public sealed record Listening(DestinationAttempt Attempt) : DestinationState(Attempt);

    /// <summary>D3: the stream arrives.</summary>
    /// <param name="Attempt"></param>
    /// <param name="Loaded">All of it is here: the guest could run, if only the source had let go of it.</param>
    /// <param name="InDoubt">Loaded, and the source has been silent for longer than its grace: a person may know more.</param>
    public sealed record Receiving(DestinationAttempt Attempt, bool Loaded = false, bool InDoubt = false) : DestinationState(Attempt);

    /// <summary>D4: COMMIT of this id was received.</summary>
    public sealed record Committing(DestinationAttempt Attempt, CommitStage Stage, bool QemuDied = false, bool DestroyAsked = false)
        : DestinationState(Attempt);

    /// <summary>D5: INTENT is durable.</summary>
    /// <param name="Attempt"></param>
    /// <param name="Stage"></param>
    /// <param name="Crashed">QEMU died after `cont` may have taken effect.</param>
    /// <param name="DestroyAsked">The user wants it gone: first RAN, then an ordinary destroy.</param>
    /// <param name="Why">Revoking: what went wrong.</param>
    public sealed record Starting(
        DestinationAttempt Attempt,
        StartStage Stage,
        bool Crashed = false,
        bool DestroyAsked = false,
        Failure? Why = null) : DestinationState(Attempt);

    /// <summary>D6: RAN is durable; an ordinary domain from here on. Waits for FORGET.</summary>
    public sealed record Running(DestinationAttempt Attempt, bool Crashed = false) : DestinationState(Attempt);

    /// <summary>D7: QEMU is being killed and everything we made is removed.</summary>
    public sealed record Aborting(DestinationAttempt Attempt, Failure Why, AbortStage Stage) : DestinationState(Attempt);

    /// <summary>D8: nothing is left; answers ABORT, as an unknown id does.</summary>
    public sealed record Aborted(DestinationAttempt Attempt, Failure Why) : DestinationState(Attempt);

    /// <summary>The source said FORGET (or was never able to): the record is gone, the guest is an ordinary one.</summary>
    public sealed record Forgotten(DestinationAttempt Attempt) : DestinationState(Attempt);
}
