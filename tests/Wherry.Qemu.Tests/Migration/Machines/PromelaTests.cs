using Wherry.Qemu.Migration.Machines;
using static Wherry.Qemu.Tests.Migration.Machines.Representatives;

namespace Wherry.Qemu.Tests.Migration.Machines;

/// <summary>
/// The bridge to handover.pml (model-check.md, "How to keep it honest"): each edge of the Promela text between S_HANDED and S_FIN, D_PREP and D_NONE, and what
/// the machines do for it. Reviewed together with the model; the order is that of the text.
/// </summary>
public sealed class PromelaTests
{
    private static readonly QemuEvidence Paused = new(Alive: true, Running: false, StreamStatus.Completed);
    private static readonly QemuEvidence Running = new(Alive: true, Running: true, StreamStatus.None);

    // ---- Src --------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void S_PERF_and_completed_is_S_HANDED()
    {
        var sent = SourceMachine.Step(new SourceState.Switching(PeerToPeer), new SourceInput.StreamReported(StreamStatus.Completed));
        Assert.IsType<SourceState.Sent>(sent.Next);
        Assert.Equal(SourcePhase.Handed, Written(sent));
        Assert.DoesNotContain(sent.Effects, effect => effect is SourceEffect.AskPeer or SourceEffect.AnswerPerform);
    }

    [Fact]
    public void S_HANDED_sends_commit_and_again_after_every_reconnect()
    {
        var handed = SourceMachine.Step(new SourceState.Sent(PeerToPeer), new SourceInput.JournalWritten(SourcePhase.Handed));
        Assert.Contains(handed.Effects, effect => effect is SourceEffect.AskPeer);
        Assert.Contains(SourceMachine.Step(handed.Next, new SourceInput.LinkRestored()).Effects, effect => effect is SourceEffect.AskPeer);
    }

    [Theory]
    [InlineData(nameof(PeerAnswer.Run), nameof(SourcePhase.Released))]
    [InlineData(nameof(PeerAnswer.Abort), nameof(SourcePhase.Reclaiming))]
    public void S_HANDED_and_an_answer_is_S_REL_or_S_RECL_once_that_is_durable(string answer, string phase)
    {
        var expected = Enum.Parse<SourcePhase>(phase);
        var answered = SourceMachine.Step(
            new SourceState.Handed(PeerToPeer, HandedWait.Answer), new SourceInput.PeerAnswered(Id, Enum.Parse<PeerAnswer>(answer)));
        Assert.Equal(expected, Written(answered));
        Assert.IsType<SourceState.Handed>(answered.Next);
        Assert.DoesNotContain(answered.Effects, effect => effect is SourceEffect.Cont or SourceEffect.KillQemu);

        var durable = SourceMachine.Step(answered.Next, new SourceInput.JournalWritten(expected)).Next;
        Assert.Equal(expected == SourcePhase.Released, durable is SourceState.Released);
        Assert.Equal(expected == SourcePhase.Reclaiming, durable is SourceState.Reclaiming);
    }

    [Fact]
    public void S_PERF_is_S_RECL_and_cancel_at_any_instant()
    {
        foreach (var (_, state) in Source(PeerToPeer).Where(s => s.State is SourceState.Preparing or SourceState.Copying or
            SourceState.Sending or SourceState.Draining or SourceState.Switching))
        {
            var step = SourceMachine.Step(state, new SourceInput.UserCalled(UserCall.AbortJob));
            Assert.IsType<SourceState.Reclaiming>(step.Next);
            Assert.Equal(SourcePhase.Reclaiming, Written(step));
            Assert.Contains(step.Effects, effect => effect is SourceEffect.CancelPeer);
        }
    }

    [Fact]
    public void S_REL_kills_and_then_says_forget()
    {
        var released = SourceMachine.Step(
            new SourceState.Handed(PeerToPeer, HandedWait.Journal, Verdict: PeerToPeer.Record(SourcePhase.Released)),
            new SourceInput.JournalWritten(SourcePhase.Released));
        Assert.Contains(released.Effects, effect => effect is SourceEffect.KillQemu);
        Assert.DoesNotContain(released.Effects, effect => effect is SourceEffect.ForgetAtPeer);
        Assert.Contains(SourceMachine.Step(released.Next, new SourceInput.QemuGone()).Effects, effect => effect is SourceEffect.ForgetAtPeer);
    }

