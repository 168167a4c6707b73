using Wherry.Qemu.Migration.Machines;
using static Wherry.Qemu.Tests.Migration.Machines.Representatives;

namespace Wherry.Qemu.Tests.Migration.Machines;

/// <summary>A stock libvirt on the other side (migration.md C7). The explorer knows wherry pairs only; these are the rules one by one.</summary>
public sealed class LegacyPeerTests
{
    private static readonly SourceAttempt ToStock = PeerToPeer with { Peer = PeerKind.Legacy };
    private static readonly DestinationAttempt FromStock = Incoming with { Peer = PeerKind.Legacy };

    [Theory]
    [Fault(101)]
    [InlineData(nameof(PeerAnswer.Run), nameof(SourcePhase.Released))]
    [InlineData(nameof(PeerAnswer.Abort), nameof(SourcePhase.Reclaiming))]
    public void An_answered_Finish_decides(string answer, string written)
    {
        var step = SourceMachine.Step(Asked(ToStock), new SourceInput.PeerAnswered(Id, Enum.Parse<PeerAnswer>(answer)));
        Assert.Equal(Enum.Parse<SourcePhase>(written), Assert.Single(step.Effects.OfType<SourceEffect.Persist>()).Record.Phase);
    }

    [Fact]
    [Fault(6)]
    public void A_lost_Finish_is_not_called_again_but_the_domain_is_looked_up()
    {
        var step = SourceMachine.Step(Asked(ToStock), new SourceInput.PeerSilent(Id));
        Assert.Contains(step.Effects, effect => effect is SourceEffect.LookAtPeer);
        Assert.DoesNotContain(step.Effects, effect => effect is SourceEffect.AskPeer or SourceEffect.Cont);
        foreach (var input in Alphabet.Source(Id))
            Assert.DoesNotContain(SourceMachine.Step(step.Next, input).Effects, effect => effect is SourceEffect.AskPeer);
    }

    [Fact]
    public void A_domain_that_runs_there_has_moved() => Assert.Equal(SourcePhase.Released, Looks(ToStock, LegacySighting.Running));

    [Fact]
    public void A_domain_absent_once_may_not_be_there_yet() => Assert.Null(Looks(ToStock, LegacySighting.Absent));

    [Fact]
    public void A_domain_absent_twice_is_taken_back_when_its_disks_were_copied() =>
        Assert.Equal(SourcePhase.Reclaiming, Looks(ToStock, LegacySighting.Absent, LegacySighting.Absent));

    [Fact]
    public void A_domain_absent_twice_stays_paused_when_its_disks_are_shared() =>
        Assert.Null(Looks(ToStock with { CopiesDisks = false }, LegacySighting.Absent, LegacySighting.Absent, LegacySighting.Absent));

    [Fact]
    public void A_domain_absent_twice_with_shared_disks_is_taken_back_if_the_operator_opted_in()
    {
        var optedIn = ToStock with { CopiesDisks = false, Limits = new() { LegacyAbsentReclaims = true } };
        Assert.Equal(SourcePhase.Reclaiming, Looks(optedIn, LegacySighting.Absent, LegacySighting.Absent));
    }

    [Theory]
    [InlineData(nameof(LegacySighting.Unreachable))]
    [InlineData(nameof(LegacySighting.Incoming))]
    public void Two_absences_count_only_in_a_row(string between) =>
        Assert.Null(Looks(ToStock, LegacySighting.Absent, Enum.Parse<LegacySighting>(between), LegacySighting.Absent));

    [Fact]
    public void A_stock_peer_that_stays_unreachable_needs_a_decision_and_the_guest_stays_paused()
    {
        var looking = SourceMachine.Step(Asked(ToStock), new SourceInput.PeerSilent(Id)).Next;
        var step = SourceMachine.Step(looking, new SourceInput.TimerExpired(SourceTimer.LookFor));
        Assert.IsType<SourceState.Handed>(step.Next);
        Assert.IsType<MigrationOutcome.NeedsDecision>(Assert.Single(step.Effects.OfType<SourceEffect.Tell>()).Outcome);
    }

