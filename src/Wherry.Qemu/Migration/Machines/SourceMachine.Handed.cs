namespace Wherry.Qemu.Migration.Machines;

/// <summary>S8: HANDED is durable. The destination decides; the source asks, and acts only on a verdict that it has made durable.</summary>
internal static partial class SourceMachine
{
    private static SourceStep EnterHanded(SourceState.Sent s)
    {
        var alarm = Alarm(s.Attempt);
        var waiting = new SourceState.Handed(s.Attempt, HandedWait.Client, CopyLost: s.CopyLost);
        if (!s.Attempt.IsManaged) return Ask(waiting, alarm);
        if (s.AskAtOnce) return s.Attempt.IsLegacy ? NobodyWillTell(waiting) : Ask(waiting, alarm);
        return s.Attempt.IsLegacy
            ? To(waiting, alarm, new SourceEffect.AnswerPerform())
            : To(waiting, alarm, new SourceEffect.ArmTimer(SourceTimer.ClientFinish, s.Attempt.Limits.ClientFinish), new SourceEffect.AnswerPerform());
    }

    /// <summary>A stock destination answers Finish when post-copy is through, however long that takes.</summary>
    private static SourceEffect Alarm(SourceAttempt attempt) => attempt is { IsLegacy: true, OwesMemory: true }
        ? new SourceEffect.DisarmTimer(SourceTimer.HandedAlarm)
        : new SourceEffect.ArmTimer(SourceTimer.HandedAlarm, attempt.Limits.HandedAlarm);

