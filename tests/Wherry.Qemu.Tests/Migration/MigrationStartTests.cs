using Wherry.Errors;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>What a user asks while the destination has not answered the first call yet. The clocks stand still here.</summary>
public sealed class MigrationStartTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private readonly TaskCompletionSource _way = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    [Fault(60)]
    public async Task A_migration_whose_destination_does_not_answer_can_be_given_up_at_once()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var migration = await DiallingAsync(hosts, MigrationFlags.None);
        await hosts.Guest.Jobs.AbortAsync!(false, Ct).Within();
        Assert.Equal(ErrorCode.OperationAborted, (await Assert.ThrowsAsync<WherryException>(() => migration.Within())).Code);
        Assert.Null(hosts.Guest.Jobs.Current.Async);
        Assert.True(hosts.Source.Running, hosts.Story());
    }

    [Fact]
    public async Task Post_copy_that_is_asked_for_before_the_destination_answers_is_remembered()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var migration = await DiallingAsync(hosts, MigrationFlags.PostCopy);
        var asked = hosts.Alpha.Migrations.StartPostCopyAsync(hosts.Guest, Ct);
        Assert.False(asked.IsCompleted);
        hosts.Source.HoldAt = MigrationStatus.Active;
        _way.SetResult();
        await asked.Within();
        await hosts.Source.ReceivedAsync("migrate-start-postcopy", Ct).Within();
        hosts.Source.GoOn();
        await migration.Within();
    }

    /// <summary>The end came before anybody watched for it, and the migration waited for it for ever.</summary>
    [Fact]
    public async Task A_guest_that_ends_before_its_destination_answers_ends_its_migration()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        var migration = await DiallingAsync(hosts, MigrationFlags.None);
        hosts.Guest.Qemu!.Process.Signal(9); // ! : it runs
        await hosts.Guest.State.WaitAsync(now => !now.IsActive, Ct).Within();
        _way.SetResult();
        Assert.Equal(ErrorCode.OperationFailed, (await Assert.ThrowsAsync<WherryException>(() => migration.Within())).Code);
        (await hosts.Guest.Jobs.BeginAsync(AsyncJobKind.MigrationOut, "the next one", Ct).Within()).Dispose();
    }

    /// <summary>To take it for dead would let two of it run: it is only that nobody can speak with it yet.</summary>
    [Fact]
    public async Task A_guest_whose_monitor_does_not_answer_a_restarted_daemon_is_not_taken_for_dead()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        hosts.Source.HoldAt = MigrationStatus.Active;
        var migration = hosts.MigrateAsync(Ct);
        await hosts.Source.ReceivedAsync("migrate", Ct).Within();
        var qemu = hosts.Guest.Qemu!; // ! : it runs
        hosts.Guest.Attach(null!); // ! : as a guest is that has been found again, and has not answered
        await hosts.Alpha.RestartAsync(Ct);
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());

        await hosts.Alpha.Clock.WaitForTimerAsync(new MigrationLimits().CancelStream).Within();
        hosts.Guest.Attach(qemu);
        hosts.Alpha.Clock.Advance(new MigrationLimits().CancelStream);
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        var outcome = Assert.IsType<MigrationOutcome.StayedOnSource>(Assert.Single(hosts.Alpha.Records).Source?.Outcome);
        Assert.False(outcome.GuestDied, hosts.Story());
        Assert.Contains("query-status", hosts.Source.Received.SkipWhile(asked => asked != "migrate"));
    }

    private async Task<Task> DiallingAsync(TwoHosts hosts, MigrationFlags more)
    {
        hosts.Alpha.PeerReachable = _way.Task;
        var migration = hosts.MigrateAsync(Ct, more: more);
        await hosts.Alpha.Dialled.Within();
        return migration;
    }
}
