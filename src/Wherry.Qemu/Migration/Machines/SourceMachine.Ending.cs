namespace Wherry.Qemu.Migration.Machines;

/// <summary>S9 takes the guest back, S10 gives it away, Closed has said its word. And what a restarted daemon makes of a record.</summary>
internal static partial class SourceMachine
{
    /// <summary>The daemon is back. Redo the effect of the recorded state; every one is harmless when it was done before.</summary>
    /// <param name="record">What was durable.</param>
    /// <param name="evidence">What our QEMU says.</param>
    /// <param name="limits">How long to wait.</param>
    /// <param name="peerCanBeAsked">It is known who the destination is, and there is a way to it: a managed migration needs none (ADR 0005).</param>
    public static SourceStep Restarted(SourceRecord record, QemuEvidence evidence, MigrationLimits limits, bool peerCanBeAsked = true)
    {
        var attempt = new SourceAttempt
        {
            Id = record.Id,
            Mode = record.Mode,
            Peer = record.Peer,
            PreState = record.PreState,
            CopiesDisks = record.CopiesDisks,
            OwesMemory = record.OwesMemory,
            PeerMayBeWhole = record.PeerMayBeWhole || record.Phase is SourcePhase.OwnSend or SourcePhase.Handed, // nothing is written at its beginning
            Fencing = record.Fencing,
            Limits = limits,
        };
        switch (record.Phase)
        {
            case SourcePhase.Handed:
                var handed = new SourceState.Handed(attempt, HandedWait.Client, CopyLost: !evidence.Alive);
                var alarm = Alarm(attempt);
                if (!attempt.IsLegacy) return Ask(handed, alarm);
                return attempt.IsManaged ? NobodyWillTell(handed) : Silence(handed);

            case SourcePhase.Released:
                return Release(attempt, record.Why);

            case SourcePhase.Closed:
                return To(new SourceState.Closed(attempt,
                    record.Outcome ?? new MigrationOutcome.StayedOnSource(new(FailureKind.DaemonRestarted, "closed without a word"))));

            case SourcePhase.Reclaiming:
                var cause = record.Why ?? new(FailureKind.DaemonRestarted, "the daemon restarted");
                if (evidence.Alive) return To(new SourceState.Reclaiming(attempt, cause, ReclaimStage.StoppingStream), StopStream(attempt));

                // The peer's own ABORT, and a person's word that its host is off, leave nothing to be asked.
                return peerCanBeAsked && attempt.Fencing is null && cause.Kind != FailureKind.PeerAborted ? Withdraw(attempt, cause) : GuestDied(attempt, cause);

            default: // OWN: no COMMIT was sent for this id, whatever the stream says.
                var why = new Failure(FailureKind.DaemonRestarted, "the daemon restarted during the migration");
                if (evidence.Alive) return Reclaim(attempt, why);
                return peerCanBeAsked && record.Phase == SourcePhase.OwnSend ? Withdraw(attempt, why) : GuestDied(attempt, why);
        }
    }

    /// <summary>
    /// The destination may have all of the guest, and somebody who took this host for dead for good may have let it run there. The record stays as
    /// it is until that is answered, so that a restart asks again.
    /// </summary>
    private static SourceStep Withdraw(SourceAttempt attempt, Failure why) => attempt.IsLegacy
        ? GuestDied(attempt, why)
        : Ask(new SourceState.Handed(attempt with { Withdraws = true }, HandedWait.Client, CopyLost: true), Alarm(attempt));

    private static SourceEffect[] StopStream(SourceAttempt attempt) =>
    [
        new SourceEffect.CancelStream(),
        new SourceEffect.ArmTimer(SourceTimer.CancelStream, attempt.Limits.CancelStream),
    ];

