using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests;

/// <summary>
/// SIGKILL of either daemon at each moment of a peer-to-peer migration with two copied disks, then a restart: promise 6, "a daemon
/// restart is a non-event". The names are fault points of the daemon; the guest itself says where it runs.
/// </summary>
public sealed class DaemonCrashTests(ITestOutputHelper output)
{
    private static readonly TimeSpan ResolvedWithin = TimeSpan.FromSeconds(5);

    private static readonly string[] SourcePoints =
    [
        "src.prepare.reply", "src.mirror.ready", "src.migrate.sent", "src.stopped", "src.drained", "src.continue.sent",
        "src.handed.written", "src.commit.sent", "src.commit.reply", "src.released.written", "src.killed",
    ];

    private static readonly string[] DestinationPoints =
    [
        "dst.launched", "dst.incoming.sent", "dst.commit.received", "dst.loaded", "dst.intent.written", "dst.cont.sent", "dst.cont.reply",
        "dst.ran.written", "dst.run.replied",
    ];

    [Fact]
    [Fault(19, 20, 21)]
    public Task Whenever_the_source_daemon_is_killed_one_guest_runs_after_its_restart() => KillAtEachAsync(SourcePoints);

    [Fact]
    [Fault(23, 24, 25)]
    public Task Whenever_the_destination_daemon_is_killed_one_guest_runs_after_its_restart() => KillAtEachAsync(DestinationPoints);

    /// <summary>The tunnel, and the socket that leads to it, end with their daemon.</summary>
    [Fact]
    [Fault(89)]
    public Task Whenever_a_daemon_of_a_tunnelled_migration_is_killed_one_guest_runs_after_its_restart() => KillAtEachAsync(
        ["src.migrate.sent", "dst.incoming.sent", "dst.loaded"], PassageOptions.TwoWrittenDisks with { SharedStorage = true }, "--tunnelled");

    private Task KillAtEachAsync(string[] points) => KillAtEachAsync(points, PassageOptions.TwoWrittenDisks);

    private async Task KillAtEachAsync(string[] points, PassageOptions options, params string[] flags)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, options);
        DaemonRunner home = pair.Alpha;
        foreach (var point in points)
        {
            home = await KillAsync(pair, passage, home, point, flags);
        }
    }

    /// <returns>Where the guest runs afterwards.</returns>
    private async Task<DaemonRunner> KillAsync(HostPair pair, Passage passage, DaemonRunner home, string point, string[] flags)
    {
        var other = home == pair.Alpha ? pair.Bravo : pair.Alpha;
        var victim = point.StartsWith("src.", StringComparison.Ordinal) ? home : other;
        await victim.StopAsync();
        await victim.StartAsync(("WHERRY_FAULT", $"{point}:crash"));

        var moving = passage.MoveAsync(home, other, ["--p2p", .. flags]);
        await victim.Exited().WaitAsync(Passage.Limit);
        await victim.StartAsync();
        var restarted = Stopwatch.GetTimestamp();
        var now = await RunnerAsync(passage, home, other);
        var resolved = Stopwatch.GetElapsedTime(restarted);
        await moving;
        await UntilNoJobAsync(passage, now);

        var problems = await passage.JudgeAsync(now);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{point,-24} killed {victim.Host.Name}; the guest runs on {now.Host.Name} {resolved.TotalSeconds:0.0} s after the restart"));
        Assert.True(
            problems.Count == 0,
            $"{point}: {string.Join("; ", problems)}\n{home.Host.Name}:\n{home.LogTail()}\n{other.Host.Name}:\n{other.LogTail()}");
        Assert.True(resolved <= ResolvedWithin, $"{point}: undecided for {resolved.TotalSeconds:0.0} s\n{home.LogTail()}\n{other.LogTail()}");
        return now;
    }

    /// <summary>The guest runs at once; taking back what the migration had prepared may take a moment longer.</summary>
    private static async Task UntilNoJobAsync(Passage passage, DaemonRunner daemon)
    {
        var began = Stopwatch.GetTimestamp();
        while (!(await daemon.Virsh.AskAsync("domjobinfo", passage.Domain.Name)).Contains("None", StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20), $"the job does not end\n{daemon.LogTail()}");
        }
    }

    /// <summary>Waits until exactly one of the two daemons shows the guest running, and no copy of it is left at the other.</summary>
    private static async Task<DaemonRunner> RunnerAsync(Passage passage, DaemonRunner one, DaemonRunner other)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var (here, there) = (await passage.StateAsync(one), await passage.StateAsync(other));
            switch (here, there)
            {
                case ("running", null or "shut off"):
                    return one;
                case (null or "shut off", "running"):
                    return other;
            }

            Assert.True(
                Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20),
                $"{one.Host.Name}: {here ?? "absent"}, {other.Host.Name}: {there ?? "absent"}\n{one.LogTail()}\n{other.LogTail()}");
        }
    }
}