    [Fact]
    [Fault(33)]
    public void A_restart_of_Src_reclaims_in_S_PERF_and_goes_on_asking_in_S_HANDED()
    {
        for (var own = SourcePhase.OwnBegin; own <= SourcePhase.OwnSend; own++)
        {
            var step = SourceMachine.Restarted(PeerToPeer.Record(own), Paused, MigrationLimits.Default);
            Assert.IsType<SourceState.Reclaiming>(step.Next);
            Assert.Contains(step.Effects, effect => effect is SourceEffect.CancelPeer);
        }
        foreach (var evidence in (QemuEvidence[])[Paused, Running, QemuEvidence.Dead])
        {
            var handed = SourceMachine.Restarted(PeerToPeer.Record(SourcePhase.Handed), evidence, MigrationLimits.Default);
            Assert.IsType<SourceState.Handed>(handed.Next);
            Assert.Contains(handed.Effects, effect => effect is SourceEffect.AskPeer);
            Assert.DoesNotContain(handed.Effects, effect => effect is SourceEffect.Cont or SourceEffect.KillQemu);
        }
        Assert.IsType<SourceState.Reclaiming>(SourceMachine.Restarted(PeerToPeer.Record(SourcePhase.Reclaiming), Paused, MigrationLimits.Default).Next);
        Assert.IsType<SourceState.Released>(SourceMachine.Restarted(PeerToPeer.Record(SourcePhase.Released), Paused, MigrationLimits.Default).Next);
    }

    [Fact]
    [Fault(113)]
    public void FENCE_leads_from_S_HANDED_to_S_RECL_and_from_nowhere_else()
    {
        foreach (var (name, state) in Source(PeerToPeer))
        {
            var step = SourceMachine.Step(state, new SourceInput.PeerFenced(Alphabet.Fenced("bravo")));
            if (state is SourceState.Handed { Verdict: null }) Assert.Equal(SourcePhase.Reclaiming, Written(step));
            else Assert.True(step.Next == state && step.Effects.IsEmpty, name);
        }
    }

    // ---- Dst --------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void D_PREP_and_commit_and_loaded_is_D_INTENT_and_only_then_cont()
    {
        var committing = DestinationMachine.Step(
            new DestinationState.Receiving(Incoming), new DestinationInput.FinishCalled(Id, Cancelled: false, StartPaused: false));
        Assert.Null(Written(committing));
        var deciding = DestinationMachine.Step(committing.Next, new DestinationInput.GuestLoaded());
        Assert.Equal(DestinationPhase.Intent, Written(deciding));
        Assert.DoesNotContain(deciding.Effects, effect => effect is DestinationEffect.Cont);
        Assert.Contains(
            DestinationMachine.Step(deciding.Next, new DestinationInput.JournalWritten(DestinationPhase.Intent)).Effects,
            effect => effect is DestinationEffect.Cont);
    }

    [Fact]
    [Fault(36)]
    public void D_PREP_and_commit_and_dead_is_D_ABORT() => Assert.IsType<DestinationState.Aborting>(
        DestinationMachine.Step(new DestinationState.Committing(Incoming, CommitStage.Loading), new DestinationInput.QemuGone()).Next);

    [Fact]
    [Fault(3)]
    public void D_PREP_is_D_ABORT_by_its_own_will()
    {
        foreach (var input in (DestinationInput[])
            [
                new DestinationInput.TimerExpired(DestinationTimer.ControlLink),
                new DestinationInput.TimerExpired(DestinationTimer.IncomingIdle),
                new DestinationInput.FinishCalled(Id, Cancelled: true, StartPaused: false),
                new DestinationInput.QemuGone(),
                new DestinationInput.UserCalled(UserCall.Destroy),
            ])
            Assert.IsType<DestinationState.Aborting>(DestinationMachine.Step(new DestinationState.Receiving(Incoming), input).Next);
    }

    [Fact]
    public void D_INTENT_and_a_running_guest_is_D_RAN_and_RUN_is_answered_only_then()
    {
        var recording = DestinationMachine.Step(new DestinationState.Starting(Incoming, StartStage.Starting), new DestinationInput.ContAccepted());
        Assert.Equal(DestinationPhase.Ran, Written(recording));
        Assert.DoesNotContain(recording.Effects, effect => effect is DestinationEffect.AnswerFinish);
        var running = DestinationMachine.Step(recording.Next, new DestinationInput.JournalWritten(DestinationPhase.Ran));
        Assert.IsType<DestinationState.Running>(running.Next);
        Assert.Contains(new DestinationEffect.AnswerFinish(PeerAnswer.Run), running.Effects);
    }

    [Fact]
    [Fault(43)]
    public void D_INTENT_and_cont_refused_is_D_ABORT_then_the_kill()
    {
        var revoking = DestinationMachine.Step(
            new DestinationState.Starting(Incoming, StartStage.Starting), new DestinationInput.ContRefused("Failed to get \"write\" lock"));
        Assert.Equal(DestinationPhase.Aborted, Written(revoking));
        Assert.DoesNotContain(revoking.Effects, effect => effect is DestinationEffect.KillQemu);
        var aborting = DestinationMachine.Step(revoking.Next, new DestinationInput.JournalWritten(DestinationPhase.Aborted));
        Assert.Contains(aborting.Effects, effect => effect is DestinationEffect.KillQemu);
    }

