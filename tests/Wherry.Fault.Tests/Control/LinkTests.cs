using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Control;

/// <summary>The control link breaks or is crowded out. Memory has a link of its own here, or goes over the same one where the case says so.</summary>
public sealed class LinkTests(LinkTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<LinkTests.Hosts>
{
    private const string OneSecondThreeTimes = "keepalive_interval = 1\nkeepalive_count = 3";

    /// <summary>Show 4: 20 Mbit, and a switch with a queue of five seconds between the hosts, so that what is asked waits behind memory.</summary>
    [Theory(Explicit = true)]
    [Fault(1)]
    [InlineData("wherryd")]
    [InlineData("stock libvirtd")]
    public async Task A_migration_that_fills_the_link_it_is_controlled_over_completes(string daemons)
    {
        var stock = daemons != "wherryd";
        await using var pair = stock ? await RealHosts.PairAsync(Stock, Stock) : await RealHosts.PairAsync((host, _) => new Wherryd(host) { MoreQemuConfiguration = OneSecondThreeTimes });
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        await using var between = await TestHost.CreateAsync(pair.Run, "between", isolated: true);
        await TestHost.InterposeAsync(pair.Alpha.Host, pair.Bravo.Host, between);
        foreach (var end in new[] { "to-alpha", "to-bravo" })
            await between.RunAsync("tc", "qdisc", "add", "dev", end, "root", "tbf", "rate", "20mbit", "burst", "64kb", "limit", "12mb").Checked();
        foreach (var host in new[] { pair.Alpha.Host, pair.Bravo.Host })
            await host.RunAsync("sysctl", "-q", "-w", "net.ipv4.tcp_wmem=4096 16384 33554432", "net.ipv4.tcp_rmem=4096 131072 33554432").Checked();

        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        output.WriteLine($"{daemons}, keepalive 1 s x 3, 20 Mbit shared: {(moved.Succeeded ? "Moved" : "Failed")} in {moved.Elapsed.TotalSeconds:0.0} s {moved.Error.Trim()}");
        output.WriteLine($"afterwards: source {await passage.StateAsync(pair.Alpha) ?? "absent"}, destination {await passage.StateAsync(pair.Bravo) ?? "absent"}");
        if (!stock)
        {
            Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
            Assert.Empty(await passage.JudgeAsync(pair.Bravo));
        }
    }

    [Fact]
    [Fault(2)]
    public async Task Without_its_control_link_a_migration_goes_on_and_ends_well_when_the_link_returns()
    {
        await using var crossing = await hosts.EnterAsync(output);
        var moving = crossing.MoveAsync(flags: [.. OverData(crossing), "--bandwidth", "4"]);
        await crossing.SendingAsync();
        await CutAsync(crossing.From.Host, "ctl");
        await crossing.LosesLinkAsync();
        await crossing.From.Host.MendAsync();
        await crossing.From.Virsh.AskAsync("migrate-setspeed", crossing.Name, "1000");
        await crossing.MovedAsync(await moving);
    }

    [Fact(Explicit = true)]
    [Fault(3)]
    public async Task Without_its_control_link_for_longer_than_its_grace_a_migration_is_over_on_both_sides()
    {
        await using var crossing = await hosts.EnterAsync(output);
        var moving = crossing.MoveAsync(flags: [.. OverData(crossing), "--bandwidth", "1"]);
        await crossing.SendingAsync();
        await CutAsync(crossing.From.Host, "ctl");
        await crossing.UntilAsync("the destination is gone by itself", () => !File.Exists($"/proc/{crossing.Passage.Timeline.Pids[^1]}/exe"));
        var moved = await moving;
        await crossing.From.Host.MendAsync();
        await crossing.StayedAsync(moved, "control", crossing.To.Host.Name);
    }

    [Fact(Explicit = true)]
    [Fault(4)]
    public async Task Without_its_control_link_while_the_guest_stands_still_the_guest_runs_again_on_one_side()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var stopped = hosts.Monitor.Events.Hold("MIGRATION", "pre-switchover");
        var moving = crossing.MoveAsync(flags: OverData(crossing));
        await crossing.ReachAsync(stopped.Reached, moving);
        await CutAsync(crossing.From.Host, "ctl");
        await stopped.ReleaseAsync();
        await crossing.LosesLinkAsync();
        var mended = System.Diagnostics.Stopwatch.GetTimestamp();
        await crossing.From.Host.MendAsync();
        var moved = await moving;
        var after = System.Diagnostics.Stopwatch.GetElapsedTime(mended);
        output.WriteLine($"decided {after.TotalSeconds:0.0} s after the link was back; the guest stood still for {crossing.Passage.Timeline.LongestSilence().TotalSeconds:0.0} s");
        if (moved.Succeeded)
            await crossing.MovedAsync(moved);
        else
            await crossing.StayedAsync(moved, crossing.To.Host.Name);
        Assert.True(after < TimeSpan.FromSeconds(8), $"{after}\n{crossing.Logs()}");
    }

    [Fact(Explicit = true)]
    [Fault(7)]
    public async Task A_cable_of_which_one_direction_is_dead_is_noticed_at_both_ends()
    {
        await using var crossing = await hosts.EnterAsync(output);
        foreach (var hook in new[] { "output", "input" })
        {
            var moving = crossing.MoveAsync(flags: [.. OverData(crossing), "--bandwidth", "4"]);
            await crossing.SendingAsync();
            await CutAsync(crossing.From.Host, "ctl", hook);
            await crossing.LosesLinkAsync();
            await crossing.UntilAsync("the destination gives its end up", async () => (await ServedAsync(crossing.To)).Length == 0);
            await crossing.From.Host.MendAsync();
            await crossing.From.Virsh.AskAsync("domjobabort", crossing.Name);
            await crossing.StayedAsync(await moving);
        }
    }

    [Fact]
    [Fault(16)]
    public async Task Without_keepalive_on_either_side_a_migration_works_also_for_a_client_that_knows_none()
    {
        await using var silent = new SilentHosts();
        await using var crossing = await silent.EnterAsync(output);
        await crossing.MovedAsync(await crossing.MoveAsync());
        var back = await Command.RunAsync(crossing.To.Host.Enter(
            ["virsh", "-q", "-k", "0", "-c", crossing.To.PeerUri, "migrate", "--live", crossing.Name, crossing.From.PeerUri]));
        Assert.True(back.Succeeded, $"{back}\n{crossing.Logs()}");
        await crossing.EndsAtAsync(crossing.From);
    }

    /// <summary>What keepalive would have found, the kernel finds: the other host acknowledges nothing.</summary>
    [Fact(Explicit = true)]
    [Fault(16)]
    public async Task Without_keepalive_a_dead_link_is_noticed_by_the_kernel()
    {
        await using var silent = new SilentHosts();
        await using var crossing = await silent.EnterAsync(output);
        var moving = crossing.MoveAsync(flags: [.. OverData(crossing), "--bandwidth", "1"]);
        await crossing.SendingAsync();
        await CutAsync(crossing.From.Host, "ctl");
        await crossing.LosesLinkAsync();
        await crossing.From.Host.MendAsync();
        await crossing.From.Virsh.AskAsync("domjobabort", crossing.Name);
        await crossing.StayedAsync(await moving);
    }

    /// <summary>The connections that a daemon serves over TCP.</summary>
    private static async Task<string> ServedAsync(DaemonRunner daemon) =>
        (await daemon.Host.RunAsync("ss", "-Hnt", "state", "established", "sport", "=", ":16509").Checked()).Output.Trim();

    private static string[] OverData(Crossing crossing) => ["--migrateuri", $"tcp://{crossing.To.Host.DataAddress}"];

    /// <summary>What the host would send over the link, or receive, or both, is lost.</summary>
    private static Task CutAsync(TestHost host, string link, string hook = "both") => host.CutAsync(
        hook != "input" ? [$"oifname {link} drop"] : [], hook != "output" ? [$"iifname {link} drop"] : []);

    private static StockLibvirtd Stock(TestHost host, int port) => new(host) { MoreConfiguration = OneSecondThreeTimes, MoreQemuConfiguration = OneSecondThreeTimes };

    private static Wherryd Wherry(TestHost host, string keepAlive) => new(host)
    {
        MoreQemuConfiguration = $"wherry_control_grace = 15\n{keepAlive}",
        MoreArguments = ["--config", Daemon(host, keepAlive)],
    };

    private static string Daemon(TestHost host, string keepAlive)
    {
        var file = Path.Combine(host.Directory, "wherryd.conf");
        File.WriteAllText(file, keepAlive + "\n");
        return file;
    }

    public sealed class Hosts() : TappedCrossings(new PassageOptions { Bystander = true })
    {
        protected override Task<HostPair> HostsAsync() => RealHosts.PairAsync((host, _) => Wherry(host, OneSecondThreeTimes));
    }

    private sealed class SilentHosts() : Crossings(new PassageOptions())
    {
        protected override Task<HostPair> HostsAsync() => RealHosts.PairAsync((host, _) => Wherry(host, "keepalive_interval = -1\nkeepalive_count = 0"));
    }
}
