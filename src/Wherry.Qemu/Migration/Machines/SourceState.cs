namespace Wherry.Qemu.Migration.Machines;

/// <summary>Facts of one attempt that every source state carries.</summary>
internal sealed record SourceAttempt
{
    public required HandoverId Id { get; init; }
    public required MigrationMode Mode { get; init; }

    /// <summary>Wherry until the destination's cookie says otherwise; known from S3 on.</summary>
    public PeerKind Peer { get; init; } = PeerKind.Wherry;
    public GuestRunState PreState { get; init; }
    public bool CopiesDisks { get; init; }

    /// <summary>The user may switch to post-copy.</summary>
    public bool MayPostCopy { get; init; }

    /// <summary>The user has asked for it.</summary>
    public bool PostCopyAsked { get; init; }

    /// <summary>Handed over in post-copy: part of the memory is nowhere but here.</summary>
    public bool OwesMemory { get; init; }

    /// <summary>The last of the guest has been let go of on the wire, so that the destination may have all of it, whatever becomes of the attempt here.</summary>
    public bool PeerMayBeWhole { get; init; }

    /// <summary>Our copy died before HANDED was on record, so the question to the peer is not whether it may run: it takes the guest's right to run
    /// there back, unless somebody gave it away meanwhile.</summary>
    public bool Withdraws { get; init; }

    /// <summary>The control link to the peer is down just now (peer-to-peer only).</summary>
    public bool LinkDown { get; init; }

    /// <summary>An operator has proved the peer's host off.</summary>
    public FencingStatement? Fencing { get; init; }
    public MigrationLimits Limits { get; init; } = MigrationLimits.Default;

    public bool IsManaged => Mode == MigrationMode.Managed;
    public bool IsLegacy => Peer == PeerKind.Legacy;

    public SourceRecord Record(SourcePhase phase, Failure? why = null, MigrationOutcome? outcome = null) => new()
    {
        Id = Id,
        Phase = phase,
        Mode = Mode,
        Peer = Peer,
        PreState = PreState,
        CopiesDisks = CopiesDisks,
        OwesMemory = OwesMemory,
        Fencing = Fencing,
        Why = why,
        Outcome = outcome,
        PeerMayBeWhole = PeerMayBeWhole,
        FarewellOwed = phase == SourcePhase.Closed && OwesFarewell && outcome is MigrationOutcome.StayedOnSource or MigrationOutcome.NeedsDecision,
    };

    /// <summary>A stock destination keeps nothing and cannot be told, and one whose host is off, by a person's word, neither.</summary>
    private bool OwesFarewell => PeerMayBeWhole && !IsLegacy && Fencing is null;
}

/// <summary>What S8 is waiting for.</summary>
internal enum HandedWait
{
    /// <summary>Managed: the client's Finish and Confirm.</summary>
    Client,

    /// <summary>The peer's answer to our own question, or the pause before the next one.</summary>
    Answer,

    /// <summary>Stock peer whose answer was lost: a look at its domain (C7).</summary>
    Look,

    /// <summary>The verdict is known and is being made durable.</summary>
    Journal,
}

/// <summary>How S8p goes on.</summary>
internal enum PostCopyStage
{
    /// <summary>Memory goes to the destination, or is about to.</summary>
    Flowing,

    /// <summary>The connection broke, and another one is being made.</summary>
    Recovering,

    /// <summary>That failed; the pause before the next try.</summary>
    Waiting,

    /// <summary>The user broke the connection and has not asked for another one.</summary>
    Held,

    /// <summary>There is no guest at the destination any more that could take the memory. This copy is kept for a dump, until the user
    /// destroys it.</summary>
    Lost,
}

/// <summary>How far S9 has come. Each step is repeated after a restart; all are idempotent.</summary>
internal enum ReclaimStage
{
    StoppingStream,
    Undoing,
    Resuming,
}

/// <summary>How far S10 has come.</summary>
internal enum ReleaseStage
{
    Killing,
    Forgetting,
}

