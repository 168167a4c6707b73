using Wherry.Qemu.Migration.Machines;
using static Wherry.Qemu.Tests.Migration.Machines.Representatives;

namespace Wherry.Qemu.Tests.Migration.Machines;

/// <summary>What the explorer cannot see: durations, words to callers, and whether a user's call is let through.</summary>
public sealed class SourceMachineTests
{
    [Fact]
    [Fault(60)]
    public void AbortJob_is_accepted_until_the_guest_is_handed_over_and_refused_from_then_on()
    {
        foreach (var (name, state) in Source(PeerToPeer).Concat(Source(Managed)))
        {
            var effects = SourceMachine.Step(state, new SourceInput.UserCalled(UserCall.AbortJob)).Effects;
            bool refused = state is SourceState.Sent or SourceState.Handed or SourceState.Released;
            Assert.True(effects.Any(effect => effect is SourceEffect.Refuse) == refused, name);
            Assert.True(effects.Any(effect => effect is SourceEffect.Admit) == !refused, name);
        }
    }

    [Fact]
    [Fault(62)]
    public void Suspend_and_resume_are_let_through_while_the_guest_runs_here_and_refused_while_it_is_stopped()
    {
        foreach (var (name, state) in Source(PeerToPeer))
        {
            foreach (var call in (UserCall[])[UserCall.Suspend, UserCall.Resume])
            {
                bool admitted = SourceMachine.Step(state, new SourceInput.UserCalled(call)).Effects.Contains(new SourceEffect.Admit(call));
                bool expected = state is SourceState.Preparing or SourceState.Copying or SourceState.Sending or SourceState.Closed;
                Assert.True(admitted == expected, $"{call} in {name}");
            }
        }
    }

    [Fact]
    public void A_guest_suspended_on_the_way_stays_paused_wherever_it_ends_up()
    {
        var sending = SourceMachine.Step(new SourceState.Sending(PeerToPeer), new SourceInput.UserCalled(UserCall.Suspend));
        Assert.Equal(GuestRunState.Paused, Assert.IsType<SourceEffect.Persist>(sending.Effects[0]).Record.PreState);

        var asked = SourceMachine.Step(new SourceState.Sent(sending.Next.Attempt), new SourceInput.JournalWritten(SourcePhase.Handed));
        Assert.Contains(new SourceEffect.AskPeer(Id, StartPaused: true), asked.Effects);

        var undone = new SourceState.Reclaiming(sending.Next.Attempt, Alphabet.AnyFailure, ReclaimStage.Undoing);
        var back = SourceMachine.Step(undone, new SourceInput.PreparationsUndone());
        Assert.DoesNotContain(back.Effects, effect => effect is SourceEffect.Cont);
        Assert.IsType<SourceState.Closed>(back.Next);
    }

    [Fact]
    [Fault(11)]
    public void Confirm_of_a_managed_client_is_a_reason_to_ask_and_never_an_answer()
    {
        foreach (bool cancelled in (bool[])[true, false])
        {
            var step = SourceMachine.Step(new SourceState.Handed(Managed, HandedWait.Client), new SourceInput.ConfirmCalled(cancelled));
            Assert.Equal(HandedWait.Answer, Assert.IsType<SourceState.Handed>(step.Next).Wait);
            Assert.Contains(step.Effects, effect => effect is SourceEffect.AskPeer);
        }
    }

    [Fact]
    [Fault(10)]
    public void A_managed_client_that_only_stops_does_not_leave_the_guest_paused_on_both_sides()
    {
        var handed = SourceMachine.Step(new SourceState.Sent(Managed), new SourceInput.JournalWritten(SourcePhase.Handed));
        Assert.Contains(new SourceEffect.ArmTimer(SourceTimer.ClientFinish, TimeSpan.FromSeconds(5)), handed.Effects);
        Assert.Contains(
            SourceMachine.Step(handed.Next, new SourceInput.TimerExpired(SourceTimer.ClientFinish)).Effects,
            effect => effect is SourceEffect.AskPeer);
    }

