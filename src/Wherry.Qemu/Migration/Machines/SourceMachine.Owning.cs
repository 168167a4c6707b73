namespace Wherry.Qemu.Migration.Machines;

/// <summary>S1-S7: the source holds the right to run. Every failure leads to S9, and no COMMIT has left this host.</summary>
internal static partial class SourceMachine
{
    private static SourceStep Begun(SourceState.Begun s, SourceInput input) => input switch
    {
        SourceInput.PerformCalled call => StartCopying(s.Attempt with { Peer = call.Peer }),
        SourceInput.TimerExpired { Timer: SourceTimer.BeginIdle } =>
            Reclaim(s, FailureKind.TimedOut, "the client called Begin and then not Perform"),
        _ => Owning(s, SourcePhase.OwnBegin, input),
    };

    private static SourceStep Preparing(SourceState.Preparing s, SourceInput input) => input switch
    {
        SourceInput.PrepareReplied reply => StartCopying(s.Attempt with { Peer = reply.Peer }),
        SourceInput.PrepareFailed failed => Reclaim(s, failed.Why),
        SourceInput.LinkLost => Reclaim(s, FailureKind.LinkLost, "the connection to the destination was lost during Prepare"),
        _ => Owning(s, SourcePhase.OwnPrepare, input),
    };

    private static SourceStep Copying(SourceState.Copying s, SourceInput input) => input switch
    {
        SourceInput.MirrorsReady => StartSending(s.Attempt),
        SourceInput.MirrorFailed failed => Reclaim(s, failed.Why),
        _ => Owning(s, SourcePhase.OwnCopy, input),
    };

    private static SourceStep Sending(SourceState.Sending s, SourceInput input) => input switch
    {
        // Disks must be complete before the machine state leaves: S6 is only reached through a clean drain.
        SourceInput.StreamReported { Status: StreamStatus.PreSwitchover } => s.Attempt.CopiesDisks ? Drain(s.Attempt) : Switch(s.Attempt),
        SourceInput.StreamReported { Status: StreamStatus.Active } when s.Attempt.PostCopyAsked => Stay(s, new SourceEffect.StartPostCopy()),
        SourceInput.StreamReported { Status: StreamStatus.Completed } =>
            Reclaim(AllGone(s), FailureKind.StreamFailed, "QEMU completed the migration without stopping in pre-switchover"),
        SourceInput.MirrorFailed failed => Reclaim(s, failed.Why),
        _ => Owning(s, SourcePhase.OwnSend, input),
    };

    private static SourceStep Draining(SourceState.Draining s, SourceInput input) => input switch
    {
        SourceInput.MirrorsDrained => Switch(s.Attempt),
        SourceInput.MirrorFailed failed => Reclaim(s, failed.Why),
        SourceInput.TimerExpired { Timer: SourceTimer.Drain } => Reclaim(s, FailureKind.TimedOut, "the disk mirrors did not finish in time"),
        SourceInput.TimerExpired { Timer: SourceTimer.DrainLink } when s.Attempt.LinkDown => LinkIsGone(s),
        SourceInput.StreamReported { Status: StreamStatus.Completed } =>
            Reclaim(AllGone(s), FailureKind.StreamFailed, "QEMU completed the migration before migrate-continue"),
        _ => Owning(s, SourcePhase.OwnSend, input),
    };

    private static SourceStep Switching(SourceState.Switching s, SourceInput input) => input switch
    {
        // The destination has the machine's state and all but some memory. QEMU does not resume by itself from here.
        SourceInput.StreamReported { Status: StreamStatus.PostCopyActive } when s.Attempt.MayPostCopy && !s.Cancelling => HandOverOwing(s.Attempt),

        // Too late for a cancel, which QEMU would never end. The destination can still run the guest, and have the rest when the link is back.
        SourceInput.StreamReported { Status: StreamStatus.PostCopyPaused } when s.Attempt.MayPostCopy => HandOverOwing(s.Attempt),
        SourceInput.StreamStopped { Status: StreamStatus.PostCopyPaused } when s.Attempt.MayPostCopy => HandOverOwing(s.Attempt),
        SourceInput.StreamReported { Status: StreamStatus.Completed } => HandOver(s.Attempt),
        SourceInput.TimerExpired { Timer: SourceTimer.Switch } when !s.Cancelling => Stay(s with { Cancelling = true },
            new SourceEffect.CancelStream(),
            new SourceEffect.ArmTimer(SourceTimer.CancelStream, s.Attempt.Limits.CancelStream)),

        // "A cancel that returns does not mean cancelled" (B8): the end that came is the one that counts.
        SourceInput.StreamStopped { Status: StreamStatus.Completed } when s.Cancelling => HandOver(s.Attempt),
        SourceInput.StreamStopped when s.Cancelling =>
            Reclaim(s, FailureKind.TimedOut, "the destination did not take over the guest in time"),
        SourceInput.TimerExpired { Timer: SourceTimer.CancelStream } when s.Cancelling => Yank(s),
        _ => Owning(s, SourcePhase.OwnSend, input),
    };