    [Fact]
    [Fault(26)]
    public void D_INTENT_and_dead_is_D_ABORT_if_this_process_knows_and_else_D_RAN()
    {
        var knows = DestinationMachine.Step(
            new DestinationState.Committing(Incoming, CommitStage.Deciding, QemuDied: true), new DestinationInput.JournalWritten(DestinationPhase.Intent));
        Assert.Equal(DestinationPhase.Aborted, Written(knows));

        var sent = DestinationMachine.Step(new DestinationState.Starting(Incoming, StartStage.Starting), new DestinationInput.QemuGone());
        Assert.Equal(DestinationPhase.Ran, Written(sent));
        var restarted = DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Intent), QemuEvidence.Dead, MigrationLimits.Default);
        Assert.Equal(DestinationPhase.Ran, Written(restarted));
    }

    [Fact]
    public void D_ABORT_answers_only_when_QEMU_is_dead()
    {
        var resolve = new DestinationInput.ResolveCalled(Id, StartPaused: false);
        var aborting = new DestinationState.Aborting(Incoming, Alphabet.AnyFailure, AbortStage.Killing);
        Assert.Equal([new DestinationEffect.AnswerResolve(PeerAnswer.Pending)], DestinationMachine.Step(aborting, resolve).Effects);
        var cleaning = DestinationMachine.Step(aborting, new DestinationInput.QemuGone()).Next;
        var aborted = DestinationMachine.Step(cleaning, new DestinationInput.CleanedUp());
        Assert.Contains(aborted.Effects, effect => effect is DestinationEffect.AnswerFinish { Answer: PeerAnswer.Abort });
        Assert.Equal([new DestinationEffect.AnswerResolve(PeerAnswer.Abort)], DestinationMachine.Step(aborted.Next, resolve).Effects);
    }

    [Fact]
    [Fault(13)]
    public void D_RAN_answers_RUN_as_often_as_it_is_asked_until_forget_makes_it_D_NONE()
    {
        var running = new DestinationState.Running(Incoming);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(
                [new DestinationEffect.AnswerFinish(PeerAnswer.Run)],
                DestinationMachine.Step(running, new DestinationInput.FinishCalled(Id, Cancelled: false, StartPaused: false)).Effects);
        }
        Assert.Equal(
            [new DestinationEffect.EraseRecord(), new DestinationEffect.AnswerForget()],
            DestinationMachine.Step(running, new DestinationInput.ForgetCalled(Id)).Effects);
        Assert.IsType<DestinationState.Forgotten>(DestinationMachine.Step(running, new DestinationInput.JournalWritten(DestinationPhase.Absent)).Next);
    }

    [Fact]
    public void D_NONE_and_any_id_without_a_record_is_ABORT() => Assert.Equal(PeerAnswer.Abort, DestinationRecords.AnswerUnknown);

    [Fact]
    [Fault(24, 25)]
    public void A_restart_of_Dst_looks_at_QEMU_in_D_INTENT_and_gives_up_in_D_PREP_what_is_not_whole()
    {
        foreach (var evidence in (QemuEvidence[])[Paused with { Stream = StreamStatus.Active }, Paused with { Running = null }, QemuEvidence.Dead])
            Assert.IsType<DestinationState.Aborting>(DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Prepared), evidence, MigrationLimits.Default).Next);
        foreach (var given in (DestinationAttempt[])[Incoming with { Mode = MigrationMode.Managed }, Incoming with { Peer = PeerKind.Legacy }])
            Assert.IsType<DestinationState.Aborting>(DestinationMachine.Restarted(given.Record(DestinationPhase.Prepared), Paused, MigrationLimits.Default).Next);
        Assert.IsType<DestinationState.Aborting>(DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Prepared), Paused, MigrationLimits.Default, mayPostCopy: true).Next);
        Assert.IsType<DestinationState.Aborting>(DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Aborted), Paused, MigrationLimits.Default).Next);

        // The model gives this up as well. That it may stay is the explorer's to show.
        var whole = DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Prepared), Paused, MigrationLimits.Default);
        Assert.Equal(new DestinationState.Receiving(whole.Next.Attempt, Loaded: true), whole.Next);
        Assert.Contains(whole.Effects, effect => effect is DestinationEffect.ArmTimer { Timer: DestinationTimer.ControlLink });
        Assert.Contains(
            DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Intent), Paused, MigrationLimits.Default).Effects,
            effect => effect is DestinationEffect.Cont);
        var running = DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Intent), Running, MigrationLimits.Default);
        Assert.Equal(DestinationPhase.Ran, Written(running));
        Assert.DoesNotContain(running.Effects, effect => effect is DestinationEffect.Cont);
        Assert.IsType<DestinationState.Running>(
            DestinationMachine.Restarted(Incoming.Record(DestinationPhase.Ran), QemuEvidence.Dead, MigrationLimits.Default).Next);
    }

    private static SourcePhase? Written(SourceStep step) => step.Effects.OfType<SourceEffect.Persist>().SingleOrDefault()?.Record.Phase;

    private static DestinationPhase? Written(DestinationStep step) => step.Effects.OfType<DestinationEffect.Persist>().SingleOrDefault()?.Record.Phase;
}
