using Wherry.Qemu.Migration.Machines;
using static Wherry.Qemu.Tests.Migration.Machines.Representatives;

namespace Wherry.Qemu.Tests.Migration.Machines;

/// <summary>An operator's word that a host is dead: when it counts, what is written before it takes effect, and how long it is waited for.</summary>
public sealed class FencingTests
{
    private static readonly FencingStatement Statement = Alphabet.Fenced("bravo");

    [Fact]
    [Fault(113)]
    public void At_the_source_it_counts_once_the_guest_is_handed_over_and_is_on_record_before_it_takes_effect()
    {
        foreach (var (name, state) in Source(PeerToPeer))
        {
            var step = SourceMachine.Step(state, new SourceInput.PeerFenced(Statement));
            bool counts = state is SourceState.Handed { Verdict: null };
            Assert.True(counts == (step.Next != state), name);
            if (!counts) continue;

            var record = Assert.Single(step.Effects.OfType<SourceEffect.Persist>()).Record;
            Assert.Equal((SourcePhase.Reclaiming, Statement), (record.Phase, record.Fencing));
            Assert.DoesNotContain(step.Effects, effect => effect is SourceEffect.Cont);
            var closed = SourceMachine.Restarted(record, QemuEvidence.Dead, MigrationLimits.Default).Next;
            Assert.Equal(Statement, closed.Attempt.Fencing);
        }
    }

    /// <summary>Fenced before HANDED, forced at the destination, and switched on again: its own copy is dead, and it must not start another.</summary>
    [Fact]
    [Fault(113)]
    public void A_source_whose_copy_died_while_it_was_sent_asks_before_the_guest_may_start_anew()
    {
        Failure why = new(FailureKind.StreamFailed, "a reset");
        foreach (var record in (SourceRecord[])[PeerToPeer.Record(SourcePhase.OwnSend), Managed.Record(SourcePhase.OwnSend), PeerToPeer.Record(SourcePhase.Reclaiming, why)])
        {
            var back = SourceMachine.Restarted(record, QemuEvidence.Dead, MigrationLimits.Default);
            var waiting = Assert.IsType<SourceState.Handed>(back.Next);
            Assert.True(waiting is { CopyLost: true, Attempt.Withdraws: true });
            Assert.Contains(new SourceEffect.AskPeer(Id, StartPaused: false, Withdraws: true), back.Effects);
            Assert.DoesNotContain(back.Effects, effect => effect is SourceEffect.Persist); // A restart in between asks again.

            var gone = SourceMachine.Step(waiting, new SourceInput.PeerAnswered(Id, PeerAnswer.Run));
            Assert.Equal(SourcePhase.Released, Assert.Single(gone.Effects.OfType<SourceEffect.Persist>()).Record.Phase);
            var ours = SourceMachine.Step(waiting, new SourceInput.PeerAnswered(Id, PeerAnswer.Abort));
            var closed = SourceMachine.Step(ours.Next, new SourceInput.JournalWritten(SourcePhase.Reclaiming)).Next;
            Assert.True(closed is SourceState.Closed { Outcome: MigrationOutcome.StayedOnSource { GuestDied: true } });
            var silent = SourceMachine.Step(waiting, new SourceInput.PeerSilent(Id)).Next;
            Assert.Contains(SourceMachine.Step(silent, new SourceInput.TimerExpired(SourceTimer.AskAgain)).Effects, effect => effect is SourceEffect.AskPeer { Withdraws: true });
        }
    }

    [Fact]
    [Fault(113)]
    public void A_farewell_is_owed_to_who_may_have_all_of_the_guest_and_does_not_know()
    {
        var (whole, stayed) = (PeerToPeer with { PeerMayBeWhole = true }, new MigrationOutcome.StayedOnSource(Alphabet.AnyFailure));
        Assert.True(whole.Record(SourcePhase.Closed, outcome: new MigrationOutcome.NeedsDecision("", "")).FarewellOwed);
        Assert.False(PeerToPeer.Record(SourcePhase.Closed, outcome: stayed).FarewellOwed);
        Assert.False(whole.Record(SourcePhase.Reclaiming).FarewellOwed);
        Assert.False(whole.Record(SourcePhase.Closed, outcome: new MigrationOutcome.Moved()).FarewellOwed);
        Assert.False((whole with { Peer = PeerKind.Legacy }).Record(SourcePhase.Closed, outcome: stayed).FarewellOwed);
        Assert.False((whole with { Fencing = Statement }).Record(SourcePhase.Closed, outcome: stayed).FarewellOwed);

        Assert.True(SourceMachine.Step(new SourceState.Draining(PeerToPeer), new SourceInput.MirrorsDrained()).Next.Attempt.PeerMayBeWhole);
        Assert.True(SourceMachine.Step(
            new SourceState.Sending(PeerToPeer with { CopiesDisks = false }), new SourceInput.StreamReported(StreamStatus.PreSwitchover)).Next.Attempt.PeerMayBeWhole);
        foreach (var early in (SourceState[])[new SourceState.Sending(PeerToPeer), new SourceState.Draining(PeerToPeer)])
            Assert.True(SourceMachine.Step(early, new SourceInput.StreamReported(StreamStatus.Completed)).Next.Attempt.PeerMayBeWhole);

        var aborted = SourceMachine.Step(new SourceState.Handed(whole, HandedWait.Answer), new SourceInput.PeerAnswered(Id, PeerAnswer.Abort)).Next;
        Assert.False(aborted.Attempt.PeerMayBeWhole);
        foreach (var phase in (SourcePhase[])[SourcePhase.OwnSend, SourcePhase.Handed])
            Assert.True(SourceMachine.Restarted(PeerToPeer.Record(phase), QemuEvidence.Dead, MigrationLimits.Default).Next.Attempt.PeerMayBeWhole);
        Assert.True(SourceMachine.Restarted(whole.Record(SourcePhase.Reclaiming), QemuEvidence.Dead, MigrationLimits.Default).Next.Attempt.PeerMayBeWhole);
    }

