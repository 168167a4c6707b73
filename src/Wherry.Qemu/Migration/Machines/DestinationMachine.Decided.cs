using System.Diagnostics;

namespace Wherry.Qemu.Migration.Machines;

/// <summary>D5-D8: INTENT was durable, or will never be. And what a restarted daemon makes of a record.</summary>
internal static partial class DestinationMachine
{
    /// <summary>The daemon is back. Evidence is what QEMU says; it is asked, never remembered.</summary>
    /// <param name="record">What was durable.</param>
    /// <param name="evidence">What our QEMU says.</param>
    /// <param name="limits">How long to wait.</param>
    /// <param name="mayPostCopy">The source may have switched to post-copy.</param>
    public static DestinationStep Restarted(DestinationRecord record, QemuEvidence evidence, MigrationLimits limits, bool mayPostCopy = false)
    {
        var attempt = new DestinationAttempt
        {
            Id = record.Id,
            Mode = record.Mode,
            Peer = record.Peer,
            StartPaused = record.StartPaused,
            LacksMemory = record.LacksMemory,
            Fencing = record.Fencing,
            Limits = limits,
        };
        var restarted = new Failure(FailureKind.DaemonRestarted, "the destination daemon restarted during the migration");
        switch (record.Phase)
        {
            case DestinationPhase.Prepared when IsWhole(attempt, evidence) && !mayPostCopy:
                return To(new DestinationState.Receiving(attempt, Loaded: true),
                    new DestinationEffect.ArmTimer(DestinationTimer.IncomingIdle, limits.IncomingIdle),
                    new DestinationEffect.ArmTimer(DestinationTimer.ControlLink, limits.ControlLinkGrace));

            case DestinationPhase.Prepared or DestinationPhase.Aborted:
                return GiveUp(attempt with { LacksMemory = evidence is { Alive: true, Stream: StreamStatus.PostCopyActive } }, restarted);

            case DestinationPhase.Intent when !evidence.Alive:
                // This process cannot know whether `cont` was sent: the guest may have run. A guest that was to stay paused certainly did not.
                return attempt.StartPaused ? Revoke(attempt, restarted, destroyAsked: false) : RecordRan(attempt, crashed: true);

            case DestinationPhase.Intent when evidence.Running is null:
                return To(new DestinationState.Starting(attempt, StartStage.Starting), new DestinationEffect.LookAtGuest());

            case DestinationPhase.Intent:
                return evidence.Running.Value
                    ? RecordRan(attempt, crashed: false)
                    : To(new DestinationState.Starting(attempt, StartStage.Starting), Start(attempt));

            case DestinationPhase.Ran:
                bool crashed = record.Crashed || !evidence.Alive;
                return To(new DestinationState.Running(attempt, crashed), [new DestinationEffect.AdoptGuest(crashed), .. Follow(attempt)]);

            default:
                throw new UnreachableException($"a destination record without a phase: {record}");
        }
    }

    /// <summary>
    /// It may be the only copy that is left, and its source comes back if it can: as D3 without a link. Where post-copy is allowed that is not enough: ABORT may
    /// have been answered while QEMU lived and PREPARED stood (<see cref="Yield"/>), and QEMU then gets the rest of the memory all the same.
    /// </summary>
    private static bool IsWhole(DestinationAttempt attempt, QemuEvidence evidence) => attempt.OwnerMayReturn && evidence is { Alive: true, Running: false, Stream: StreamStatus.Completed };

