using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Migration.Source;
using Wherry.Qemu.State;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>A migration that goes nowhere is cut out of band, and the guest goes on where it was.</summary>
public sealed class StallTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    [Fault(70)]
    public async Task A_mirror_that_owes_bytes_and_copies_none_is_cut_after_five_seconds()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 2, Ct);
        hosts.Source.HoldMirrors = true;
        var migration = hosts.MigrateAsync(Ct);
        var watch = new Watch(hosts);
        await watch.LooksAsync(() => hosts.Source.CopyingMirrors.Count == 2);
        hosts.Source.MakeMirrorReady("drive-virtio-disk0");
        hosts.Source.Copy("drive-virtio-disk1", 4096);
        await watch.PassAsync(4);
        Assert.DoesNotContain("yank", hosts.Source.Received);

        watch.Pass();
        await StaysAsync(hosts, migration, "operation failed: migration of domain 'web1' to qemu+tcp://bravo/system stalled: "
            + "the copy of disk vdb has not progressed for 5 s, 1044480 bytes are owed");
        Assert.Contains("yank", hosts.Source.Received);
    }

    [Fact]
    public async Task A_mirror_that_copies_a_little_now_and_then_is_left_alone()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        hosts.Source.HoldMirrors = true;
        var migration = hosts.MigrateAsync(Ct);
        var watch = new Watch(hosts);
        await watch.LooksAsync(() => hosts.Source.CopyingMirrors.Count == 1);
        for (var i = 0; i < 10; i++)
        {
            hosts.Source.Copy("drive-virtio-disk0", 1);
            await watch.PassAsync(4);
        }

        hosts.Source.MakeMirrorReady("drive-virtio-disk0");
        await migration.Within();
        Assert.DoesNotContain("yank", hosts.Source.Received);
    }

    [Fact]
    [Fault(42, 71)]
    public async Task A_main_loop_that_a_mirror_blocks_is_freed_after_five_seconds()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        hosts.Source.HoldAt = MigrationStatus.Active;
        var migration = hosts.MigrateAsync(Ct);
        var watch = new Watch(hosts);
        await watch.LooksAsync(() => hosts.Source.Migration == MigrationStatus.Active);
        hosts.Source.HangMainLoop();
        await watch.PassUnseenAsync(4);
        Assert.DoesNotContain("yank", hosts.Source.Received);

        watch.Pass();
        await StaysAsync(hosts, migration, "Timed out during operation: migration of domain 'web1' to qemu+tcp://bravo/system stalled: "
            + "QEMU has not answered for 5 s");
        Assert.Contains("yank", hosts.Source.Received);
    }

    [Fact]
    [Fault(41)]
    public async Task A_memory_stream_that_stands_still_is_given_up_after_thirty_seconds()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        hosts.Source.HoldAt = MigrationStatus.Active;
        var migration = hosts.MigrateAsync(Ct);
        var watch = new Watch(hosts);
        await watch.LooksAsync(() => hosts.Source.Migration == MigrationStatus.Active);
        await watch.PassAsync(29);
        Assert.DoesNotContain("yank", hosts.Source.Received);

        watch.Pass();
        await StaysAsync(hosts, migration, "operation failed: migration of domain 'web1' to qemu+tcp://bravo/system stalled: "
            + "the memory stream has not progressed for 30 s");
    }

    [Fact]
    public void A_host_that_stood_still_itself_has_seen_one_tick()
    {
        var watch = new StallWatch([], MigrationLimits.Default);
        watch.Observe(SourceObservation.None with { Stream = StreamStatus.Active });
        for (var tick = 1; tick < 30; tick++)
        {
            Assert.Null(watch.Tick());
        }

        watch.Observe(SourceObservation.None with { Stream = StreamStatus.Active });
        Assert.Equal("the memory stream has not progressed for 30 s", watch.Tick()?.Text);
    }

    /// <summary>The caller hears the cause, and there is one guest, at alpha, and it runs.</summary>
    private static async Task StaysAsync(TwoHosts hosts, Task migration, string error)
    {
        var told = await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        Assert.Equal(error, told.Message);
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        Assert.True(hosts.Source.Running);
        Assert.Equal(DomainState.Running, hosts.Guest.Snapshot.Status.State);
        Assert.IsType<MigrationOutcome.StayedOnSource>(Assert.Single(hosts.Alpha.Records).Source?.Outcome);
        Assert.True(hosts.Destination.Process.Exited.IsCompleted);
    }

    /// <summary>Lets alpha's time pass, with its looks and the ticks of the stall watch each in their place.</summary>
    private sealed class Watch
    {
        private readonly VersionedState<int> _looks = new(0);
        private readonly ManualTimeProvider _clock;

        public Watch(TwoHosts hosts)
        {
            _clock = hosts.Alpha.Clock;
            hosts.Source.AfterReply = command =>
            {
                if (command == "query-migrate")
                    _looks.Update(count => count + 1);
            };
        }

        /// <summary>Waits until a look has found it so.</summary>
        public async Task LooksAsync(Func<bool> condition)
        {
            await _looks.WaitAsync(_ => condition(), Ct).Within();
            await SettleAsync();
        }

        public async Task PassAsync(int seconds)
        {
            for (var i = 0; i < seconds; i++)
            {
                await SettleAsync();
                _clock.Advance(Lookout.LookInterval);
                await _clock.WaitForTimerAsync(Lookout.LookInterval, count: 2); // the next look, and the tick
                _clock.Advance(StallWatch.Interval - Lookout.LookInterval);
            }

            await SettleAsync();
        }

        /// <summary>The same while no look comes back.</summary>
        public async Task PassUnseenAsync(int seconds)
        {
            for (var i = 0; i < seconds; i++)
            {
                await _clock.WaitForTimerAsync(StallWatch.Interval);
                _clock.Advance(StallWatch.Interval);
            }

            await _clock.WaitForTimerAsync(StallWatch.Interval);
        }

        /// <summary>One more second, and what then happens is the test's to see.</summary>
        public void Pass() => _clock.Advance(StallWatch.Interval);

        private async Task SettleAsync()
        {
            await _clock.WaitForTimerAsync(Lookout.LookInterval);
            await _clock.WaitForTimerAsync(StallWatch.Interval);
        }
    }
}
