namespace Wherry.Qemu.Migration.Machines;

/// <summary>D1-D4: PREPARED. The source holds the right to run; giving up is always allowed, until INTENT is being written.</summary>
internal static partial class DestinationMachine
{
    private static DestinationStep Launching(DestinationState.Launching s, DestinationInput input) => input switch
    {
        DestinationInput.IncomingReady => To(new DestinationState.Listening(s.Attempt),
            new DestinationEffect.ArmTimer(DestinationTimer.IncomingIdle, s.Attempt.Limits.IncomingIdle),
            new DestinationEffect.AnswerPrepare(Error: null)),
        DestinationInput.LaunchFailed failed => Abort(s, failed.Why),

        // The source commits only what a listening QEMU has taken in.
        DestinationInput.FinishCalled { Cancelled: false } or DestinationInput.ResolveCalled =>
            Abort(s, new(FailureKind.LaunchFailed, "the source wants to finish a migration that has not begun"), input),
        _ => Waiting(s, input),
    };

    private static DestinationStep Listening(DestinationState.Listening s, DestinationInput input) => input switch
    {
        DestinationInput.StreamReported { Status: StreamStatus.Active } => To(new DestinationState.Receiving(s.Attempt)),
        DestinationInput.StreamReported { Status: StreamStatus.Completed } => To(new DestinationState.Receiving(s.Attempt, Loaded: true)),
        DestinationInput.FinishCalled { Cancelled: false } or DestinationInput.ResolveCalled => Commit(s, input),
        DestinationInput.TimerExpired { Timer: DestinationTimer.IncomingIdle } => NobodyCame(s),
        _ => Waiting(s, input),
    };

    private static DestinationStep Receiving(DestinationState.Receiving s, DestinationInput input) => input switch
    {
        DestinationInput.FinishCalled { Cancelled: false } or DestinationInput.ResolveCalled => Commit(s, input),
        DestinationInput.TimerExpired { Timer: DestinationTimer.IncomingIdle } => NobodyCame(s),
        DestinationInput.StreamReported { Status: StreamStatus.Completed } => To(s with { Loaded = true }),

        // The source has stopped the guest to send the last of it, so this may be the only copy that is left: not to be thrown away at once.
        DestinationInput.TimerExpired { Timer: DestinationTimer.ControlLink } when s.Loaded => To(s with { InDoubt = true },
            new DestinationEffect.ArmTimer(DestinationTimer.HoldLoaded, s.Attempt.Limits.HoldLoaded),
            new DestinationEffect.ShowDoubt()),
        DestinationInput.TimerExpired { Timer: DestinationTimer.HoldLoaded } when s.InDoubt => OwnerGone(s),
        DestinationInput.LinkRestored when s.InDoubt => To(s with { InDoubt = false },
            new DestinationEffect.DisarmTimer(DestinationTimer.ControlLink),
            new DestinationEffect.DisarmTimer(DestinationTimer.HoldLoaded)),

        // Whoever gave COMMIT's place to a person's word must have all of the guest; half of one is worth nothing. A stock source tells nobody
        // how far it came.
        DestinationInput.SourceFenced fenced when s.Loaded && !s.Attempt.IsLegacy =>
            Commit(s with { Attempt = s.Attempt with { Fencing = fenced.Statement } }, input),
        _ => Waiting(s, input),
    };

