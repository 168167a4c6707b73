using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Crashes;

/// <summary>
/// SIGKILL of either daemon at each moment of a peer-to-peer migration with two copied disks, then a restart: promise 6, "a daemon
/// restart is a non-event". The names are fault points of the daemon; the guest itself says where it runs.
/// </summary>
public sealed class DaemonCrashTests(ITestOutputHelper output)
{
    private static readonly TimeSpan ResolvedWithin = TimeSpan.FromSeconds(5);

    internal static readonly string[] SourcePoints =
    [
        "src.begun", "src.prepare.sent", "src.prepare.reply", "src.mirror.added", "src.mirror.ready", "src.migrate.sent", "src.stopped",
        "src.cancel.sent", "src.drained", "src.continue.sent", "src.completed", "src.handed.written", "src.commit.sent", "src.commit.reply",
        "src.released.written", "src.killed", "src.forget.sent",
    ];

    internal static readonly string[] DestinationPoints =
    [
        "dst.prepared.written", "dst.launched", "dst.nbd.up", "dst.incoming.sent", "dst.replied", "dst.commit.received", "dst.persisted",
        "dst.loaded", "dst.intent.written", "dst.cont.sent", "dst.cont.reply", "dst.ran.written", "dst.run.replied",
    ];

    [Fact]
    [Fault(19, 20, 21)]
    public Task Whenever_the_source_daemon_is_killed_one_guest_runs_after_its_restart() => KillAtEachAsync(SourcePoints);

    [Fact]
    [Fault(23, 24, 25)]
    public Task Whenever_the_destination_daemon_is_killed_one_guest_runs_after_its_restart() => KillAtEachAsync(DestinationPoints, "--persistent");

    /// <summary>The tunnel, and the socket that leads to it, end with their daemon.</summary>
    [Fact(Explicit = true)]
    [Fault(89)]
    public Task Whenever_a_daemon_of_a_tunnelled_migration_is_killed_one_guest_runs_after_its_restart() => KillAtEachAsync(
        ["src.migrate.sent", "dst.incoming.sent", "dst.loaded"], PassageOptions.TwoWrittenDisks with { SharedStorage = true }, "--tunnelled");

    /// <summary>The way back has fault points of its own: the migration is given up by its user, and then the daemon dies too.</summary>
    [Fact(Explicit = true)]
    [Fault(22)]
    public async Task A_daemon_that_is_killed_while_it_takes_the_guest_back_takes_it_back_once()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        foreach (var point in new[] { "src.reclaim.written", "src.copies.cut", "src.reclaimed", "src.closed.written", "dst.killed" })
        {
            // A guest that runs is stopped for as long as its copies are given up, and must not stay so.
            var givenUpAt = point == "src.copies.cut" ? "src.mirror.ready" : "src.stopped";
            var victim = point.StartsWith("src.", StringComparison.Ordinal) ? pair.Alpha : pair.Bravo;
            await Aftermath.ArmAsync(pair.Bravo, $"{point}:crash");
            await Aftermath.ArmAsync(pair.Alpha, $"{point}:crash", $"{givenUpAt}:hang");

            var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
            await Aftermath.HangsAsync(pair.Alpha);
            var abort = pair.Alpha.Virsh.RunAsync("domjobabort", passage.Domain.Name);
            Aftermath.GoOn(pair.Alpha);
            await victim.Exited().WaitAsync(Passage.Limit);
            await victim.StartAsync();
            await abort;
            Assert.False((await moving).Succeeded);
            await Aftermath.RunsAsync(passage, pair, pair.Alpha, point);
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    private Task KillAtEachAsync(string[] points, params string[] flags) => KillAtEachAsync(points, PassageOptions.TwoWrittenDisks, flags);

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
        await Aftermath.ArmAsync(victim, $"{point}:crash");

        var moving = passage.MoveAsync(home, other, ["--p2p", .. flags]);
        await Aftermath.DiesAsync(victim, moving, pair);
        await victim.StartAsync();
        var restarted = Stopwatch.GetTimestamp();
        var now = await Aftermath.RunnerAsync(passage, home, other);
        var resolved = Stopwatch.GetElapsedTime(restarted);
        await moving;
        await Aftermath.NoJobAsync(passage, now);

        var problems = await passage.JudgeAsync(now);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{point,-24} killed {victim.Host.Name}; the guest runs on {now.Host.Name} {resolved.TotalSeconds:0.0} s after the restart"));
        Assert.True(problems.Count == 0, $"{point}: {string.Join("; ", problems)}\n{Aftermath.Logs(home, other)}");
        Assert.True(resolved <= ResolvedWithin, $"{point}: undecided for {resolved.TotalSeconds:0.0} s\n{Aftermath.Logs(home, other)}");
        return now;
    }
}
