using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Proxies;

namespace Wherry.Fault.Tests.Protocol;

/// <summary>Two that want the same: one guest twice, one host as both ends, two migrations of one guest.</summary>
public sealed class ClashTests(ClashTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<ClashTests.Hosts>
{
    [Fact]
    [Fault(97)]
    public async Task A_guest_of_that_name_or_uuid_at_the_destination_keeps_its_place()
    {
        await using var crossing = await hosts.EnterAsync(output);
        foreach (var (what, name, uuid, why) in ((string, string, Guid, string)[])
        [
            ("name", crossing.Name, Guid.NewGuid(), $"domain '{crossing.Name}' already exists with uuid"),
            ("uuid", "namesake", crossing.Passage.Domain.Uuid, "is already defined with uuid"),
            ("both", crossing.Name, crossing.Passage.Domain.Uuid, "is already active"),
        ])
        {
            await crossing.To.Virsh.RunWithXmlAsync("create", Brief(name, uuid)).Checked();
            var refused = await crossing.MoveAsync();
            output.WriteLine($"{what}: {refused.Error.Trim()}");
            Assert.False(refused.Succeeded, what);
            Assert.True(refused.Error.Contains(why, StringComparison.Ordinal), $"{what}: {refused}");
            Assert.Equal("running", await crossing.To.Virsh.AskAsync("domstate", name));
            await crossing.To.Virsh.AskAsync("destroy", name);
        }

        await crossing.EndsAtAsync(crossing.From);
    }

    /// <summary>The destination still holds the half of an attempt whose end it has not heard of.</summary>
    [Fact]
    [Fault(97)]
    public async Task A_half_that_is_left_of_an_earlier_attempt_gives_way()
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using (var proxy = new RpcProxy(crossing.To))
        {
            var farewell = proxy.Swallow(RpcFrame.FinishCall(cancelled: true));
            var moving = crossing.MoveAsync(proxy.Uri, "--bandwidth", "1");
            await crossing.SendingAsync();
            await crossing.From.Virsh.AskAsync("domjobabort", crossing.Name);
            Assert.False((await moving).Succeeded);
            Assert.Equal(1, farewell.Count);
        }

        await crossing.UntilAsync("the next attempt", async () => (await crossing.MoveAsync()).Succeeded);
        await crossing.EndsAtAsync(crossing.To);
    }

    [Fact]
    [Fault(98)]
    public async Task A_migration_to_the_very_host_is_refused_by_whatever_name()
    {
        await using var crossing = await hosts.EnterAsync(output);
        var there = crossing.From.Host;
        foreach (var uri in new[]
        {
            crossing.From.PeerUri,
            $"qemu+tcp://{there.Name}:16509/system",
            crossing.From.Uri,
        })
        {
            var refused = await crossing.MoveAsync(uri);
            output.WriteLine($"{uri}: {refused.Error.Trim()}");
            Assert.False(refused.Succeeded, uri);
            Assert.True(refused.Error.Contains("same host", StringComparison.Ordinal), $"{refused}");
        }

        await crossing.EndsAtAsync(crossing.From);
    }

    [Fact]
    [Fault(99)]
    public async Task Of_two_migrations_of_one_guest_one_wins_and_the_other_is_refused_at_once()
    {
        await using var crossing = await hosts.EnterAsync(output);
        var moving = crossing.MoveAsync(flags: ["--bandwidth", "1"]);
        await crossing.SendingAsync();
        var second = await crossing.MoveAsync();
        var opposite = await crossing.Passage.MoveAsync(crossing.To, crossing.From, ["--p2p"]);
        foreach (var refused in new[] { second, opposite })
        {
            output.WriteLine(refused.Error.Trim());
            Assert.False(refused.Succeeded);
        }

        await crossing.From.Virsh.AskAsync("migrate-setspeed", crossing.Name, "1000");
        await crossing.MovedAsync(await moving);
    }

    [Fact(Explicit = true)]
    [Fault(99)]
    public async Task A_guest_goes_to_and_fro_a_hundred_times()
    {
        await using var crossing = await hosts.EnterAsync(output);
        var (here, there) = (crossing.From, crossing.To);
        for (var leg = 0; leg < 200; leg++)
        {
            var moved = await crossing.Passage.MoveAsync(here, there, ["--p2p"]);
            Assert.True(moved.Succeeded, $"leg {leg}: {moved}\n{crossing.Logs()}");
            (here, there) = (there, here);
            if (leg % 20 == 19)
                Assert.Empty(await crossing.Passage.JudgeAsync(here));
        }

        output.WriteLine($"200 legs; silent for {crossing.Passage.Timeline.HandOvers.Max(over => over.Silence).TotalMilliseconds:0} ms at most");
        await crossing.EndsAtAsync(here);
    }

    /// <summary>Guests that are only firmware, all at once, over a connection that breaks again and again.</summary>
    [Fact(Explicit = true)]
    [Fault(100)]
    public async Task Fifty_guests_leave_a_host_while_links_flap()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        var names = Enumerable.Range(1, 50).Select(number => $"guest{number}").ToList();
        foreach (var name in names)
            await pair.Alpha.Virsh.RunWithXmlAsync("create", Brief(name, Guid.NewGuid())).Checked();
        await using var proxy = new RpcProxy(pair.Bravo);
        var moving = names.Select((name, index) => pair.Alpha.Virsh.RunAsync(
            "migrate", "--live", "--p2p", name, index % 10 == 0 ? proxy.Uri : pair.Bravo.PeerUri)).ToList();
        while (moving.Exists(move => !move.IsCompleted))
        {
            proxy.Sever();
            proxy.Mend();
            await Task.WhenAny([.. moving.Where(move => !move.IsCompleted)]);
        }

        foreach (var name in names)
        {
            await Deadline(name, async () =>
                (await State(pair.Alpha, name), await State(pair.Bravo, name)) is ("running", null) or (null, "running"));
        }

        var moved = (await Task.WhenAll(moving)).Count(move => move.Succeeded);
        output.WriteLine($"{moved} of 50 moved; each of the others runs where it was");

        static async Task<string?> State(DaemonRunner daemon, string name) =>
            await daemon.Virsh.RunAsync("domstate", name) is { Succeeded: true } state ? state.Output.Trim() : null;

        async Task Deadline(string name, Func<Task<bool>> settled)
        {
            using var limit = new CancellationTokenSource(Passage.Limit);
            while (!await settled())
                Assert.False(limit.IsCancellationRequested, $"{name}: {await State(pair.Alpha, name)}, {await State(pair.Bravo, name)}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        }
    }

    private static string Brief(string name, Guid uuid) =>
        $"""
        <domain type='qemu'>
          <name>{name}</name>
          <uuid>{uuid}</uuid>
          <memory unit='MiB'>16</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <devices><memballoon model='none'/></devices>
        </domain>
        """;

    public sealed class Hosts() : Crossings(new PassageOptions());
}