    private static SourceStep Handed(SourceState.Handed s, SourceInput input) => input switch
    {
        // The verdict is on its way to the disk: whatever else is said now changes nothing. RUN and ABORT are final.
        SourceInput.JournalWritten { Phase: SourcePhase.Released } when s.Verdict?.Phase == SourcePhase.Released => Release(s.Attempt, s.Verdict.Why),
        SourceInput.JournalWritten { Phase: SourcePhase.Reclaiming } when s.Verdict?.Phase == SourcePhase.Reclaiming => TakeBack(s),
        SourceInput.JournalWriteFailed failed when s.Verdict is not null => Stay(s,
            new SourceEffect.RaiseAlarm($"cannot write the hand-over record, the guest stays paused: {failed.Error}"),
            new SourceEffect.ArmTimer(SourceTimer.JournalRetry, s.Attempt.Limits.JournalRetry)),
        SourceInput.TimerExpired { Timer: SourceTimer.JournalRetry } when s.Verdict is not null => Stay(s, new SourceEffect.Persist(s.Verdict)),

        SourceInput.PeerAnswered answered when answered.Id == s.Attempt.Id && s.Verdict is null => Answered(s, answered.Answer),
        SourceInput.PeerSilent silent when silent.Id == s.Attempt.Id && s.Wait == HandedWait.Answer => Silence(s),
        SourceInput.PeerSeen seen when s.Wait == HandedWait.Look => Looked(s, seen.Sighting),
        SourceInput.TimerExpired { Timer: SourceTimer.AskAgain } when s.Wait == HandedWait.Answer => Ask(s),
        SourceInput.TimerExpired { Timer: SourceTimer.LookAgain } when s.Wait == HandedWait.Look => Stay(s, new SourceEffect.LookAtPeer()),
        SourceInput.TimerExpired { Timer: SourceTimer.ClientFinish } when s.Wait == HandedWait.Client => Ask(s),
        SourceInput.TimerExpired { Timer: SourceTimer.HandedAlarm or SourceTimer.LookFor } when s.Verdict is null => Stay(s, InDoubt(s.Attempt)),

        // Rule 11: Confirm says what the client saw, not what the destination did. Only a stock peer leaves us nothing better (C7).
        SourceInput.ConfirmCalled confirm when s.Wait == HandedWait.Client => s.Attempt.IsLegacy
            ? Answered(s, confirm.Cancelled ? PeerAnswer.Abort : PeerAnswer.Run)
            : Ask(s),
        SourceInput.ClientGone when s.Wait == HandedWait.Client => s.Attempt.IsLegacy ? NobodyWillTell(s) : Ask(s),
        SourceInput.ConfirmCalled or SourceInput.ClientGone => Stay(s),

        SourceInput.LinkRestored => Reconnected(s),
        SourceInput.QemuGone when s.CopyLost => Stay(s),
        SourceInput.QemuGone => Stay(s with { CopyLost = true },
            new SourceEffect.RaiseAlarm("the source copy is lost, the outcome is pending: the destination has a full copy")),
        SourceInput.PeerFenced fenced when s.Verdict is null =>
            Decide(
                s with { Attempt = s.Attempt with { Fencing = fenced.Statement } },
                SourcePhase.Reclaiming,
                new(FailureKind.Fenced, $"host {fenced.Statement.Host} was fenced by {fenced.Statement.By}")),
        SourceInput.LinkLost or SourceInput.PeerFenced => Stay(s), // Nothing is inferred from a lost link (rule 10).
        SourceInput.UserCalled user when s.Attempt.Withdraws => Stay(s, new SourceEffect.Refuse(user.Call,
            $"the guest died here while it was sent (hand-over {s.Attempt.Id}); its destination has not said yet that it does not run there")),
        SourceInput.UserCalled user => Stay(s, new SourceEffect.Refuse(user.Call,
            $"the guest is already handed over (hand-over {s.Attempt.Id}); its destination decides")),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    private static SourceStep Ask(SourceState.Handed s, params ReadOnlySpan<SourceEffect> first) =>
        To(s with { Wait = HandedWait.Answer },
            [.. first, new SourceEffect.DisarmTimer(SourceTimer.AskAgain), new SourceEffect.AskPeer(s.Attempt.Id, s.Attempt.PreState == GuestRunState.Paused, s.Attempt.Withdraws)]);

    private static SourceStep Answered(SourceState.Handed s, PeerAnswer answer) => answer switch
    {
        PeerAnswer.Run when s is { Attempt.OwesMemory: true, CopyLost: true } => Decide(s, SourcePhase.Released, SourceDiedOwing),
        PeerAnswer.Run when s.Attempt.OwesMemory => EnterPostCopy(s.Attempt),
        PeerAnswer.Run => Decide(s, SourcePhase.Released, why: null),
        PeerAnswer.Abort => Decide(
            s with { Attempt = s.Attempt with { PeerMayBeWhole = false } },
            SourcePhase.Reclaiming,
            new(FailureKind.PeerAborted, "the destination gave the guest up before it ran there")),
        _ => AskLater(s),
    };

    /// <summary>Write first; JournalWritten brings the act. If it cannot be written we stay as we are: paused, complete, and loud.</summary>
    private static SourceStep Decide(SourceState.Handed s, SourcePhase verdict, Failure? why)
    {
        var record = s.Attempt.Record(verdict, why);
        return To(s with { Wait = HandedWait.Journal, Verdict = record }, [.. DisarmHanded, new SourceEffect.Persist(record)]);
    }

    private static readonly SourceEffect[] DisarmHanded =
    [
        new SourceEffect.DisarmTimer(SourceTimer.AskAgain),
        new SourceEffect.DisarmTimer(SourceTimer.ClientFinish),
        new SourceEffect.DisarmTimer(SourceTimer.HandedAlarm),
        new SourceEffect.DisarmTimer(SourceTimer.LookAgain),
        new SourceEffect.DisarmTimer(SourceTimer.LookFor),
    ];

    /// <summary>
    /// Whoever said ABORT knows already; but a HANDED that could not be written brings us here with a destination that still waits. Not while
    /// post-copy holds: were its QEMU gone before the stream is cancelled, ours could not leave.
    /// </summary>
    private static SourceStep TakeBack(SourceState.Handed s)
    {
        var told = s.Attempt.OwesMemory ? [] : CancelPeer(s.Attempt);
        var why = s.Verdict?.Why ?? new Failure(FailureKind.PeerAborted, "");
        return s.CopyLost
            ? GuestDied(s.Attempt, why)
            : To(new SourceState.Reclaiming(s.Attempt, why, ReclaimStage.StoppingStream), [.. told, .. StopStream(s.Attempt)]);
    }

    private static SourceStep Silence(SourceState.Handed s) => s.Attempt.IsLegacy
        ? To(s with { Wait = HandedWait.Look, Absences = 0 }, // Finish is asked once; asking twice would be another Finish.
            new SourceEffect.ArmTimer(SourceTimer.LookFor, s.Attempt.Limits.LookFor),
            new SourceEffect.LookAtPeer())
        : AskLater(s);

    private static SourceStep AskLater(SourceState.Handed s) => To(s with { Wait = HandedWait.Answer, Tries = NextTry(s.Tries) },
        new SourceEffect.ArmTimer(SourceTimer.AskAgain, Pause(s.Attempt.Limits, s.Tries)));

    /// <summary>The pause grows no further after this many tries, so the count need not either.</summary>
    private static int NextTry(int tries) => Math.Min(tries + 1, 16);

    private static TimeSpan Pause(MigrationLimits limits, int tries)
    {
        var pause = limits.AskAgainFirst * Math.Pow(2, tries);
        return pause < limits.AskAgainLongest ? pause : limits.AskAgainLongest;
    }

    private static SourceStep Reconnected(SourceState.Handed s) => s.Wait switch
    {
        HandedWait.Answer when !s.Attempt.IsLegacy => Ask(s),
        HandedWait.Look => Stay(s, new SourceEffect.LookAtPeer()),
        _ => Stay(s),
    };

    /// <summary>C7: what a stock peer's domain tells once Finish's reply is lost. It destroys a half-made guest when its client vanishes.</summary>
    private static SourceStep Looked(SourceState.Handed s, LegacySighting sighting)
    {
        var again = new SourceEffect.ArmTimer(SourceTimer.LookAgain, s.Attempt.Limits.LookAgain);
        switch (sighting)
        {
            case LegacySighting.Running:
                return Answered(s, PeerAnswer.Run);
            case LegacySighting.Absent when s.Absences == 0:
                return Stay(s with { Absences = 1 }, again);

            // With copied disks the worst case is an instant of running on a copy nobody keeps; with shared ones it wrote to our disks.
            // In post-copy a guest that is gone may have run for long.
            case LegacySighting.Absent when !s.Attempt.OwesMemory && (s.Attempt.CopiesDisks || s.Attempt.Limits.LegacyAbsentReclaims):
                return Answered(s, PeerAnswer.Abort);
            case LegacySighting.Absent:
                return Stay(s, [again, .. InDoubt(s.Attempt)]);
            default:
                return Stay(s with { Absences = 0 }, again);
        }
    }

    /// <summary>Stock peer and no client: nobody knows the outcome, so the guest stays paused until a person does (C7).</summary>
    private static SourceStep NobodyWillTell(SourceState.Handed s) => Stay(s, InDoubt(s.Attempt));

    private static SourceEffect[] InDoubt(SourceAttempt attempt)
    {
        string here = attempt.Withdraws ? "its copy here died while it was sent" : "the guest is paused here, complete";
        string reason = $"the destination has not said whether it runs the guest (hand-over {attempt.Id}); {here}";
        return
        [
            new SourceEffect.RaiseAlarm(reason),
            new SourceEffect.Tell(new MigrationOutcome.NeedsDecision(reason,
                $"wherryd handover force-source --id {attempt.Id} --i-fenced HOST")),
        ];
    }
}
