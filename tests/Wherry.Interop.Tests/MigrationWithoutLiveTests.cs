using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>`virsh migrate` without --live: the guest stands while its memory is sent, here as with stock, and goes on wherever it is afterwards.</summary>
[Collection(nameof(OneAtATime))]
public sealed class MigrationWithoutLiveTests(ITestOutputHelper output)
{
    // Memory that takes some seconds, and would be sent again and again if the guest went on.
    private static readonly PassageOptions Busy = new() { Load = new GuestLoad(DirtyMiBps: 20, TouchMiB: 64) };
    private static readonly string[] Slowly = ["--bandwidth", "16"];

    [Theory]
    [InlineData("wherryd", 0, "--p2p")]
    [InlineData("wherryd", 2)]
    [InlineData("stock", 0, "--p2p", Explicit = true)]
    [InlineData("stock", 2, Explicit = true)]
    public async Task The_guest_stands_from_its_first_byte_of_memory_to_its_arrival(string source, int disks, params string[] flags)
    {
        await using var pair = source == "stock"
            ? await RealHosts.PairAsync((host, _) => new StockLibvirtd(host), (host, _) => new Wherryd(host))
            : await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(
            pair, Busy with { Disks = disks, Load = Busy.Load with { WriteKiBps = disks == 0 ? 0 : 1024 } });
        await using var events = LongCommand.Start(pair.Alpha.Host, "virsh", "-c", pair.Alpha.PeerUri, "event", "--all", "--loop");
        var moving = MoveAsync(pair, passage, [.. Slowly, .. flags]);
        await StandsAsync(pair, passage);
        var count = passage.Timeline.LastCount;
        var moved = await moving;
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        var problems = await passage.JudgeAsync(pair.Bravo);
        Assert.True(problems.Count == 0, $"{string.Join("; ", problems)}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        var handOver = Assert.Single(passage.Timeline.HandOvers);
        var lastHere = passage.Timeline.Beats.Last(beat => beat.Qemu == 0).Count;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{source} {disks}: {moved.Elapsed.TotalSeconds:0.0} s, silent for {handOver.Silence.TotalSeconds:0.0} s"));
        Assert.True(lastHere - count <= 1, $"the guest counted from {count} to {lastHere} while it stood"); // a line may be on its way
        Assert.True(handOver.Silence > TimeSpan.FromSeconds(2), $"silent for {handOver.Silence}");
        Assert.Equal(["Suspended Migrated", "Stopped Migrated"], Lifecycle(events));
    }

    [Theory]
    [InlineData("wherryd")]
    [InlineData("stock", Explicit = true)]
    public async Task Given_up_it_runs_where_it_was(string source)
    {
        await using var pair = source == "stock"
            ? await RealHosts.PairAsync((host, _) => new StockLibvirtd(host), (host, _) => new Wherryd(host))
            : await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Busy);
        await using var events = LongCommand.Start(pair.Alpha.Host, "virsh", "-c", pair.Alpha.PeerUri, "event", "--all", "--loop");
        var moving = MoveAsync(pair, passage, ["--bandwidth", "1", "--p2p"]);
        await StandsAsync(pair, passage);
        await pair.Alpha.Virsh.AskAsync("domjobabort", passage.Domain.Name);
        Assert.Contains("canceled by client", (await moving).Error, StringComparison.Ordinal);
        await RunsAgainAsync(pair, passage);
        Assert.Equal(["Suspended Migrated", "Resumed Migrated"], Lifecycle(events).Take(2));
    }

    [Fact]
    public async Task A_daemon_that_dies_while_it_stands_lets_it_go_on_when_it_is_back()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Busy);
        var moving = MoveAsync(pair, passage, ["--bandwidth", "1", "--p2p"]);
        await StandsAsync(pair, passage);
        await pair.Alpha.KillAsync();
        await pair.Alpha.StartAsync();
        Assert.False((await moving).Succeeded);
        await RunsAgainAsync(pair, passage);
    }

    [Fact]
    public async Task With_suspend_it_is_left_standing_where_it_arrives()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Busy);
        var moved = await MoveAsync(pair, passage, ["--p2p", "--suspend"]);
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.Equal("paused (user)", await pair.Bravo.Virsh.AskAsync("domstate", "--reason", passage.Domain.Name));
        await pair.Bravo.Virsh.AskAsync("resume", passage.Domain.Name);
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    private static async Task<CommandResult> MoveAsync(HostPair pair, Passage passage, string[] flags)
    {
        var command = await passage.MoveCommandAsync(pair.Alpha, pair.Bravo, flags);
        return await Command.RunAsync(pair.Alpha.Host.Enter([.. command.Where(word => word != "--live")]), Passage.Limit);
    }

    private static Task StandsAsync(HostPair pair, Passage passage) => UntilAsync(pair, passage, "paused (migrating)");

    private static async Task RunsAgainAsync(HostPair pair, Passage passage)
    {
        await UntilAsync(pair, passage, "running");
        await UntilAsync(pair.Bravo, async () => await passage.StateAsync(pair.Bravo) is null);
        Assert.Empty(await passage.JudgeAsync(pair.Alpha));
        Assert.Empty(await passage.AgainAsync(pair.Alpha));
    }

    private static Task UntilAsync(HostPair pair, Passage passage, string state) => UntilAsync(
        pair.Alpha, async () => (await pair.Alpha.Virsh.AskAsync("domstate", "--reason", passage.Domain.Name)).StartsWith(state, StringComparison.Ordinal));

    private static async Task UntilAsync(DaemonRunner daemon, Func<Task<bool>> condition)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(began) > Passage.Limit)
                throw new TimeoutException(daemon.LogTail());
        }
    }

    private static IEnumerable<string> Lifecycle(LongCommand events) => events.Lines
        .Where(line => line.Contains("'lifecycle'", StringComparison.Ordinal))
        .Select(line => line[(line.LastIndexOf(':') + 2)..].Trim());
}