    private static SourceStep Reclaiming(SourceState.Reclaiming s, SourceInput input) => input switch
    {
        // The destination gave up a guest that never ran there, and the connection was gone by then: this copy is whole, but QEMU has no way
        // back for it.
        SourceInput.StreamStopped { Status: StreamStatus.PostCopyPaused } when s.Stage == ReclaimStage.StoppingStream => Close(
            s.Attempt, new MigrationOutcome.NeedsDecision($"QEMU cannot leave post-copy (after: {s.Why.Text}); the guest does not run anywhere", "virsh destroy DOMAIN")),
        SourceInput.StreamStopped when s.Stage == ReclaimStage.StoppingStream => To(s with { Stage = ReclaimStage.Undoing },
            new SourceEffect.DisarmTimer(SourceTimer.CancelStream),
            new SourceEffect.UndoPreparations()),
        SourceInput.TimerExpired { Timer: SourceTimer.CancelStream } when s.Stage == ReclaimStage.StoppingStream => Yank(s),

        SourceInput.PreparationsUndone when s.Stage == ReclaimStage.Undoing => s.Attempt.PreState == GuestRunState.Running
            ? To(s with { Stage = ReclaimStage.Resuming }, new SourceEffect.Cont())
            : Stayed(s),

        SourceInput.ContAccepted when s.Stage == ReclaimStage.Resuming => Stayed(s),
        SourceInput.ContRefused refused when s.Stage == ReclaimStage.Resuming => NotResumed(s, refused.Error),
        SourceInput.ContUnknown when s.Stage == ReclaimStage.Resuming => NotResumed(s, "QEMU does not answer"),
        SourceInput.TimerExpired { Timer: SourceTimer.ContRetry } when s.Stage == ReclaimStage.Resuming => Stay(s, new SourceEffect.Cont()),

        SourceInput.QemuGone => Close(s.Attempt, new MigrationOutcome.StayedOnSource(s.Why, GuestDied: true)),

        // Only from OWN can this write be outstanding here (from S8 it is durable before S9), and a restart in OWN leads here as well.
        SourceInput.JournalWriteFailed { Phase: SourcePhase.Reclaiming } failed => Stay(s,
            [new SourceEffect.RaiseAlarm($"cannot write the hand-over record: {failed.Error}"), .. CancelPeer(s.Attempt), .. StopStream(s.Attempt)]),

        SourceInput.UserCalled { Call: UserCall.Destroy or UserCall.AbortJob } user => Stay(s, new SourceEffect.Admit(user.Call)),
        SourceInput.UserCalled user => Stay(s, new SourceEffect.Refuse(user.Call, "the migration is being undone")),
        SourceInput.LinkRestored when !s.Attempt.IsManaged => Stay(s, new SourceEffect.CancelPeer(s.Attempt.Id)),
        SourceInput.LinkLost or SourceInput.LinkRestored or SourceInput.ClientGone or SourceInput.ConfirmCalled or SourceInput.PeerFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static SourceStep Stayed(SourceState.Reclaiming s) => Close(s.Attempt, new MigrationOutcome.StayedOnSource(s.Why));

    private static SourceStep NotResumed(SourceState.Reclaiming s, string error) => s.Tries + 1 < s.Attempt.Limits.ContTries
        ? Stay(s with { Tries = s.Tries + 1 }, new SourceEffect.ArmTimer(SourceTimer.ContRetry, s.Attempt.Limits.ContRetry))
        : Close(s.Attempt, new MigrationOutcome.NeedsDecision(
            $"the guest is back at the source but does not resume: {error} (after: {s.Why.Text})", "virsh resume DOMAIN"));

    private static SourceStep Release(SourceAttempt attempt, Failure? lost) => To(new SourceState.Released(attempt, ReleaseStage.Killing, Lost: lost),
        new SourceEffect.KillQemu(),
        new SourceEffect.ArmTimer(SourceTimer.Kill, attempt.Limits.Kill));

    private static SourceStep Released(SourceState.Released s, SourceInput input) => input switch
    {
        SourceInput.QemuGone when s.Stage == ReleaseStage.Killing => Gone(s),
        SourceInput.TimerExpired { Timer: SourceTimer.Kill } when s.Stage == ReleaseStage.Killing => Stay(s,
            new SourceEffect.RaiseAlarm("the source copy of a migrated guest does not end"),
            new SourceEffect.KillQemu(),
            new SourceEffect.ArmTimer(SourceTimer.Kill, s.Attempt.Limits.Kill)),

        SourceInput.PeerForgot forgot when forgot.Id == s.Attempt.Id && s.Stage == ReleaseStage.Forgetting => CloseReleased(s),
        SourceInput.PeerSilent silent when silent.Id == s.Attempt.Id && s.Stage == ReleaseStage.Forgetting =>
            Stay(s with { Tries = NextTry(s.Tries) }, new SourceEffect.ArmTimer(SourceTimer.AskAgain, Pause(s.Attempt.Limits, s.Tries))),
        SourceInput.TimerExpired { Timer: SourceTimer.AskAgain } when s.Stage == ReleaseStage.Forgetting =>
            Stay(s, new SourceEffect.ForgetAtPeer(s.Attempt.Id)),
        SourceInput.LinkRestored when s.Stage == ReleaseStage.Forgetting => Stay(s, new SourceEffect.ForgetAtPeer(s.Attempt.Id)),

        SourceInput.ConfirmCalled when s.Stage == ReleaseStage.Forgetting => Stay(s, new SourceEffect.Tell(OutcomeOf(s))),
        SourceInput.UserCalled user => Stay(s, new SourceEffect.Refuse(user.Call, "the guest has moved to the destination")),
        SourceInput.QemuGone or SourceInput.LinkLost or SourceInput.LinkRestored or SourceInput.ClientGone or
            SourceInput.ConfirmCalled or SourceInput.PeerFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    /// <summary>The caller is told as soon as the domain is gone here; FORGET has time. A stock peer keeps no record to forget.</summary>
    private static SourceStep Gone(SourceState.Released s)
    {
        if (s.Attempt.IsLegacy)
        {
            var close = CloseReleased(s);
            return close with { Effects = [new SourceEffect.DisarmTimer(SourceTimer.Kill), .. Retire(s), .. close.Effects] };
        }
        return To(s with { Stage = ReleaseStage.Forgetting },
            [
                new SourceEffect.DisarmTimer(SourceTimer.Kill),
                .. Retire(s),
                new SourceEffect.Tell(OutcomeOf(s)),
                new SourceEffect.ForgetAtPeer(s.Attempt.Id),
            ]);
    }

    /// <summary>The definition of a guest that was lost on its way is all that is left of it.</summary>
    private static SourceEffect[] Retire(SourceState.Released s) => s.Lost is null ? [new SourceEffect.RetireDomain()] : [];

    private static MigrationOutcome OutcomeOf(SourceState.Released s) =>
        s.Lost is { } why ? new MigrationOutcome.PostCopyLost(why) : new MigrationOutcome.Moved();

    private static SourceStep CloseReleased(SourceState.Released s) => Close(s.Attempt, OutcomeOf(s));

    private static SourceStep Close(SourceAttempt attempt, MigrationOutcome outcome) => To(new SourceState.Closed(attempt, outcome),
        new SourceEffect.DisarmTimer(SourceTimer.CancelStream),
        new SourceEffect.DisarmTimer(SourceTimer.ContRetry),
        new SourceEffect.DisarmTimer(SourceTimer.AskAgain),
        new SourceEffect.Persist(attempt.Record(SourcePhase.Closed, (outcome as MigrationOutcome.StayedOnSource)?.Why, outcome)),
        new SourceEffect.Tell(outcome));

    private static SourceStep Closed(SourceState.Closed s, SourceInput input) => input switch
    {
        // Unwritten, a restart would undo or release once more: harmless, but the next migration has to wait for it.
        SourceInput.JournalWriteFailed { Phase: SourcePhase.Closed } => Stay(s,
            new SourceEffect.ArmTimer(SourceTimer.JournalRetry, s.Attempt.Limits.JournalRetry),
            new SourceEffect.Tell(s.Outcome)),
        SourceInput.TimerExpired { Timer: SourceTimer.JournalRetry } => Stay(s,
            new SourceEffect.Persist(s.Attempt.Record(SourcePhase.Closed, (s.Outcome as MigrationOutcome.StayedOnSource)?.Why, s.Outcome))),

        SourceInput.ConfirmCalled => Stay(s, new SourceEffect.Tell(s.Outcome)),
        SourceInput.UserCalled user => Stay(s, new SourceEffect.Admit(user.Call)),
        SourceInput.QemuGone or SourceInput.LinkLost or SourceInput.LinkRestored or SourceInput.ClientGone or SourceInput.PeerFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };
}