    /// <summary>What D1-D3 have in common. QEMU saying `completed` is not among the reasons to start: only the source knows whether it let go.</summary>
    private static DestinationStep Waiting(DestinationState s, DestinationInput input) => input switch
    {
        DestinationInput.FinishCalled => Abort(s, new(FailureKind.Cancelled, "the source cancelled the migration")),
        DestinationInput.QemuGone => Abort(s, new(FailureKind.QemuDied, "the incoming QEMU died")),
        DestinationInput.StreamReported { Status: StreamStatus.Failed } failed =>
            Abort(s, new(FailureKind.StreamFailed, failed.Error ?? "the incoming migration failed")),
        DestinationInput.LinkLost => s.Attempt.OwnerMayReturn
            ? Stay(s, new DestinationEffect.ArmTimer(DestinationTimer.ControlLink, s.Attempt.Limits.ControlLinkGrace))
            : OwnerGone(s),
        DestinationInput.LinkRestored => Stay(s, new DestinationEffect.DisarmTimer(DestinationTimer.ControlLink)),
        DestinationInput.TimerExpired { Timer: DestinationTimer.ControlLink } => OwnerGone(s),
        DestinationInput.JournalWriteFailed { Phase: DestinationPhase.Prepared } failed => Abort(s, new(FailureKind.JournalWrite, failed.Error)),
        DestinationInput.UserCalled user => DestroyOnly(s, user.Call),
        DestinationInput.RecoverCalled => NotInPostCopy(s),
        DestinationInput.SourceFenced => Stay(s), // Only what is whole can be forced.
        DestinationInput.ForgetCalled => Stay(s), // Nothing ran here yet that could be forgotten; unanswered, it will be repeated.
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static DestinationStep NotInPostCopy(DestinationState s) =>
        Stay(s, new DestinationEffect.RefuseRecovery("the guest is not in post-copy here", GuestIsGone: false));

    private static DestinationStep NobodyCame(DestinationState s) =>
        Abort(s, new(FailureKind.TimedOut, "nobody finished the incoming migration"));

    private static DestinationStep OwnerGone(DestinationState s) =>
        Abort(s, new(FailureKind.LinkLost, "the connection that prepared the migration is gone"));

    private static DestinationStep DestroyOnly(DestinationState s, UserCall call)
    {
        if (call != UserCall.Destroy) return Stay(s, new DestinationEffect.Refuse(call, "the guest is migrating in"));
        var abort = Abort(s, new(FailureKind.Cancelled, "the guest was destroyed while it migrated in"));
        return abort with { Effects = [new DestinationEffect.Admit(call), .. abort.Effects] };
    }

    private static DestinationStep Commit(DestinationState s, DestinationInput commit)
    {
        bool startPaused = commit switch
        {
            DestinationInput.FinishCalled finish => finish.StartPaused,
            DestinationInput.ResolveCalled resolve => resolve.StartPaused,
            _ => s.Attempt.StartPaused,
        };
        return To(new DestinationState.Committing(s.Attempt with { StartPaused = startPaused }, CommitStage.Loading),
            [
                .. PendingTo(commit),
                new DestinationEffect.DisarmTimer(DestinationTimer.IncomingIdle),
                new DestinationEffect.DisarmTimer(DestinationTimer.ControlLink),
                new DestinationEffect.DisarmTimer(DestinationTimer.HoldLoaded),
                new DestinationEffect.ArmTimer(DestinationTimer.Load, s.Attempt.Limits.Load),
                new DestinationEffect.FinishLoading(),
            ]);
    }

    /// <summary>A Finish waits for the word; a Resolve is told at once that there is none yet.</summary>
    private static DestinationEffect[] PendingTo(DestinationInput? input) =>
        input is DestinationInput.ResolveCalled ? [new DestinationEffect.AnswerResolve(PeerAnswer.Pending)] : [];

    private static DestinationStep Committing(DestinationState.Committing s, DestinationInput input) => s.Stage == CommitStage.Deciding
        ? Deciding(s, input)
        : input switch
        {
            DestinationInput.GuestLoaded loaded when s.Stage == CommitStage.Loading =>
                Loaded(s with { Attempt = s.Attempt with { LacksMemory = loaded.LacksMemory } }),
            DestinationInput.LoadFailed failed => Abort(s, failed.Why),
            DestinationInput.TimerExpired { Timer: DestinationTimer.Load } =>
                Abort(s, new(FailureKind.TimedOut, "the guest's memory did not arrive in time")),
            DestinationInput.SourceAlive when s.Stage == CommitStage.Pinging => WriteIntent(s),
            DestinationInput.SourceSilent when s.Stage == CommitStage.Pinging => OwnerGone(s),
            DestinationInput.FinishCalled { Cancelled: false } or DestinationInput.ResolveCalled => Stay(s, PendingTo(input)),
            DestinationInput.FinishCalled => Abort(s, new(FailureKind.Cancelled, "the source cancelled the migration")),

            // A wherry source has handed over and waits for our word, however it gets it. A stock one resumes its copy now.
            DestinationInput.LinkLost => s.Attempt.IsLegacy ? OwnerGone(s) : Stay(s),
            DestinationInput.QemuGone => Abort(s, new(FailureKind.QemuDied, "the incoming QEMU died")),
            DestinationInput.StreamReported { Status: StreamStatus.Failed } failed =>
                Abort(s, new(FailureKind.StreamFailed, failed.Error ?? "the incoming migration failed")),
            DestinationInput.UserCalled user => DestroyOnly(s, user.Call),
            DestinationInput.RecoverCalled => NotInPostCopy(s),
            DestinationInput.LinkRestored or DestinationInput.ForgetCalled or DestinationInput.SourceFenced => Stay(s),
            _ when IsLate(input) => Stay(s),
            _ => throw Unknown(s, input),
        };

    private static DestinationStep Loaded(DestinationState.Committing s) => s.Attempt.IsLegacy
        ? To(s with { Stage = CommitStage.Pinging }, new DestinationEffect.PingSource())
        : WriteIntent(s);

    private static DestinationStep WriteIntent(DestinationState.Committing s) => To(s with { Stage = CommitStage.Deciding },
        new DestinationEffect.Persist(s.Attempt.Record(DestinationPhase.Intent)),
        new DestinationEffect.DisarmTimer(DestinationTimer.Load));

    /// <summary>INTENT is on its way to the disk. What happens now is remembered; nothing may be decided twice.</summary>
    private static DestinationStep Deciding(DestinationState.Committing s, DestinationInput input) => input switch
    {
        DestinationInput.JournalWritten { Phase: DestinationPhase.Intent } when s.QemuDied =>
            Revoke(s.Attempt, new(FailureKind.QemuDied, "the incoming QEMU died before it was started"), s.DestroyAsked),
        DestinationInput.JournalWritten { Phase: DestinationPhase.Intent } =>
            To(new DestinationState.Starting(s.Attempt, StartStage.Starting, DestroyAsked: s.DestroyAsked), Start(s.Attempt)),

        // Certainly PREPARED: as any failure of D4. Perhaps INTENT: then only a durable ABORTED may let go of it.
        DestinationInput.JournalWriteFailed { Phase: DestinationPhase.Intent } failed => failed.OldRecordStands
            ? GiveUp(s.Attempt, new(FailureKind.JournalWrite, failed.Error))
            : Revoke(s.Attempt, new(FailureKind.JournalWrite, failed.Error), s.DestroyAsked),

        DestinationInput.QemuGone => Stay(s with { QemuDied = true }),
        DestinationInput.FinishCalled or DestinationInput.ResolveCalled => Stay(s, PendingTo(input)),
        DestinationInput.UserCalled { Call: UserCall.Destroy } => Stay(s with { DestroyAsked = true }),
        DestinationInput.UserCalled user => Stay(s, new DestinationEffect.Refuse(user.Call, "the guest is migrating in")),
        DestinationInput.RecoverCalled => NotInPostCopy(s),
        DestinationInput.LinkLost or DestinationInput.LinkRestored or DestinationInput.ForgetCalled or DestinationInput.SourceFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static DestinationEffect[] Start(DestinationAttempt attempt) =>
        attempt.StartPaused ? [new DestinationEffect.ActivateImages()] : [new DestinationEffect.Cont()];

    /// <summary>
    /// PREPARED needs no ABORTED record: a restart that finds QEMU dead, or not all of the guest, reads it as one. ABORT is answered only when QEMU is dead (locks, ports), except in post-copy,
    /// see <see cref="Yield"/>.
    /// </summary>
    private static DestinationStep Abort(DestinationState s, Failure why, DestinationInput? asked = null) => Abort(s.Attempt, why, asked);

    private static DestinationStep Abort(DestinationAttempt attempt, Failure why, DestinationInput? asked = null) =>
        Kill(new DestinationState.Aborting(attempt, why, AbortStage.Killing), PendingTo(asked));

    /// <summary>
    /// Nobody starts the guest here any more, so the source may have its word before the kill. It has to come and take it: in post-copy its QEMU
    /// finds back only over a stream that still stands.
    /// </summary>
    private static DestinationStep Yield(DestinationAttempt attempt, Failure why) => To(new DestinationState.Aborting(attempt, why, AbortStage.Yielding),
        [
            .. DisarmWaiting,
            new DestinationEffect.AnswerFinish(PeerAnswer.Abort, why),
            new DestinationEffect.ArmTimer(DestinationTimer.HoldLoaded, attempt.Limits.HoldLoaded),
            new DestinationEffect.WatchStream(),
        ]);

    private static DestinationStep Kill(DestinationState.Aborting s, params ReadOnlySpan<DestinationEffect> first) => To(s with { Stage = AbortStage.Killing },
        [
            .. first,
            .. DisarmWaiting,
            new DestinationEffect.KillQemu(),
            new DestinationEffect.ArmTimer(DestinationTimer.Kill, s.Attempt.Limits.Kill),
        ]);

    private static readonly DestinationEffect[] DisarmWaiting =
    [
        new DestinationEffect.DisarmTimer(DestinationTimer.IncomingIdle),
        new DestinationEffect.DisarmTimer(DestinationTimer.ControlLink),
        new DestinationEffect.DisarmTimer(DestinationTimer.HoldLoaded),
        new DestinationEffect.DisarmTimer(DestinationTimer.Load),
    ];
}