    [Fact]
    public void Questions_come_after_200_ms_doubling_to_5_s_and_never_stop()
    {
        SourceState state = new SourceState.Handed(PeerToPeer, HandedWait.Answer);
        var pauses = new List<double>();
        for (int i = 0; i < 40; i++)
        {
            var silent = SourceMachine.Step(state, new SourceInput.PeerSilent(Id));
            pauses.Add(Assert.Single(silent.Effects.OfType<SourceEffect.ArmTimer>()).After.TotalSeconds);
            var again = SourceMachine.Step(silent.Next, new SourceInput.TimerExpired(SourceTimer.AskAgain));
            Assert.Contains(again.Effects, effect => effect is SourceEffect.AskPeer);
            state = again.Next;
        }
        Assert.Equal([0.2, 0.4, 0.8, 1.6, 3.2, 5, 5], pauses.Take(7));
        Assert.All(pauses.Skip(5), pause => Assert.Equal(5, pause));
    }

    [Fact]
    [Fault(39)]
    public void A_source_QEMU_that_dies_after_the_hand_over_does_not_end_the_questions()
    {
        var lost = SourceMachine.Step(new SourceState.Handed(PeerToPeer, HandedWait.Answer), new SourceInput.QemuGone());
        Assert.True(Assert.IsType<SourceState.Handed>(lost.Next).CopyLost);
        var run = SourceMachine.Step(lost.Next, new SourceInput.PeerAnswered(Id, PeerAnswer.Run));
        Assert.Equal(SourcePhase.Released, Assert.Single(run.Effects.OfType<SourceEffect.Persist>()).Record.Phase);
    }

    [Fact]
    [Fault(30)]
    public void A_HANDED_that_may_be_on_disk_is_only_left_through_a_durable_RECLAIMING()
    {
        var certain = SourceMachine.Step(
            new SourceState.Sent(PeerToPeer), new SourceInput.JournalWriteFailed(SourcePhase.Handed, OldRecordStands: true, "No space left on device"));
        Assert.IsType<SourceState.Reclaiming>(certain.Next);

        var uncertain = SourceMachine.Step(
            new SourceState.Sent(PeerToPeer), new SourceInput.JournalWriteFailed(SourcePhase.Handed, OldRecordStands: false, "Input/output error"));
        Assert.IsType<SourceState.Handed>(uncertain.Next);
        Assert.Equal(SourcePhase.Reclaiming, Assert.Single(uncertain.Effects.OfType<SourceEffect.Persist>()).Record.Phase);
        Assert.DoesNotContain(uncertain.Effects, effect => effect is SourceEffect.AskPeer);
    }

    [Fact]
    [Fault(64)]
    public void The_limits_are_those_of_the_document()
    {
        var limits = MigrationLimits.Default;
        Assert.Equal(
            [60, 5, 60, 30, 30, 2, 0.2, 5, 30, 60, 10, 86400, 3600, 2, 60],
            ((TimeSpan[])
            [
                limits.ControlLinkGrace, limits.DrainLinkGrace, limits.BeginIdle, limits.Drain, limits.Switch, limits.CancelStream,
                limits.AskAgainFirst, limits.AskAgainLongest, limits.HandedAlarm, limits.Load, limits.ContSilence, limits.IncomingIdle, limits.HoldLoaded,
                limits.LookAgain, limits.LookFor,
            ]).Select(limit => limit.TotalSeconds));
    }

    [Fact]
    public void Every_attempt_ends_in_one_of_the_three_words()
    {
        Assert.IsType<MigrationOutcome.Moved>(OutcomeOf(new SourceState.Released(PeerToPeer, ReleaseStage.Forgetting), new SourceInput.PeerForgot(Id)));
        Assert.Equal(
            new MigrationOutcome.StayedOnSource(Alphabet.AnyFailure),
            OutcomeOf(new SourceState.Reclaiming(PeerToPeer, Alphabet.AnyFailure, ReclaimStage.Resuming), new SourceInput.ContAccepted()));
        Assert.Equal(
            new MigrationOutcome.StayedOnSource(Alphabet.AnyFailure, GuestDied: true),
            OutcomeOf(new SourceState.Reclaiming(PeerToPeer, Alphabet.AnyFailure, ReclaimStage.Resuming), new SourceInput.QemuGone()));
        Assert.IsType<MigrationOutcome.NeedsDecision>(OutcomeOf(
            new SourceState.Reclaiming(PeerToPeer, Alphabet.AnyFailure, ReclaimStage.Resuming, Tries: 9), new SourceInput.ContRefused("lock")));
    }

    private static MigrationOutcome OutcomeOf(SourceState state, SourceInput input)
    {
        var step = SourceMachine.Step(state, input);
        var closed = Assert.IsType<SourceState.Closed>(step.Next);
        Assert.Equal(closed.Outcome, Assert.Single(step.Effects.OfType<SourceEffect.Tell>()).Outcome);
        return closed.Outcome;
    }
}
