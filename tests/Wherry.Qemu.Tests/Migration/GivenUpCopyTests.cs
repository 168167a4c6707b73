using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>A migration with copied disks is aborted at an awkward moment: nothing of it stays in QEMU, and the guest runs.</summary>
public sealed class GivenUpCopyTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_copies_are_still_being_added_none_is_added_behind_the_abort()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 3, Ct);
        hosts.Source.HoldMirrors = true;
        hosts.Source.Hang("blockdev-mirror");
        var migration = hosts.MigrateAsync(Ct);
        await hosts.Source.ReceivedAsync("blockdev-mirror", Ct);
        var abort = hosts.Guest.Jobs.AbortAsync!(false, Ct);
        hosts.Source.ReleaseMainLoop();

        await StaysAsync(hosts, migration, abort);
        Assert.Single(hosts.Source.Received, "blockdev-mirror");
    }

    [Fact]
    public async Task A_stop_that_is_not_answered_in_time_is_asked_for_again()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        hosts.Source.HoldAt = MigrationStatus.Active;
        hosts.Source.Hang("stop");
        var migration = hosts.MigrateAsync(Ct);
        await hosts.Source.ReceivedAsync("migrate", Ct);
        var abort = hosts.Guest.Jobs.AbortAsync!(false, Ct);
        await hosts.Source.ReceivedAsync("stop", Ct);
        hosts.Alpha.Clock.Advance(TimeSpan.FromSeconds(31));
        hosts.Source.ReleaseMainLoop();

        await StaysAsync(hosts, migration, abort);
    }

    [Fact]
    public async Task A_guest_that_its_user_has_paused_meanwhile_stays_paused()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        hosts.Source.HoldMirrors = true;
        var migration = hosts.MigrateAsync(Ct);
        await hosts.Source.ReceivedAsync("blockdev-mirror", Ct);
        await hosts.Alpha.Migrations.AdmitAsync(hosts.Guest, MigrationUserCall.Suspend, Ct);
        await hosts.Alpha.Driver.SuspendAsync(hosts.Guest, "test", Ct);
        var abort = hosts.Guest.Jobs.AbortAsync!(false, Ct);

        await GivenUpAsync(hosts, migration, abort);
        Assert.False(hosts.Source.Running);
        Assert.Equal(DomainStatus.Paused(PausedReason.User), hosts.Guest.Snapshot.Status);
    }

    private static async Task StaysAsync(TwoHosts hosts, Task migration, Task abort)
    {
        await GivenUpAsync(hosts, migration, abort);
        Assert.True(hosts.Source.Running, hosts.Story());
        Assert.Equal(DomainState.Running, hosts.Guest.Snapshot.Status.State);
    }

    private static async Task GivenUpAsync(TwoHosts hosts, Task migration, Task abort)
    {
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        await abort.Within();
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        Assert.False(hosts.Source.Process.Exited.IsCompleted, hosts.Story());
        Assert.Empty(hosts.Source.Mirrors);
    }
}
