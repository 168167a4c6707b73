using System.Collections.Immutable;

namespace Wherry.Qemu.Migration.Machines;

/// <summary>
/// What a step asks the shell to do, strictly in order. Effects that take long are only started; their result comes back as the
/// input named in the comment. All of them may be asked for again after a restart and must then be harmless.
/// </summary>
internal abstract record SourceEffect
{
    private SourceEffect()
    {
    }

    /// <summary>Durable write. -> JournalWritten | JournalWriteFailed (and the effects behind it are dropped).</summary>
    public sealed record Persist(SourceRecord Record) : SourceEffect;

    /// <summary>Restarts the timer if it is armed already. -> TimerExpired.</summary>
    public sealed record ArmTimer(SourceTimer Timer, TimeSpan After) : SourceEffect;
    public sealed record DisarmTimer(SourceTimer Timer) : SourceEffect;

    // ---- answers ----------------------------------------------------------------------------------------------------------------

    /// <summary>Managed: reply to Begin.</summary>
    public sealed record AnswerBegin : SourceEffect;

    /// <summary>Managed: Perform succeeded, HANDED is durable; the client goes on to Finish.</summary>
    public sealed record AnswerPerform : SourceEffect;

    /// <summary>Answer whichever of Begin, Perform or Confirm still waits, and publish the outcome. Nobody waiting is no error. May come
    /// twice: NeedsDecision first, and the final word when it is known.</summary>
    public sealed record Tell(MigrationOutcome Outcome) : SourceEffect;

    /// <summary>Let the user's call go on: the shell performs it as on any guest (AbortJob: reply, the machine is already cancelling).</summary>
    public sealed record Admit(UserCall Call) : SourceEffect;

    /// <summary>Answer VIR_ERR_OPERATION_INVALID with this text.</summary>
    public sealed record Refuse(UserCall Call, string Why) : SourceEffect;

    /// <summary>Someone must look. Logged as an error and shown with the job.</summary>
    public sealed record RaiseAlarm(string Text) : SourceEffect;

    // ---- the peer ---------------------------------------------------------------------------------------------------------------

    /// <summary>Peer-to-peer. -> PrepareReplied | PrepareFailed | LinkLost.</summary>
    public sealed record CallPrepare : SourceEffect;

    /// <summary>
    /// COMMIT: Finish(cancelled=0) if the control link is up and it has not been called yet for this id, else Resolve, over that link or a
    /// new one to the peer's uri. A stock peer gets Finish once. -> PeerAnswered | PeerSilent.
    /// </summary>
    /// <param name="Withdraws">Not COMMIT but its opposite: what has not been decided there is given up, and the answer says which.</param>
    public sealed record AskPeer(HandoverId Id, bool StartPaused, bool Withdraws = false) : SourceEffect;

    /// <summary>Look up the domain at a stock peer on a fresh connection. -> PeerSeen.</summary>
    public sealed record LookAtPeer : SourceEffect;

    /// <summary>Peer-to-peer: Finish(cancelled=1), best effort and not waited for; if it is not heard, the closed record owes it.</summary>
    public sealed record CancelPeer(HandoverId Id) : SourceEffect;

    /// <summary>-> PeerForgot | PeerSilent.</summary>
    public sealed record ForgetAtPeer(HandoverId Id) : SourceEffect;

    // ---- QEMU -------------------------------------------------------------------------------------------------------------------

    /// <summary>B3 steps 2, 3. -> MirrorsReady | MirrorFailed.</summary>
    public sealed record StartMirrors : SourceEffect;

    /// <summary>Capabilities, parameters, `migrate`. -> StreamReported.</summary>
    public sealed record StartStream : SourceEffect;

    /// <summary>B3 step 5: **soft** cancel, concluded without error, dismissed, nodes removed. -> MirrorsDrained | MirrorFailed.</summary>
    public sealed record DrainMirrors : SourceEffect;

    /// <summary>migrate-continue state=pre-switchover. -> StreamReported.</summary>
    public sealed record ContinueStream : SourceEffect;

    /// <summary>migrate_cancel, then query-migrate until it has ended. -> StreamStopped (at once if there is no stream).</summary>
    public sealed record CancelStream : SourceEffect;

    /// <summary>migrate-start-postcopy. -> StreamReported. QEMU refuses it before the stream is active, and is then asked again.</summary>
    public sealed record StartPostCopy : SourceEffect;

    /// <summary>Report the stream as it stands, even if that is no news. -> StreamReported.</summary>
    public sealed record LookAtStream : SourceEffect;

    /// <summary>The destination listens again (Prepare with POSTCOPY_RESUME), `migrate resume=true` to it. -> StreamReported | RecoveryFailed.</summary>
    public sealed record RecoverStream : SourceEffect;

    /// <summary>The domain's state and event say how post-copy goes (C8).</summary>
    public sealed record ShowPostCopy(bool Broken) : SourceEffect;

    /// <summary>yank {"type":"migration"} and the mirror nodes, out of band, for a cancel that does not end.</summary>
    public sealed record YankStream : SourceEffect;

    /// <summary>Mirrors cancelled by force while the guest stands, and dismissed; nodes and TLS objects removed, capabilities and parameters restored. -> PreparationsUndone.</summary>
    public sealed record UndoPreparations : SourceEffect;

    /// <summary>query-status, and `cont` unless it runs already. -> ContAccepted | ContRefused | ContUnknown.</summary>
    public sealed record Cont : SourceEffect;

    /// <summary>End the source copy; its images are inactive, nothing is unflushed. -> QemuGone, also if it is dead already.</summary>
    public sealed record KillQemu : SourceEffect;

    /// <summary>STOPPED/MIGRATED, and undefine if it was asked for.</summary>
    public sealed record RetireDomain : SourceEffect;
}

/// <summary>The new state, which the shell adopts before it executes the effects, in order.</summary>
internal readonly record struct SourceStep(SourceState Next, ImmutableArray<SourceEffect> Effects);
