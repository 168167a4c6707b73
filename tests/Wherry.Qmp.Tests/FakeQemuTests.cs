using System.Collections.Immutable;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Events;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

/// <summary>The simulation does what QEMU 7.2 was recorded to do: what other tests conclude from it hangs on that.</summary>
public sealed class FakeQemuTests : IAsyncDisposable
{
    private readonly FakeQemu _source = new FakeQemu().StartRunning();
    private readonly FakeQemu _destination = new(incoming: true);
    private readonly List<MonitorSession> _monitors = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var monitor in _monitors)
        {
            await monitor.DisposeAsync();
        }

        await _source.DisposeAsync();
        await _destination.DisposeAsync();
    }

    [Fact]
    public async Task A_migration_walks_the_recorded_states_and_waits_in_pre_switchover()
    {
        var (source, destination) = await ConnectAsync();
        await source.ExecuteAsync(new Migrate("tcp:b:49152"), Ct);
        Assert.Equal(MigrationStatus.PreSwitchover, (await source.ExecuteAsync(new QueryMigrate(), Ct)).Status);
        Assert.Equal(RunState.FinishMigrate, (await source.ExecuteAsync(new QueryStatus(), Ct)).Status);
        await Assert.ThrowsAsync<QmpErrorException>(() => source.ExecuteAsync(new Cont(), Ct));

        await source.ExecuteAsync(new MigrateContinue(MigrationStatus.PreSwitchover), Ct);
        Assert.Equal(new StatusInfo(Running: false, RunState.Postmigrate), await source.ExecuteAsync(new QueryStatus(), Ct));
        Assert.Equal(new StatusInfo(Running: false, RunState.Paused), await destination.ExecuteAsync(new QueryStatus(), Ct));
        Assert.Equal(
            ["MIGRATION setup", "MIGRATION_PASS", "MIGRATION active", "MIGRATION_PASS", "STOP", "MIGRATION pre-switchover", "MIGRATION device", "MIGRATION_PASS", "MIGRATION completed"],
            await EventsAsync(source, _source));
        await destination.ExecuteAsync(new Cont(), Ct);
        Assert.Equal(["MIGRATION setup", "MIGRATION active", "MIGRATION completed", "RESUME"], await EventsAsync(destination, _destination));
    }

    [Fact]
    public async Task Cancelled_in_pre_switchover_the_source_resumes_by_itself_and_the_destination_exits()
    {
        var (source, _) = await ConnectAsync();
        await source.ExecuteAsync(new Migrate("tcp:b:49152"), Ct);
        await source.ExecuteAsync(new MigrateCancel(), Ct);
        Assert.True(_source.Running);
        await _destination.Process.Exited.Within();
        Assert.Equal(["MIGRATION cancelling", "RESUME", "MIGRATION cancelled"], (await EventsAsync(source, _source))[^3..]);
    }

    [Fact]
    public async Task A_destination_that_dies_in_pre_switchover_is_noticed_only_after_continue()
    {
        var (source, _) = await ConnectAsync();
        await source.ExecuteAsync(new Migrate("tcp:b:49152"), Ct);
        _destination.Process.Signal(9);
        Assert.Equal(MigrationStatus.PreSwitchover, (await source.ExecuteAsync(new QueryMigrate(), Ct)).Status);
        await source.ExecuteAsync(new MigrateContinue(MigrationStatus.PreSwitchover), Ct);
        var info = await source.ExecuteAsync(new QueryMigrate(), Ct);
        Assert.Equal(MigrationStatus.Failed, info.Status);
        Assert.NotNull(info.ErrorDesc);
        Assert.True(_source.Running);
    }

    [Fact]
    public async Task A_destination_that_dies_in_active_fails_the_source_which_never_stopped()
    {
        _source.HoldAt = MigrationStatus.Active;
        var (source, _) = await ConnectAsync();
        await source.ExecuteAsync(new Migrate("tcp:b:49152"), Ct);
        _destination.Process.Signal(9);
        Assert.Equal(MigrationStatus.Failed, _source.Migration);
        Assert.True(_source.Running);
    }

    [Fact]
    public async Task A_paused_guest_whose_migration_is_cancelled_ends_in_postmigrate_and_cannot_migrate_again()
    {
        var (source, _) = await ConnectAsync();
        await source.ExecuteAsync(new Stop(), Ct);
        await source.ExecuteAsync(new Migrate("tcp:b:49152"), Ct);
        await source.ExecuteAsync(new MigrateCancel(), Ct);
        Assert.Equal(RunState.Postmigrate, _source.Status);
        await Assert.ThrowsAsync<QmpErrorException>(() => source.ExecuteAsync(new Migrate("tcp:b:49152"), Ct));
    }

    [Fact]
    public async Task Cont_in_inmigrate_is_the_trap_it_is()
    {
        var (source, destination) = await ConnectAsync();
        await destination.ExecuteAsync(new Cont(), Ct);
        await source.ExecuteAsync(new Migrate("tcp:b:49152"), Ct);
        await source.ExecuteAsync(new MigrateContinue(MigrationStatus.PreSwitchover), Ct);
        Assert.True(_destination.Running); // Nobody decided that.
    }

    [Fact]
    [Trait("req", "S3.16")]
    public async Task A_ready_mirror_may_fall_behind_and_ends_well_only_when_cancelled_softly()
    {
        var (source, _) = await ConnectAsync();
        await MirrorAsync(source, "vda");
        _source.FallBehind("vda", 5000);
        var job = Assert.Single(await source.ExecuteAsync(new QueryBlockJobs(), Ct));
        Assert.True(job.Ready);
        Assert.Equal(5000, job.Len - job.Offset);
        await source.ExecuteAsync(new BlockJobCancel("vda"), Ct);
        var ended = Assert.Single(await source.ExecuteAsync(new QueryJobs(), Ct));
        Assert.Equal((JobStatus.Concluded, null), (ended.Status, ended.Error));
        await source.ExecuteAsync(new JobDismiss("vda"), Ct);
        Assert.Empty(await source.ExecuteAsync(new QueryJobs(), Ct));
    }

    [Fact]
    [Trait("req", "S3.19")]
    public async Task A_lost_target_completes_the_job_with_an_error_and_equal_offsets_prove_nothing()
    {
        var (source, _) = await ConnectAsync();
        await MirrorAsync(source, "vda");
        _source.FailMirror("vda");
        var received = await ReadEventAsync(source, "BLOCK_JOB_COMPLETED");
        Assert.True(received.Is(QmpEvents.BlockJobCompleted, out var completed));
        Assert.Equal(completed.Len, completed.Offset);
        Assert.NotNull(completed.Error);
        Assert.NotNull(Assert.Single(await source.ExecuteAsync(new QueryJobs(), Ct)).Error);
    }

    [Theory]
    [Fault(54)]
    [InlineData("vda", "vdb", "vdc")]
    [InlineData("vdc", "vdb", "vda")]
    [InlineData("vdb", "vdc", "vda")]
    public async Task Ends_of_mirrors_arrive_in_the_order_that_a_test_asks_for(params string[] order)
    {
        _source.Events.EndJobsInOrder([.. order]);
        var (source, _) = await ConnectAsync();
        foreach (var disk in order.Order(StringComparer.Ordinal))
        {
            await MirrorAsync(source, disk);
            await source.ExecuteAsync(new BlockJobCancel(disk), Ct);
        }

        var ended = new List<string>();
        while (ended.Count < order.Length)
        {
            (await ReadEventAsync(source, "BLOCK_JOB_COMPLETED")).Is(QmpEvents.BlockJobCompleted, out var completed);
            ended.Add(completed!.Device);
        }

        Assert.Equal(order, ended);
    }

    [Fact]
    [Fault(56, 57)]
    public async Task Events_can_be_dropped_duplicated_and_delayed()
    {
        _source.Events.Drop("RESET", count: 1);
        _source.Events.Duplicate("STOP");
        _source.Events.Delay("RESUME", until: "POWERDOWN");
        var (source, _) = await ConnectAsync();
        await source.ExecuteAsync(new SystemReset(), Ct);
        await source.ExecuteAsync(new Stop(), Ct);
        await source.ExecuteAsync(new Cont(), Ct);
        await source.ExecuteAsync(new SystemPowerdown(), Ct);
        await source.ExecuteAsync(new SystemReset(), Ct);
        Assert.Equal(["STOP", "STOP", "POWERDOWN", "RESUME", "RESET"], await EventsAsync(source, _source));
    }

    [Fact]
    public async Task Yank_frees_a_main_loop_that_hangs_and_fails_the_mirrors()
    {
        var (source, _) = await ConnectAsync();
        await MirrorAsync(source, "vda");
        _source.HangMainLoop();
        var hung = source.ExecuteAsync(new QueryJobs(), Ct);
        await source.ExecuteOutOfBandAsync(new Yank([YankInstance.BlockNode("target-vda")]), Ct).Within();
        Assert.NotNull(Assert.Single(await hung.Within()).Error);
    }

    private async Task<(MonitorSession Source, MonitorSession Destination)> ConnectAsync()
    {
        var source = await ConnectAsync(_source);
        var destination = await ConnectAsync(_destination);
        var capabilities = new MigrateSetCapabilities(
        [
            new(MigrationCapability.Events, State: true), new(MigrationCapability.PauseBeforeSwitchover, State: true),
        ]);
        await source.ExecuteAsync(capabilities, Ct);
        await destination.ExecuteAsync(capabilities, Ct);
        await destination.ExecuteAsync(new MigrateIncoming("tcp:[::]:49152"), Ct);
        _source.MigratesTo = _destination;
        return (source, destination);
    }

    private async Task<MonitorSession> ConnectAsync(FakeQemu qemu)
    {
        var monitor = await MonitorSession.ConnectAsync(qemu.MonitorPath, new MonitorOptions { Owner = "web1" }, Ct).Within();
        _monitors.Add(monitor);
        return monitor;
    }

    private static Task MirrorAsync(MonitorSession monitor, string disk) =>
        monitor.ExecuteAsync(new BlockdevMirror(disk, disk, $"target-{disk}", MirrorSyncMode.Full) { AutoDismiss = false }, Ct);

    /// <summary>All events so far: the monitor is closed, so the channel has an end.</summary>
    private static async Task<ImmutableArray<string>> EventsAsync(MonitorSession monitor, FakeQemu qemu)
    {
        qemu.CloseMonitor();
        return [.. await monitor.Events.ReadAllAsync(Ct).Select(e => e.Is(QmpEvents.Migration, out var m) ? $"{e.Name} {m.Status}" : e.Name).ToListAsync(Ct)];
    }

    private static async Task<QmpEvent> ReadEventAsync(MonitorSession monitor, string name)
    {
        while (true)
        {
            var received = await monitor.Events.ReadAsync(Ct).AsTask().Within();
            if (received.Name == name)
            {
                return received;
            }
        }
    }
}