    private static DestinationStep Starting(DestinationState.Starting s, DestinationInput input) => input switch
    {
        DestinationInput.ContAccepted or DestinationInput.ImagesActivated or DestinationInput.GuestSeen { Sight: GuestSight.Running }
            when s.Stage == StartStage.Starting => RecordRan(s),
        DestinationInput.ContRefused refused when s.Stage == StartStage.Starting =>
            Revoke(s.Attempt, new(FailureKind.ContRefused, refused.Error), s.DestroyAsked),
        DestinationInput.ActivationFailed failed when s.Stage == StartStage.Starting =>
            Revoke(s.Attempt, new(FailureKind.ContRefused, failed.Error), s.DestroyAsked),
        DestinationInput.ContUnknown when s.Stage == StartStage.Starting => Stay(s, new DestinationEffect.LookAtGuest()),
        DestinationInput.GuestSeen { Sight: GuestSight.NotRunning } when s.Stage == StartStage.Starting => Stay(s, Start(s.Attempt)),
        DestinationInput.GuestSeen when s.Stage == StartStage.Starting => Stay(s,
            new DestinationEffect.RaiseAlarm("QEMU does not say whether the guest that migrated in runs"),
            new DestinationEffect.ArmTimer(DestinationTimer.ContRetry, s.Attempt.Limits.ContRetry)),
        DestinationInput.TimerExpired { Timer: DestinationTimer.ContRetry } when s.Stage == StartStage.Starting =>
            Stay(s, new DestinationEffect.LookAtGuest()),

        // `cont` was sent, or may have been: it counts as ran. Nobody rolls back behind a guest that executed one instruction.
        DestinationInput.QemuGone when s.Stage == StartStage.Starting => s.Attempt.StartPaused
            ? Revoke(s.Attempt, new(FailureKind.QemuDied, "the incoming QEMU died before it was started"), s.DestroyAsked)
            : RecordRan(s with { Crashed = true }),
        DestinationInput.QemuGone when s.Stage == StartStage.Recording => Stay(s with { Crashed = true }),

        DestinationInput.JournalWritten { Phase: DestinationPhase.Ran } when s.Stage == StartStage.Recording => Adopt(s),
        DestinationInput.JournalWritten { Phase: DestinationPhase.Aborted } when s.Stage == StartStage.Revoking =>
            GiveUp(s.Attempt, s.Why ?? new(FailureKind.ContRefused, "")),
        DestinationInput.JournalWriteFailed failed when s.Stage != StartStage.Starting => Stay(s,
            new DestinationEffect.RaiseAlarm($"cannot write the hand-over record, the source waits: {failed.Error}"),
            new DestinationEffect.ArmTimer(DestinationTimer.JournalRetry, s.Attempt.Limits.JournalRetry)),
        DestinationInput.TimerExpired { Timer: DestinationTimer.JournalRetry } when s.Stage == StartStage.Recording => RecordRan(s),
        DestinationInput.TimerExpired { Timer: DestinationTimer.JournalRetry } when s.Stage == StartStage.Revoking =>
            Stay(s, new DestinationEffect.Persist(s.Attempt.Record(DestinationPhase.Aborted))),

        DestinationInput.FinishCalled or DestinationInput.ResolveCalled => Stay(s, PendingTo(input)),
        DestinationInput.UserCalled { Call: UserCall.Destroy } => Stay(s with { DestroyAsked = true }),
        DestinationInput.UserCalled user => Stay(s, new DestinationEffect.Refuse(user.Call, "the guest is being started")),

        // No connection has a say any more: autodestroy ended with INTENT.
        DestinationInput.RecoverCalled => NotInPostCopy(s),
        DestinationInput.LinkLost or DestinationInput.LinkRestored or DestinationInput.ForgetCalled or DestinationInput.QemuGone or
            DestinationInput.SourceFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static DestinationStep RecordRan(DestinationAttempt attempt, bool crashed) =>
        RecordRan(new DestinationState.Starting(attempt, StartStage.Recording, crashed));

    /// <summary>RAN before RUN. Only a stock source is told first: it counts the round trip, and never asks for the record (C7).</summary>
    private static DestinationStep RecordRan(DestinationState.Starting s)
    {
        DestinationEffect[] tell = s.Attempt is { IsLegacy: true, LacksMemory: false } ? [new DestinationEffect.AnswerFinish(PeerAnswer.Run)] : [];
        return To(s with { Stage = StartStage.Recording },
            [
                .. tell,
                new DestinationEffect.DisarmTimer(DestinationTimer.ContRetry),
                new DestinationEffect.Persist(s.Attempt.Record(DestinationPhase.Ran, s.Crashed)),
            ]);
    }

    /// <summary>
    /// INTENT is, or may be, on disk, and the guest certainly did not run. ABORTED first, then the kill: dying in between leaves a paused QEMU to
    /// kill, while the other order would leave INTENT with a dead QEMU, which has to count as "may have run".
    /// </summary>
    private static DestinationStep Revoke(DestinationAttempt attempt, Failure why, bool destroyAsked) =>
        To(new DestinationState.Starting(attempt, StartStage.Revoking, DestroyAsked: destroyAsked, Why: why),
            new DestinationEffect.Persist(attempt.Record(DestinationPhase.Aborted)));

    /// <summary>It is certain, and durable as far as it must be, that the guest never ran here and never will.</summary>
    private static DestinationStep GiveUp(DestinationAttempt attempt, Failure why) => attempt is { LacksMemory: true, IsLegacy: false } && why.Kind != FailureKind.QemuDied
        ? Yield(attempt, why)
        : Abort(attempt, why);

    private static DestinationStep Adopt(DestinationState.Starting s)
    {
        DestinationEffect[] destroy = s.DestroyAsked ? [new DestinationEffect.Admit(UserCall.Destroy)] : [];
        return To(new DestinationState.Running(s.Attempt, s.Crashed),
            [.. AnswerSource(s.Attempt), new DestinationEffect.AdoptGuest(s.Crashed), .. destroy, .. Settle(s.Attempt), .. Follow(s.Attempt)]);
    }

    /// <summary>A stock source ends its copy when it has our word, so in post-copy it gets it when all memory is here.</summary>
    private static DestinationEffect[] AnswerSource(DestinationAttempt attempt) => attempt is { IsLegacy: true, LacksMemory: true }
        ? []
        : [new DestinationEffect.AnswerFinish(PeerAnswer.Run)];

    /// <summary>A stock source never asks again.</summary>
    private static DestinationEffect[] Settle(DestinationAttempt attempt) => attempt is { IsLegacy: true, LacksMemory: false }
        ? [new DestinationEffect.EraseRecord()]
        : [];

    private static DestinationEffect[] Follow(DestinationAttempt attempt) => attempt.LacksMemory ? [new DestinationEffect.WatchStream()] : [];

    private static DestinationStep Running(DestinationState.Running s, DestinationInput input) => input switch
    {
        DestinationInput.FinishCalled => Stay(s, AnswerSource(s.Attempt)),
        DestinationInput.ResolveCalled => Stay(s, new DestinationEffect.AnswerResolve(PeerAnswer.Run)),
        DestinationInput.ForgetCalled => Stay(s, new DestinationEffect.EraseRecord(), new DestinationEffect.AnswerForget()),
        DestinationInput.StreamReported { Status: StreamStatus.Completed } when s.Attempt.LacksMemory => Complete(s),
        DestinationInput.StreamReported { Status: StreamStatus.PostCopyPaused } when s.Attempt.LacksMemory && !s.Crashed =>
            Stay(s, new DestinationEffect.ShowPostCopy(Broken: true)),
        DestinationInput.StreamReported { Status: StreamStatus.PostCopyActive } when s.Attempt.LacksMemory && !s.Crashed =>
            Stay(s, new DestinationEffect.ShowPostCopy(Broken: false)),
        DestinationInput.RecoverCalled => Stay(s, Recovery(s)),
        DestinationInput.JournalWritten { Phase: DestinationPhase.Absent } => To(new DestinationState.Forgotten(s.Attempt)),
        // A stock source that waits for the rest of the memory to be taken waits no longer.
        DestinationInput.QemuGone => s is { Attempt: { LacksMemory: true, IsLegacy: true }, Crashed: false }
            ? Stay(s with { Crashed = true }, new DestinationEffect.AnswerFinish(PeerAnswer.Run), new DestinationEffect.EraseRecord())
            : Stay(s with { Crashed = true }),
        DestinationInput.UserCalled user => Stay(s, new DestinationEffect.Admit(user.Call)),
        DestinationInput.LinkLost or DestinationInput.LinkRestored or DestinationInput.SourceFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static DestinationStep Complete(DestinationState.Running s)
    {
        var whole = s.Attempt with { LacksMemory = false };
        return To(s with { Attempt = whole }, [new DestinationEffect.CompleteGuest(), .. AnswerSource(whole), .. Settle(whole)]);
    }

    private static DestinationEffect[] Recovery(DestinationState.Running s) => s switch
    {
        { Crashed: true } => [new DestinationEffect.RefuseRecovery("the guest that ran here in post-copy has died", GuestIsGone: true)],
        { Attempt.LacksMemory: false } => [new DestinationEffect.RefuseRecovery("all of the guest's memory is here", GuestIsGone: false)],
        _ => [new DestinationEffect.ListenAgain()],
    };

    private static DestinationStep Aborting(DestinationState.Aborting s, DestinationInput input) => s.Stage == AbortStage.Yielding
        ? Yielding(s, input)
        : Ending(s, input);

    private static DestinationStep Yielding(DestinationState.Aborting s, DestinationInput input) => input switch
    {
        DestinationInput.FinishCalled { Cancelled: false } => Stay(s, new DestinationEffect.AnswerFinish(PeerAnswer.Abort, s.Why)),
        DestinationInput.ResolveCalled => Stay(s, new DestinationEffect.AnswerResolve(PeerAnswer.Abort)),
        DestinationInput.FinishCalled or DestinationInput.StreamReported { Status: not StreamStatus.PostCopyActive } or DestinationInput.TimerExpired { Timer: DestinationTimer.HoldLoaded } or
            DestinationInput.QemuGone => Kill(s),
        DestinationInput.UserCalled { Call: UserCall.Destroy } => Kill(s, new DestinationEffect.Admit(UserCall.Destroy)),
        _ => Ending(s, input),
    };

    private static DestinationStep Ending(DestinationState.Aborting s, DestinationInput input) => input switch
    {
        DestinationInput.QemuGone when s.Stage == AbortStage.Killing => To(s with { Stage = AbortStage.CleaningUp },
            new DestinationEffect.DisarmTimer(DestinationTimer.Kill),
            new DestinationEffect.CleanUp()),
        DestinationInput.TimerExpired { Timer: DestinationTimer.Kill } when s.Stage == AbortStage.Killing => Stay(s,
            new DestinationEffect.RaiseAlarm("the incoming QEMU does not end"),
            new DestinationEffect.KillQemu(),
            new DestinationEffect.ArmTimer(DestinationTimer.Kill, s.Attempt.Limits.Kill)),
        DestinationInput.CleanedUp when s.Stage == AbortStage.CleaningUp => To(new DestinationState.Aborted(s.Attempt, s.Why),
            new DestinationEffect.AnswerPrepare(s.Why),
            new DestinationEffect.AnswerFinish(PeerAnswer.Abort, s.Why),
            new DestinationEffect.EraseRecord()),
        DestinationInput.FinishCalled or DestinationInput.ResolveCalled => Stay(s, PendingTo(input)),
        DestinationInput.UserCalled { Call: UserCall.Destroy } => Stay(s, new DestinationEffect.Admit(UserCall.Destroy)),
        DestinationInput.UserCalled user => Stay(s, new DestinationEffect.Refuse(user.Call, "the incoming migration is being undone")),
        DestinationInput.RecoverCalled => NotInPostCopy(s),
        DestinationInput.QemuGone or DestinationInput.LinkLost or DestinationInput.LinkRestored or DestinationInput.ForgetCalled or
            DestinationInput.SourceFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static DestinationStep Aborted(DestinationState.Aborted s, DestinationInput input) => input switch
    {
        DestinationInput.FinishCalled => Stay(s, new DestinationEffect.AnswerFinish(PeerAnswer.Abort, s.Why)),
        DestinationInput.ResolveCalled => Stay(s, new DestinationEffect.AnswerResolve(PeerAnswer.Abort)),
        DestinationInput.ForgetCalled => Stay(s, new DestinationEffect.AnswerForget()),
        _ => Ended(s, input),
    };

    private static DestinationStep Forgotten(DestinationState.Forgotten s, DestinationInput input) => input switch
    {
        // A managed client may come with its Finish after we and the source have settled it. As long as we remember, it hears the truth.
        DestinationInput.FinishCalled => Stay(s, new DestinationEffect.AnswerFinish(PeerAnswer.Run)),
        DestinationInput.ResolveCalled => Stay(s, new DestinationEffect.AnswerResolve(PeerAnswer.Run)),
        DestinationInput.ForgetCalled => Stay(s, new DestinationEffect.AnswerForget()),
        _ => Ended(s, input),
    };

    private static DestinationStep Ended(DestinationState s, DestinationInput input) => input switch
    {
        DestinationInput.UserCalled user => Stay(s, new DestinationEffect.Admit(user.Call)),
        DestinationInput.RecoverCalled => NotInPostCopy(s),
        DestinationInput.QemuGone or DestinationInput.LinkLost or DestinationInput.LinkRestored or DestinationInput.SourceFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };
}
