using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>
/// The shipped machines, explored exhaustively (design.md 5). In every world: never two run (DUP), never back to old memory (ROLLBACK), the last copy
/// is never killed (LOST), from everywhere it ends with one guest (STUCK), no id is answered both ways (FINAL), no `cont` in inmigrate (INMIGRATE).
/// </summary>
[Fault(27)]
public sealed class ExplorerTests(ITestOutputHelper output)
{
    [Fact]
    public void Two_attempts_with_a_crash_on_each_side() => Explore(new() { Crashes = 1, Attempts = 2 });

    [Fact]
    public void Killed_QEMUs_and_crashes() => Explore(new() { Crashes = 2, Attempts = 1, QemuKills = true });

    [Fact]
    [Fault(30)]
    public void Full_disks_and_crashes() => Explore(new() { Crashes = 1, Attempts = 1, JournalFailures = 1 });

    [Fact]
    public void A_client_that_drives_and_may_vanish() => Explore(new() { Mode = MigrationMode.Managed, Crashes = 1, Attempts = 1, QemuKills = true });

    [Fact]
    [Fault(67)]
    public void Copied_disks_and_a_full_disk_under_the_journal() =>
        Explore(new() { Crashes = 1, Attempts = 1, CopiesDisks = true, JournalFailures = 1 });

    [Fact]
    [Fault(90, 93)]
    public void Post_copy_with_a_link_that_breaks_and_a_crash_on_each_side() => Explore(new() { Crashes = 1, Attempts = 1, PostCopy = true });

    [Fact]
    [Fault(92, 94)]
    public void Post_copy_and_killed_QEMUs() => Explore(new() { Crashes = 1, Attempts = 1, PostCopy = true, QemuKills = true });

    [Fact]
    public void Post_copy_with_copied_disks_and_a_full_disk_under_the_journal() =>
        Explore(new() { Crashes = 1, Attempts = 1, PostCopy = true, CopiesDisks = true, JournalFailures = 1 });

    [Fact]
    public void Post_copy_driven_by_a_client_that_may_vanish() =>
        Explore(new() { Mode = MigrationMode.Managed, Crashes = 1, Attempts = 1, PostCopy = true });

    [Fact]
    [Fault(38)]
    public void A_guest_that_its_user_paused() => Explore(new() { Crashes = 1, Attempts = 1, PreState = GuestRunState.Paused, QemuKills = true });

    [Fact]
    [Fault(113)]
    public void An_operator_who_fences_never_gets_two_guests_and_gives_up_no_roll_back_knowingly()
    {
        Explore(new() { Crashes = 1, Attempts = 1, Fencing = true, Only = ["DUP", "LOST"] });
        var rollback = Exploration.Run(new() { Crashes = 0, Attempts = 1, Fencing = true, Only = ["ROLLBACK"] });
        output.WriteLine(rollback.Report());
        Assert.Equal("ROLLBACK", rollback.Violation?.Invariant);
    }

    [Theory]
    [Fault(113)]
    [InlineData(MigrationMode.PeerToPeer, false)]
    [InlineData(MigrationMode.Managed, false)]
    [InlineData(MigrationMode.PeerToPeer, true)]
    public void An_operator_who_fences_the_source_never_gets_two_guests_and_may_get_one_that_went_on_there(MigrationMode mode, bool postCopy)
    {
        // A message of the dead host may still arrive, so nothing is too late to count.
        Explore(new() { Mode = mode, Crashes = 1, Attempts = 1, FencingOfSource = true, PostCopy = postCopy, Only = ["DUP", "LOST", "FINAL", "STUCK", "INMIGRATE"] });
        var rollback = Exploration.Run(new() { Mode = mode, Crashes = 0, Attempts = 1, FencingOfSource = true, PostCopy = postCopy, Only = ["ROLLBACK"] });
        output.WriteLine(rollback.Report());
        Assert.Equal("ROLLBACK", rollback.Violation?.Invariant);
    }

    [Theory]
    [Fault(113)]
    [InlineData(MigrationMode.PeerToPeer, false)]
    [InlineData(MigrationMode.Managed, false)]
    [InlineData(MigrationMode.PeerToPeer, true)]
    public void A_source_that_was_fenced_and_comes_back_starts_no_second_guest(MigrationMode mode, bool postCopy) => Explore(new()
    {
        Mode = mode,
        Crashes = 1,
        Attempts = 1,
        FencingOfSource = true,
        SourceReturns = true,
        PostCopy = postCopy,
        Only = ["DUP", "FINAL", "STUCK", "INMIGRATE"],
    });

    [Theory(Explicit = true)]
    [Trait("suite", "explore")]
    [InlineData(2, 2, false, 0, false)]
    [InlineData(2, 1, true, 1, false)]
    [InlineData(1, 2, true, 0, false)]
    [InlineData(2, 1, true, 0, true)]
    [InlineData(1, 1, true, 1, true)]
    [InlineData(1, 2, false, 0, true)]
    [InlineData(1, 2, false, 0, false, true)]
    [InlineData(2, 1, true, 0, false, true)]
    [InlineData(1, 1, true, 0, true, true)]
    public void The_larger_worlds(int crashes, int attempts, bool qemuKills, int journalFailures, bool managed, bool postCopy = false) => Explore(new()
    {
        PostCopy = postCopy,
        Mode = managed ? MigrationMode.Managed : MigrationMode.PeerToPeer,
        Crashes = crashes,
        Attempts = attempts,
        QemuKills = qemuKills,
        JournalFailures = journalFailures,
    });

    [Fact]
    public void Nothing_holds_because_it_is_never_reached()
    {
        var met = new HashSet<string>();
        foreach (var mode in Enum.GetValues<MigrationMode>())
            met.UnionWith(Exploration.Run(new() { Mode = mode, Crashes = 1, Attempts = 1, CopiesDisks = true }).StatesMet);
        met.UnionWith(Exploration.Run(new() { Crashes = 0, Attempts = 1, PostCopy = true, QemuKills = true }).StatesMet);
        string[] expected =
        [
            "Begun", "Preparing", "Copying", "Sending", "Draining", "Switching", "Sent",
            "Handed/Client", "Handed/Answer", "Handed/Journal",
            "PostCopy/Flowing", "PostCopy/Recovering", "PostCopy/Waiting", "PostCopy/Held", "PostCopy/Lost",
            "Reclaiming/StoppingStream", "Reclaiming/Undoing", "Reclaiming/Resuming", "Released/Killing", "Released/Forgetting", "Closed",
            "Launching", "Listening", "Receiving", "Committing/Loading", "Committing/Deciding",
            "Starting/Starting", "Starting/Recording", "Starting/Revoking", "Running", "Aborting/Yielding", "Aborting/Killing", "Aborting/CleaningUp", "Aborted", "Forgotten",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), met.Order(StringComparer.Ordinal));
    }

    private void Explore(Scenario scenario)
    {
        var exploration = Exploration.Run(scenario);
        output.WriteLine(exploration.Report());
        Assert.True(exploration.Violation is null, exploration.Report());
    }
}