    [Theory]
    [InlineData(true, nameof(SourcePhase.Reclaiming))]
    [InlineData(false, nameof(SourcePhase.Released))]
    public void A_managed_clients_Confirm_is_obeyed_because_there_is_nothing_better(bool cancelled, string written)
    {
        var step = SourceMachine.Step(
            new SourceState.Handed(ToStock with { Mode = MigrationMode.Managed }, HandedWait.Client), new SourceInput.ConfirmCalled(cancelled));
        Assert.Equal(Enum.Parse<SourcePhase>(written), Assert.Single(step.Effects.OfType<SourceEffect.Persist>()).Record.Phase);
    }

    [Fact]
    [Fault(34)]
    public void A_managed_client_that_vanishes_leaves_the_guest_paused_and_said_so()
    {
        var step = SourceMachine.Step(
            new SourceState.Handed(ToStock with { Mode = MigrationMode.Managed }, HandedWait.Client), new SourceInput.ClientGone());
        Assert.IsType<SourceState.Handed>(step.Next);
        Assert.Contains(step.Effects, effect => effect is SourceEffect.RaiseAlarm);
        Assert.DoesNotContain(step.Effects, effect => effect is SourceEffect.Cont or SourceEffect.Persist);
    }

    [Fact]
    public void A_lost_link_to_a_stock_destination_ends_the_migration_at_once_for_it_destroys_its_half()
    {
        foreach (SourceState state in (SourceState[])
            [new SourceState.Copying(ToStock), new SourceState.Sending(ToStock), new SourceState.Draining(ToStock), new SourceState.Switching(ToStock)])
            Assert.IsType<SourceState.Reclaiming>(SourceMachine.Step(state, new SourceInput.LinkLost()).Next);
    }

    [Fact]
    public void A_stock_peer_is_never_sent_FORGET()
    {
        var step = SourceMachine.Step(new SourceState.Released(ToStock, ReleaseStage.Killing), new SourceInput.QemuGone());
        Assert.IsType<MigrationOutcome.Moved>(Assert.IsType<SourceState.Closed>(step.Next).Outcome);
        Assert.DoesNotContain(step.Effects, effect => effect is SourceEffect.ForgetAtPeer);
    }

    [Fact]
    [Fault(102)]
    public void A_stock_source_whose_link_dies_before_INTENT_gets_its_guest_back()
    {
        foreach (DestinationState state in (DestinationState[])
            [
                new DestinationState.Listening(FromStock),
                new DestinationState.Receiving(FromStock),
                new DestinationState.Committing(FromStock, CommitStage.Loading),
                new DestinationState.Committing(FromStock, CommitStage.Pinging),
            ])
            Assert.IsType<DestinationState.Aborting>(DestinationMachine.Step(state, new DestinationInput.LinkLost()).Next);
    }

    [Fact]
    [Fault(102)]
    public void A_stock_source_is_pinged_right_before_INTENT()
    {
        var pinging = DestinationMachine.Step(new DestinationState.Committing(FromStock, CommitStage.Loading), new DestinationInput.GuestLoaded());
        Assert.Equal([new DestinationEffect.PingSource()], pinging.Effects);
        Assert.IsType<DestinationState.Aborting>(DestinationMachine.Step(pinging.Next, new DestinationInput.SourceSilent()).Next);
        Assert.Contains(
            DestinationMachine.Step(pinging.Next, new DestinationInput.SourceAlive()).Effects,
            effect => effect is DestinationEffect.Persist { Record.Phase: DestinationPhase.Intent });
    }

    [Fact]
    public void A_stock_source_is_answered_before_the_disk_is_written()
    {
        var started = DestinationMachine.Step(new DestinationState.Starting(FromStock, StartStage.Starting), new DestinationInput.ContAccepted());
        Assert.Equal(new DestinationEffect.AnswerFinish(PeerAnswer.Run), started.Effects[0]);
    }

    private static SourceState Asked(SourceAttempt attempt) => new SourceState.Handed(attempt, HandedWait.Answer);

    /// <summary>What the source writes after Finish was lost and these looks; null if it stays in doubt.</summary>
    private static SourcePhase? Looks(SourceAttempt attempt, params LegacySighting[] sightings)
    {
        var step = SourceMachine.Step(Asked(attempt), new SourceInput.PeerSilent(Id));
        foreach (var sighting in sightings)
        {
            step = SourceMachine.Step(step.Next, new SourceInput.PeerSeen(sighting));
            Assert.DoesNotContain(step.Effects, effect => effect is SourceEffect.Cont or SourceEffect.KillQemu);
        }
        return step.Effects.OfType<SourceEffect.Persist>().SingleOrDefault()?.Record.Phase;
    }
}
