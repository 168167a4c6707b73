namespace Wherry.Qemu.Migration.Machines;

/// <summary>What a look at a stock peer's domain (by UUID, on a fresh connection) showed (C7).</summary>
internal enum LegacySighting
{
    /// <summary>Active and running.</summary>
    Running,

    /// <summary>The daemon answered: no such domain, or it is shut off.</summary>
    Absent,

    /// <summary>Paused with an incoming job: being torn down.</summary>
    Incoming,
    Unreachable,
}

/// <summary>Timers of the source. One that fires in a state which no longer waits for it is ignored.</summary>
internal enum SourceTimer
{
    BeginIdle,
    ControlLink,
    Drain,
    DrainLink,
    Switch,
    CancelStream,
    AskAgain,
    ClientFinish,
    HandedAlarm,
    JournalRetry,
    ContRetry,
    Kill,
    LookAgain,
    LookFor,
    RecoverAgain,
}

/// <summary>Everything that can happen to a source: results of its effects, the peer's answers, QEMU, timers, users.</summary>
internal abstract record SourceInput
{
    private SourceInput()
    {
    }

    // ---- the phases -------------------------------------------------------------------------------------------------------------

    /// <summary>Managed: the client calls Perform with the destination's cookie, which says what the peer is.</summary>
    public sealed record PerformCalled(PeerKind Peer) : SourceInput;

    /// <summary>Answer to <see cref="SourceEffect.CallPrepare"/>.</summary>
    public sealed record PrepareReplied(PeerKind Peer) : SourceInput;

    /// <summary>Prepare was answered with an error, or missed its deadline.</summary>
    public sealed record PrepareFailed(Failure Why) : SourceInput;

    /// <summary>Managed: the client's last call. With a wherry peer it is a reason to ask, never an answer.</summary>
    public sealed record ConfirmCalled(bool Cancelled) : SourceInput;

    /// <summary>The client's connection closed.</summary>
    public sealed record ClientGone : SourceInput;

    // ---- disks and stream -------------------------------------------------------------------------------------------------------

    /// <summary>All mirrors ready by query-block-jobs, and the backlog fits the downtime budget (B3).</summary>
    public sealed record MirrorsReady : SourceInput;

    /// <summary>Every mirror, cancelled softly after the stop, is concluded without error by query-jobs.</summary>
    public sealed record MirrorsDrained : SourceInput;

    /// <summary>A mirror failed, stalled (T_stall) or ended with an error; names the disk.</summary>
    public sealed record MirrorFailed(Failure Why) : SourceInput;

    /// <summary>query-migrate, asked because an event or a timer said "look". Never asked before QEMU accepted `migrate`: until then it tells
    /// how the previous migration of this guest ended.</summary>
    public sealed record StreamReported(StreamStatus Status, string? Error = null) : SourceInput;

    /// <summary>Result of <see cref="SourceEffect.CancelStream"/>: the stream has ended, one way or another (None: there was none).
    /// PostCopyPaused: QEMU cannot end it, and was not asked to.</summary>
    public sealed record StreamStopped(StreamStatus Status) : SourceInput;

    /// <summary>Result of <see cref="SourceEffect.RecoverStream"/> that did not bring post-copy back. (One that did is seen by the stream.)</summary>
    /// <param name="Why">For the log.</param>
    /// <param name="GuestIsGone">The destination answered that its QEMU is dead: nobody will ever take the memory.</param>
    public sealed record RecoveryFailed(Failure Why, bool GuestIsGone) : SourceInput;

    /// <summary>Result of <see cref="SourceEffect.UndoPreparations"/>.</summary>
    public sealed record PreparationsUndone : SourceInput;

    // ---- the guest --------------------------------------------------------------------------------------------------------------

    /// <summary>query-status says running (also when it already was).</summary>
    public sealed record ContAccepted : SourceInput;

    /// <summary>QEMU refused, and query-status says not running.</summary>
    public sealed record ContRefused(string Error) : SourceInput;

    /// <summary>No reply within the deadline.</summary>
    public sealed record ContUnknown : SourceInput;

    /// <summary>Our QEMU is dead by pidfd (events before the end of the monitor were drained first). Also the result of <see cref="SourceEffect.KillQemu"/>.</summary>
    public sealed record QemuGone : SourceInput;

    // ---- the peer ---------------------------------------------------------------------------------------------------------------

    /// <summary>Answer to <see cref="SourceEffect.AskPeer"/>, however late. With a stock peer: Finish's reply is Run, its error reply Abort.</summary>
    public sealed record PeerAnswered(HandoverId Id, PeerAnswer Answer) : SourceInput;

    /// <summary>A question, or FORGET, got no answer: transport failure or deadline.</summary>
    public sealed record PeerSilent(HandoverId Id) : SourceInput;

    /// <summary>FORGET was acknowledged.</summary>
    public sealed record PeerForgot(HandoverId Id) : SourceInput;

    /// <summary>Result of <see cref="SourceEffect.LookAtPeer"/> (stock peers).</summary>
    public sealed record PeerSeen(LegacySighting Sighting) : SourceInput;

    /// <summary>The control connection to the peer closed or its keepalive expired. Decides nothing by itself.</summary>
    public sealed record LinkLost : SourceInput;
    public sealed record LinkRestored : SourceInput;

    // ---- the rest ---------------------------------------------------------------------------------------------------------------

    public sealed record UserCalled(UserCall Call) : SourceInput;

    /// <summary>An operator proved the peer's host off and forces the source (C6). Gives up "no roll-back", keeps "never two".</summary>
    public sealed record PeerFenced(FencingStatement Statement) : SourceInput;

    /// <summary>A <see cref="SourceEffect.Persist"/> is durable.</summary>
    public sealed record JournalWritten(SourcePhase Phase) : SourceInput;

    /// <summary>A <see cref="SourceEffect.Persist"/> failed; the effects behind it were dropped.</summary>
    /// <param name="Phase">What was to be written.</param>
    /// <param name="OldRecordStands">True: the previous record is certainly what a restart will read. False: the new one may be (the
    /// directory's fsync failed after the rename).</param>
    /// <param name="Error">For the alarm.</param>
    public sealed record JournalWriteFailed(SourcePhase Phase, bool OldRecordStands, string Error) : SourceInput;

    public sealed record TimerExpired(SourceTimer Timer) : SourceInput;
}
