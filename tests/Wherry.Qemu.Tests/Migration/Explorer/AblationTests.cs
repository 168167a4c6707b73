namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>
/// Each rule of the protocol is needed: without it the explorer finds the counter-example that model-check.md (iii) names. That is also the test of
/// the explorer: an invariant which it could not see broken would prove nothing when it holds.
/// </summary>
public sealed class AblationTests(ITestOutputHelper output)
{
    [Fact]
    [Fault(20)]
    public void Without_HANDED_on_disk_a_restarted_source_rolls_back() => Breaks(Ablation.NoHanded, "ROLLBACK");

    [Fact]
    [Fault(12)]
    public void Without_ids_a_message_of_attempt_1_decides_attempt_2() => Breaks(Ablation.NoId, "DUP", crashes: 0, attempts: 2);

    [Fact]
    [Fault(40)]
    public void Without_COMMIT_a_completed_destination_starts_a_second_guest() => Breaks(Ablation.Unattended, "DUP", crashes: 0);

    [Fact]
    [Fault(43)]
    public void With_RUN_answered_at_INTENT_a_refused_cont_loses_the_guest() => Breaks(Ablation.IntentVisible, "LOST");

    [Fact]
    [Fault(32)]
    public void Without_a_lasting_RAN_record_a_rebooted_destination_rolls_the_guest_back() => Breaks(Ablation.LoseRun, "ROLLBACK");

    [Fact]
    [Fault(26)]
    public void With_a_dead_QEMU_trusted_never_to_have_run_the_guest_is_rolled_back() => Breaks(Ablation.TrustDead, "ROLLBACK", qemuKills: true);

    [Fact]
    [Fault(93)]
    public void With_RUN_taken_for_the_end_of_post_copy_the_guest_loses_memory() => Breaks(Ablation.RunIsPaid, "LOST", crashes: 0, postCopy: true);

    [Fact]
    [Fault(91)]
    public void With_post_copy_cancelled_like_any_migration_the_guest_is_lost() => Breaks(Ablation.PostCopyIsCancelled, "LOST", crashes: 0, postCopy: true);

    [Fact]
    [Fault(113)]
    public void With_a_dead_copy_taken_for_freedom_to_start_a_fenced_source_that_comes_back_starts_a_second_guest() =>
        Breaks(Ablation.DeadIsFree, "DUP", crashes: 0, fencingOfSource: true, sourceReturns: true);

    [Theory]
    [Fault(113)]
    [InlineData(false)]
    [InlineData(true)]
    public void With_a_host_called_dead_that_lives_there_are_two_guests(bool source) =>
        Breaks(Ablation.FencingIsProved, "DUP", crashes: 0, fencingOfSource: source);

    private void Breaks(
        Ablation rule, string invariant, int crashes = 1, int attempts = 1, bool qemuKills = false, bool postCopy = false, bool fencingOfSource = false, bool sourceReturns = false)
    {
        var exploration = Exploration.Run(new Scenario
        {
            Without = rule,
            Only = [invariant],
            Crashes = crashes,
            Attempts = attempts,
            QemuKills = qemuKills,
            PostCopy = postCopy,
            FencingOfSource = fencingOfSource,
            SourceReturns = sourceReturns,
        });
        output.WriteLine(exploration.Report());
        Assert.Equal(invariant, exploration.Violation?.Invariant);
    }
}