    [Fact]
    [Fault(113)]
    public void Where_nothing_can_have_been_started_or_it_has_been_answered_the_guest_is_free_at_once()
    {
        foreach (var record in (SourceRecord[])
        [
            PeerToPeer.Record(SourcePhase.OwnPrepare), PeerToPeer.Record(SourcePhase.OwnCopy), Managed.Record(SourcePhase.OwnBegin),
            PeerToPeer.Record(SourcePhase.Reclaiming, new(FailureKind.PeerAborted, "it gave up")),
            (PeerToPeer with { Fencing = Statement }).Record(SourcePhase.Reclaiming, new(FailureKind.Fenced, "it is off")),
            (PeerToPeer with { Peer = PeerKind.Legacy }).Record(SourcePhase.OwnSend),
        ])
            Assert.True(SourceMachine.Restarted(record, QemuEvidence.Dead, MigrationLimits.Default).Next is SourceState.Closed { Outcome: MigrationOutcome.StayedOnSource { GuestDied: true } }, $"{record}");
    }

    /// <summary>A managed migration needs no way from the source to the destination, and Prepare may never have said who that is.</summary>
    [Fact]
    [Fault(113)]
    public void A_peer_that_cannot_be_asked_keeps_no_guest_down()
    {
        foreach (var record in (SourceRecord[])[Managed.Record(SourcePhase.OwnSend), PeerToPeer.Record(SourcePhase.Reclaiming, new(FailureKind.Cancelled, "the client is gone"))])
            Assert.IsType<SourceState.Closed>(SourceMachine.Restarted(record, QemuEvidence.Dead, MigrationLimits.Default, peerCanBeAsked: false).Next);
    }

    [Fact]
    [Fault(113)]
    public void At_the_destination_it_counts_when_all_of_the_guest_is_there_and_INTENT_tells_of_it()
    {
        foreach (var (name, state) in DestinationVariants.SelectMany(variant => Destination(variant.Attempt)))
        {
            var forced = DestinationMachine.Step(state, new DestinationInput.SourceFenced(Statement));
            bool counts = state is DestinationState.Receiving { Loaded: true, Attempt.IsLegacy: false };
            Assert.True(counts == (forced.Next != state), name);
            if (!counts) continue;

            Assert.DoesNotContain(forced.Effects, effect => effect is DestinationEffect.Cont);
            var loaded = DestinationMachine.Step(forced.Next, new DestinationInput.GuestLoaded());
            var record = Assert.Single(loaded.Effects.OfType<DestinationEffect.Persist>()).Record;
            Assert.Equal((DestinationPhase.Intent, Statement), (record.Phase, record.Fencing));
            Assert.Equal(Statement, DestinationMachine.Restarted(record, new QemuEvidence(Alive: true, Running: true, StreamStatus.None), MigrationLimits.Default).Next.Attempt.Fencing);
        }
    }

    [Fact]
    [Fault(113)]
    public void A_guest_that_has_arrived_whole_is_kept_an_hour_for_the_decision_and_one_that_has_not_is_given_up_after_the_grace()
    {
        var grace = new DestinationInput.TimerExpired(DestinationTimer.ControlLink);
        Assert.IsType<DestinationState.Aborting>(DestinationMachine.Step(new DestinationState.Receiving(Incoming), grace).Next);

        var loaded = DestinationMachine.Step(new DestinationState.Listening(Incoming), new DestinationInput.StreamReported(StreamStatus.Completed)).Next;
        var doubtful = DestinationMachine.Step(loaded, grace);
        Assert.Equal(new DestinationState.Receiving(Incoming, Loaded: true, InDoubt: true), doubtful.Next);
        Assert.Equal([new DestinationEffect.ArmTimer(DestinationTimer.HoldLoaded, TimeSpan.FromHours(1)), new DestinationEffect.ShowDoubt()], doubtful.Effects);

        Assert.Equal(loaded, DestinationMachine.Step(doubtful.Next, new DestinationInput.LinkRestored()).Next);
        Assert.IsType<DestinationState.Committing>(DestinationMachine.Step(doubtful.Next, new DestinationInput.ResolveCalled(Id, StartPaused: false)).Next);
        Assert.IsType<DestinationState.Aborting>(
            DestinationMachine.Step(doubtful.Next, new DestinationInput.TimerExpired(DestinationTimer.HoldLoaded)).Next);
    }
}
