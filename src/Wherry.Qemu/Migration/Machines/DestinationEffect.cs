using System.Collections.Immutable;

namespace Wherry.Qemu.Migration.Machines;

/// <summary>What a step asks the shell to do; same rules as <see cref="SourceEffect"/>.</summary>
internal abstract record DestinationEffect
{
    private DestinationEffect()
    {
    }

    /// <summary>Durable write. -> JournalWritten | JournalWriteFailed (and the effects behind it are dropped).</summary>
    public sealed record Persist(DestinationRecord Record) : DestinationEffect;

    /// <summary>Durable removal of the record. -> JournalWritten(Absent) | JournalWriteFailed(Absent) (and the effects behind it are dropped).</summary>
    public sealed record EraseRecord : DestinationEffect;

    /// <summary>Restarts the timer if it is armed already. -> TimerExpired.</summary>
    public sealed record ArmTimer(DestinationTimer Timer, TimeSpan After) : DestinationEffect;
    public sealed record DisarmTimer(DestinationTimer Timer) : DestinationEffect;

    // ---- answers ----------------------------------------------------------------------------------------------------------------

    /// <summary>Reply to Prepare: success, or the error. Nobody waiting is no error.</summary>
    public sealed record AnswerPrepare(Failure? Error) : DestinationEffect;

    /// <summary>
    /// Answer every Finish of this id that waits, and (the state being final now) later ones the same. Run: the domain. Abort: MIGRATE_FINISH_OK (93) to
    /// a cancelled=1 caller, else an error made of <paramref name="Why"/>.
    /// </summary>
    public sealed record AnswerFinish(PeerAnswer Answer, Failure? Why = null) : DestinationEffect;

    /// <summary>Answer the Resolve that was the input of this step.</summary>
    public sealed record AnswerResolve(PeerAnswer Answer) : DestinationEffect;

    /// <summary>Acknowledge the Forget that was the input of this step.</summary>
    public sealed record AnswerForget : DestinationEffect;

    /// <summary>Refuse the RecoverCalled that was the input of this step. <paramref name="GuestIsGone"/>: and any later one.</summary>
    public sealed record RefuseRecovery(string Why, bool GuestIsGone) : DestinationEffect;

    /// <summary>Let the user's call go on as on any guest.</summary>
    public sealed record Admit(UserCall Call) : DestinationEffect;

    /// <summary>Answer VIR_ERR_OPERATION_INVALID with this text.</summary>
    public sealed record Refuse(UserCall Call, string Why) : DestinationEffect;

    /// <summary>Someone must look.</summary>
    public sealed record RaiseAlarm(string Text) : DestinationEffect;

    /// <summary>All of the guest is here and its source is silent: tell whoever can find out whether the source's host is dead.</summary>
    public sealed record ShowDoubt : DestinationEffect;

    // ---- QEMU -------------------------------------------------------------------------------------------------------------------

    /// <summary>QEMU -S -incoming defer, capabilities, NBD server, migrate-incoming. -> IncomingReady | LaunchFailed | QemuGone.</summary>
    public sealed record LaunchIncoming : DestinationEffect;

    /// <summary>NBD server stopped, definition persisted, `completed` awaited, devices refreshed. -> GuestLoaded | LoadFailed.</summary>
    public sealed record FinishLoading : DestinationEffect;

    /// <summary>Stock source: one keepalive round trip on its connection. -> SourceAlive | SourceSilent.</summary>
    public sealed record PingSource : DestinationEffect;

    /// <summary>query-status, and `cont` unless it runs already. -> ContAccepted | ContRefused | ContUnknown. Only ever behind a durable INTENT.</summary>
    public sealed record Cont : DestinationEffect;

    /// <summary>PAUSED: take over the images without running (B2, cure (a)). -> ImagesActivated | ActivationFailed.</summary>
    public sealed record ActivateImages : DestinationEffect;

    /// <summary>query-status on a fresh connection. -> GuestSeen.</summary>
    public sealed record LookAtGuest : DestinationEffect;

    /// <summary>-> QemuGone, also if it is dead already.</summary>
    public sealed record KillQemu : DestinationEffect;

    /// <summary>Remove NBD server, ports, labels, the images and the definition that we made; the guest is shut off (FAILED). -> CleanedUp.</summary>
    public sealed record CleanUp : DestinationEffect;

    /// <summary>Report the stream as it stands, and every change of it. -> StreamReported.</summary>
    public sealed record WatchStream : DestinationEffect;

    /// <summary>`migrate-recover` on a fresh port, which answers the RecoverCalled that was the input of this step.</summary>
    public sealed record ListenAgain : DestinationEffect;

    /// <summary>The domain's state and event say how post-copy goes (C8).</summary>
    public sealed record ShowPostCopy(bool Broken) : DestinationEffect;

    /// <summary>All memory is here: the incoming job ends, the guest runs as one that was migrated.</summary>
    public sealed record CompleteGuest : DestinationEffect;

    /// <summary>The guest is this host's now: the incoming job ends, events and reasons of C8 (running, paused or crashed).</summary>
    public sealed record AdoptGuest(bool Crashed) : DestinationEffect;
}

/// <summary>The new state, which the shell adopts before it executes the effects, in order.</summary>
internal readonly record struct DestinationStep(DestinationState Next, ImmutableArray<DestinationEffect> Effects);