    private static SourceStep Sent(SourceState.Sent s, SourceInput input) => input switch
    {
        SourceInput.JournalWritten { Phase: SourcePhase.Handed } => EnterHanded(s),
        SourceInput.JournalWriteFailed { Phase: SourcePhase.Handed } failed => HandedNotWritten(s, failed),

        // The write may already be on disk. What happens now is remembered, nothing is decided.
        SourceInput.QemuGone => Stay(s with { CopyLost = true }),
        SourceInput.ClientGone or SourceInput.ConfirmCalled => Stay(s with { AskAtOnce = s.Attempt.IsManaged }),
        SourceInput.UserCalled user => Stay(s, new SourceEffect.Refuse(user.Call, "the guest is being handed over")),
        SourceInput.LinkLost or SourceInput.LinkRestored or SourceInput.PeerFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    /// <summary>What S1-S6 have in common.</summary>
    private static SourceStep Owning(SourceState s, SourcePhase phase, SourceInput input) => input switch
    {
        SourceInput.QemuGone => GuestDied(s.Attempt, new(FailureKind.QemuDied, "QEMU died during the migration")),
        // Before S4 query-migrate still tells how the previous migration ended.
        SourceInput.StreamReported { Status: StreamStatus.Failed } failed when HasStream(s) =>
            Reclaim(s, FailureKind.StreamFailed, Because(s, failed.Error ?? "QEMU reported that the migration failed")),
        SourceInput.StreamReported { Status: StreamStatus.Cancelled } when HasStream(s) =>
            Reclaim(s, FailureKind.StreamFailed, "the migration was cancelled in QEMU"),
        SourceInput.StreamReported { Status: StreamStatus.PostCopyActive or StreamStatus.PostCopyPaused } when HasStream(s) =>
            Reclaim(s, FailureKind.StreamFailed, "QEMU went into post-copy before it was let go"),
        SourceInput.ClientGone when s.Attempt.IsManaged => Reclaim(s, FailureKind.ClientGone, "the client that drove the migration is gone"),
        SourceInput.ConfirmCalled { Cancelled: true } => Reclaim(s, FailureKind.Cancelled, "migration out job: the client gave the migration up"),
        SourceInput.ConfirmCalled => Reclaim(s, FailureKind.Cancelled, "migration out job: the client called Confirm before Perform was answered"),
        SourceInput.UserCalled user => UserDuringOwn(s, phase, user.Call),
        SourceInput.LinkLost => LostLink(s),
        SourceInput.LinkRestored => Stay(s with { Attempt = s.Attempt with { LinkDown = false } },
            new SourceEffect.DisarmTimer(SourceTimer.ControlLink),
            new SourceEffect.DisarmTimer(SourceTimer.DrainLink)),
        SourceInput.TimerExpired { Timer: SourceTimer.ControlLink } when s.Attempt.LinkDown && !GuestStopped(s) => LinkIsGone(s),

        // Before HANDED an abort needs no record: OWN already means that the source may run.
        SourceInput.JournalWriteFailed failed => Reclaim(s, FailureKind.JournalWrite, failed.Error),
        SourceInput.PeerFenced => Stay(s),
        SourceInput.ClientGone => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static bool HasStream(SourceState s) => s is SourceState.Sending or SourceState.Draining or SourceState.Switching;

    private static bool GuestStopped(SourceState s) => s is SourceState.Draining or SourceState.Switching;

    /// <summary>
    /// Inputs that matter in one state and may still arrive in a later one: the result of an effect that was overtaken, a timer that fired
    /// just before it was disarmed, a duplicate, an answer for an earlier attempt.
    /// </summary>
    private static bool IsLate(SourceInput input) => input is
        SourceInput.PerformCalled or SourceInput.PrepareReplied or SourceInput.PrepareFailed or
        SourceInput.MirrorsReady or SourceInput.MirrorsDrained or SourceInput.MirrorFailed or
        SourceInput.StreamReported or SourceInput.StreamStopped or SourceInput.RecoveryFailed or SourceInput.PreparationsUndone or
        SourceInput.ContAccepted or SourceInput.ContRefused or SourceInput.ContUnknown or
        SourceInput.PeerAnswered or SourceInput.PeerSilent or SourceInput.PeerForgot or SourceInput.PeerSeen or
        SourceInput.JournalWritten or SourceInput.JournalWriteFailed or SourceInput.TimerExpired;

    private static SourceStep StartCopying(SourceAttempt attempt) => attempt.CopiesDisks
        ? To(new SourceState.Copying(attempt),
            new SourceEffect.Persist(attempt.Record(SourcePhase.OwnCopy)),
            new SourceEffect.DisarmTimer(SourceTimer.BeginIdle),
            new SourceEffect.StartMirrors())
        : StartSending(attempt);

    private static SourceStep StartSending(SourceAttempt attempt) => To(new SourceState.Sending(attempt),
        new SourceEffect.Persist(attempt.Record(SourcePhase.OwnSend)),
        new SourceEffect.DisarmTimer(SourceTimer.BeginIdle),
        new SourceEffect.StartStream());

    private static SourceStep Drain(SourceAttempt attempt) => To(new SourceState.Draining(attempt),
        [
            new SourceEffect.ArmTimer(SourceTimer.Drain, attempt.Limits.Drain),
            .. DrainLinkTimer(attempt),
            new SourceEffect.DrainMirrors(),
        ]);

    private static SourceEffect[] DrainLinkTimer(SourceAttempt attempt) =>
        attempt.LinkDown ? [new SourceEffect.ArmTimer(SourceTimer.DrainLink, attempt.Limits.DrainLinkGrace)] : [];

    private static SourceStep Switch(SourceAttempt attempt) => To(new SourceState.Switching(attempt with { PeerMayBeWhole = true }),
        new SourceEffect.DisarmTimer(SourceTimer.Drain),
        new SourceEffect.DisarmTimer(SourceTimer.DrainLink),
        new SourceEffect.ArmTimer(SourceTimer.Switch, attempt.Limits.Switch),
        new SourceEffect.ContinueStream());

    /// <summary>S7. QEMU no longer resumes by itself: from here on the journal alone decides.</summary>
    private static SourceStep HandOver(SourceAttempt attempt) => To(new SourceState.Sent(attempt),
        [.. DisarmOwn, new SourceEffect.Persist(attempt.Record(SourcePhase.Handed))]);

    private static SourceStep HandOverOwing(SourceAttempt attempt)
    {
        var handOver = HandOver(attempt with { OwesMemory = true });
        return handOver with { Effects = [.. handOver.Effects, new SourceEffect.ShowPostCopy(Broken: false)] };
    }

    /// <summary>
    /// HANDED is not on disk: as any failure in OWN. But if it may be on disk, a restart could read it and ask, so that the way back needs a
    /// durable RECLAIMING first, as from S8.
    /// </summary>
    private static SourceStep HandedNotWritten(SourceState.Sent s, SourceInput.JournalWriteFailed failed)
    {
        var why = new Failure(FailureKind.JournalWrite, failed.Error);
        if (!failed.OldRecordStands)
            return Decide(new SourceState.Handed(s.Attempt, HandedWait.Journal, CopyLost: s.CopyLost), SourcePhase.Reclaiming, why);
        return s.CopyLost ? GuestDied(s.Attempt, why) : Reclaim(s, why);
    }

    /// <summary>migrate_cancel did not end the stream, or QEMU did not answer it: out of band, and once more.</summary>
    private static SourceStep Yank(SourceState s) => Stay(s,
        new SourceEffect.YankStream(),
        new SourceEffect.CancelStream(),
        new SourceEffect.ArmTimer(SourceTimer.CancelStream, s.Attempt.Limits.CancelStream));

    /// <summary>C5: the data link may be fine. A stock destination, though, is already destroying its half.</summary>
    private static SourceStep LostLink(SourceState s)
    {
        var down = s with { Attempt = s.Attempt with { LinkDown = true } };
        return s switch
        {
            _ when s.Attempt.IsManaged => Stay(s), // No link of ours: the client carries everything.
            _ when s.Attempt.IsLegacy => LinkIsGone(s),
            SourceState.Draining => Stay(down, DrainLinkTimer(down.Attempt)),
            SourceState.Switching => Stay(down), // Seconds from its end on the data link, and bounded by its own timer.
            _ => Stay(down, new SourceEffect.ArmTimer(SourceTimer.ControlLink, s.Attempt.Limits.ControlLinkGrace)),
        };
    }

    /// <summary>libvirt's words, which differ before and after memory is on its way.</summary>
    private static string CancelledBy(SourceState s) => s is SourceState.Sending or SourceState.Draining or SourceState.Switching
        ? "job 'migration out' canceled by client"
        : "migration out: canceled by client";

    /// <summary>A destination that has lost us ends its half, and QEMU only sees its socket close: the cause is the link.</summary>
    private static string Because(SourceState s, string error) =>
        s.Attempt.LinkDown ? $"{error}; the control connection to the destination was lost before" : error;

    private static SourceStep LinkIsGone(SourceState s) => Reclaim(s, FailureKind.LinkLost, "the control connection to the destination was lost");

    private static SourceStep UserDuringOwn(SourceState s, SourcePhase phase, UserCall call)
    {
        switch (call)
        {
            case UserCall.AbortJob:
                var reclaim = Reclaim(s, FailureKind.Cancelled, CancelledBy(s));
                return reclaim with { Effects = [new SourceEffect.Admit(call), .. reclaim.Effects] };

            // The user destroys the guest: QemuGone follows and ends the attempt.
            case UserCall.Destroy:
                return Stay(s, new SourceEffect.Admit(call));

            case UserCall.StartPostCopy when !s.Attempt.MayPostCopy:
                return Stay(s, new SourceEffect.Refuse(call, "switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag"));

            // Also before there is a stream: who has set a time limit for pre-copy does not know how long the disks take.
            case UserCall.StartPostCopy when !GuestStopped(s):
                SourceEffect[] start = s is SourceState.Sending ? [new SourceEffect.StartPostCopy()] : [];
                return Stay(s with { Attempt = s.Attempt with { PostCopyAsked = true } }, [new SourceEffect.Admit(call), .. start]);

            case UserCall.PausePostCopy:
                return Stay(s, new SourceEffect.Refuse(call, "current job is not outgoing migration in post-copy mode"));

            case UserCall.ResumePostCopy:
                return Stay(s, new SourceEffect.Refuse(call, "QEMU reports migration is still running"));

            case UserCall.Suspend or UserCall.Resume when !GuestStopped(s):
                var attempt = s.Attempt with { PreState = call == UserCall.Suspend ? GuestRunState.Paused : GuestRunState.Running };
                return Stay(s with { Attempt = attempt },
                    new SourceEffect.Persist(attempt.Record(phase)),
                    new SourceEffect.Admit(call));

            default:
                return Stay(s, new SourceEffect.Refuse(call, "the guest is stopped for the switchover"));
        }
    }

    private static SourceState AllGone(SourceState own) => own with { Attempt = own.Attempt with { PeerMayBeWhole = true } };

    private static SourceStep Reclaim(SourceState own, FailureKind kind, string text) => Reclaim(own.Attempt, new(kind, text));

    private static SourceStep Reclaim(SourceState own, Failure why) => Reclaim(own.Attempt, why);

    /// <summary>OWN -> S9. A failing write changes nothing here (see <see cref="Reclaiming"/>): OWN and RECLAIMING mean the same to a restart.</summary>
    private static SourceStep Reclaim(SourceAttempt attempt, Failure why) => To(
        new SourceState.Reclaiming(attempt, why, ReclaimStage.StoppingStream),
        [.. DisarmOwn, new SourceEffect.Persist(attempt.Record(SourcePhase.Reclaiming, why)), .. CancelPeer(attempt), .. StopStream(attempt)]);

    private static SourceStep GuestDied(SourceAttempt attempt, Failure why)
    {
        var close = Close(attempt, new MigrationOutcome.StayedOnSource(why, GuestDied: true));
        return close with { Effects = [.. DisarmOwn, .. CancelPeer(attempt), .. close.Effects] };
    }

    /// <summary>The limits of S1-S6 end with them.</summary>
    private static readonly SourceEffect[] DisarmOwn =
    [
        new SourceEffect.DisarmTimer(SourceTimer.BeginIdle),
        new SourceEffect.DisarmTimer(SourceTimer.ControlLink),
        new SourceEffect.DisarmTimer(SourceTimer.Drain),
        new SourceEffect.DisarmTimer(SourceTimer.DrainLink),
        new SourceEffect.DisarmTimer(SourceTimer.Switch),
        new SourceEffect.DisarmTimer(SourceTimer.CancelStream),
    ];

    /// <summary>A managed client tells the destination itself; if it is gone, the destination has seen that too.</summary>
    private static SourceEffect[] CancelPeer(SourceAttempt attempt) =>
        attempt.IsManaged ? [] : [new SourceEffect.CancelPeer(attempt.Id)];
}