/// <summary>The source's states S1-S10 (migration.md C3) and the end. What each may do stands at the head of <see cref="SourceMachine"/>.</summary>
internal abstract record SourceState(SourceAttempt Attempt)
{
    /// <summary>S1, managed only: Begin was answered, the client goes to the destination.</summary>
    public sealed record Begun(SourceAttempt Attempt) : SourceState(Attempt);

    /// <summary>S2, peer-to-peer only: Prepare is outstanding.</summary>
    public sealed record Preparing(SourceAttempt Attempt) : SourceState(Attempt);

    /// <summary>S3: the mirrors copy.</summary>
    public sealed record Copying(SourceAttempt Attempt) : SourceState(Attempt);

    /// <summary>S4: `migrate` runs, the guest too.</summary>
    public sealed record Sending(SourceAttempt Attempt) : SourceState(Attempt);

    /// <summary>S5: guest stopped in pre-switchover, mirrors being cancelled softly.</summary>
    public sealed record Draining(SourceAttempt Attempt) : SourceState(Attempt);

    /// <summary>S6: migrate-continue sent.</summary>
    /// <param name="Attempt"></param>
    /// <param name="Cancelling">The limit passed and migrate_cancel was sent; whichever end comes is taken.</param>
    public sealed record Switching(SourceAttempt Attempt, bool Cancelling = false) : SourceState(Attempt);

    /// <summary>S7: QEMU says completed; HANDED is being written. Whether it is on disk is not known here, so nothing may be decided.</summary>
    /// <param name="Attempt"></param>
    /// <param name="CopyLost">Our QEMU died meanwhile.</param>
    /// <param name="AskAtOnce">The managed client vanished or gave up meanwhile.</param>
    public sealed record Sent(SourceAttempt Attempt, bool CopyLost = false, bool AskAtOnce = false) : SourceState(Attempt);

    /// <summary>S8: HANDED is durable, or our copy died before that (<see cref="SourceAttempt.Withdraws"/>). Neither resume nor kill; ask, for ever, until answered or fenced.</summary>
    /// <param name="Attempt"></param>
    /// <param name="Wait">What for.</param>
    /// <param name="Tries">Questions without an answer so far; only sets the pause before the next.</param>
    /// <param name="Absences">Stock peer: looks in a row that found no such domain.</param>
    /// <param name="CopyLost">Our QEMU died; the destination has a full copy and may still run it.</param>
    /// <param name="Verdict">The record to make durable before acting, once known (Reclaiming or Released).</param>
    public sealed record Handed(
        SourceAttempt Attempt,
        HandedWait Wait,
        int Tries = 0,
        int Absences = 0,
        bool CopyLost = false,
        SourceRecord? Verdict = null) : SourceState(Attempt);

    /// <summary>S8p: the guest runs at the destination and lacks memory that only our QEMU has. Neither resume, nor cancel, nor kill.</summary>
    public sealed record PostCopy(SourceAttempt Attempt, PostCopyStage Stage, int Tries = 0, Failure? Why = null) : SourceState(Attempt);

    /// <summary>S9: the source has the right to run and takes the guest back.</summary>
    public sealed record Reclaiming(SourceAttempt Attempt, Failure Why, ReclaimStage Stage, int Tries = 0) : SourceState(Attempt);

    /// <summary>S10: RELEASED is durable. Kill, then FORGET until acknowledged.</summary>
    /// <param name="Attempt"></param>
    /// <param name="Stage"></param>
    /// <param name="Tries">FORGETs without an answer so far.</param>
    /// <param name="Lost">Post-copy that can never be completed; null when all memory is at the destination.</param>
    public sealed record Released(SourceAttempt Attempt, ReleaseStage Stage, int Tries = 0, Failure? Lost = null) : SourceState(Attempt);

    /// <summary>The end, in one of the three words.</summary>
    public sealed record Closed(SourceAttempt Attempt, MigrationOutcome Outcome) : SourceState(Attempt);
}
