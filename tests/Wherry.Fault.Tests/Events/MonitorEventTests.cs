using System.Globalization;
using System.Text.Json.Nodes;
using Wherry.Testbed;
using Wherry.Testbed.Judges;
using Wherry.Testing;

namespace Wherry.Fault.Tests.Events;

/// <summary>Events that come late, twice, in another order or not at all: what QEMU is asked for is the truth, an event only says when to ask.</summary>
public sealed class MonitorEventTests(MonitorEventTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<MonitorEventTests.Hosts>
{
    private static readonly TimeSpan SlowestQuery = TimeSpan.FromSeconds(1);

    [Theory]
    [Fault(54)]
    [Trait("req", "S0.14")]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public async Task Mirrors_may_end_in_any_order(params int[] order)
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var source = hosts.Monitor.Events;
        source.EndJobsInOrder([.. order.Select(Job)]);
        var before = source.Sent("BLOCK_JOB_COMPLETED");
        await crossing.MovedAsync(await crossing.MoveAsync());
        Assert.Equal(2, source.Sent("BLOCK_JOB_COMPLETED") - before);
    }

    [Theory]
    [Fault(56)]
    [InlineData("MIGRATION")]
    [InlineData("BLOCK_JOB_READY")]
    [InlineData("BLOCK_JOB_COMPLETED")]
    [InlineData("JOB_STATUS_CHANGE")]
    [InlineData("STOP", Explicit = true)]
    [InlineData("RESUME", Explicit = true)]
    [InlineData("MIGRATION_PASS", Explicit = true)]
    public async Task Events_of_one_kind_may_be_lost(string name)
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        OnBoth((_, rules) => rules.Drop(name));
        await crossing.MovedAsync(await crossing.MoveAsync());
        var silence = crossing.Passage.Timeline.HandOvers[^1].Silence;
        output.WriteLine($"without {name}: silent for {silence.TotalMilliseconds:0} ms");
        Assert.True(silence < SlowestQuery * 4, $"silent for {silence}"); // stopped, drained, completed, loaded: each found by asking at the latest
    }

    [Theory]
    [Fault(57)]
    [InlineData("twice")]
    [InlineData("after the next reply")]
    [InlineData("when all is over", Explicit = true)]
    public async Task Events_may_come_twice_or_late(string how)
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        string[] names = ["MIGRATION", "STOP", "RESUME", "BLOCK_JOB_READY", "BLOCK_JOB_COMPLETED", "JOB_STATUS_CHANGE"];
        var held = new List<QmpGate>();
        OnBoth((_, rules) =>
        {
            foreach (var name in names)
            {
                if (how == "twice")
                    rules.Duplicate(name);
                else if (how == "after the next reply")
                    rules.AfterNextReply(name);
                else
                    held.Add(rules.Hold(name));
            }
        });
        var moved = await crossing.MoveAsync();
        foreach (var gate in held)
            await gate.ReleaseAsync();
        await crossing.MovedAsync(moved);
    }

    [Fact]
    [Fault(58)]
    public async Task A_mirror_that_was_ready_first_waits_for_the_other()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var monitor = hosts.Monitor;
        const long slow = 1 << 20;
        monitor.Replies.Edit("blockdev-mirror", arguments =>
        {
            if ((string?)arguments["job-id"] == Job(0))
                arguments["speed"] = slow;
        }, count: 2);
        var moving = crossing.MoveAsync();
        await crossing.UntilAsync("the other disk is ready", () => monitor.Events.Sent("BLOCK_JOB_READY") > 0);
        await crossing.Passage.Timeline.WaitForBeatAsync(Passage.Limit);
        Assert.DoesNotContain("migrate", monitor.Replies.Commands);

        using (var client = new PlainClient(crossing.From))
        {
            var jobs = client.Monitor(client.Find(crossing.Name), "query-block-jobs")!.AsArray();
            Assert.Equal([false, true], jobs.OrderBy(job => (string?)job!["device"], StringComparer.Ordinal).Select(job => (bool)job!["ready"]!));
            client.Monitor(client.Find(crossing.Name), "block-job-set-speed", $$"""{"device":"{{Job(0)}}","speed":0}""");
        }

        await crossing.MovedAsync(await moving);
    }

    [Fact]
    [Fault(59)]
    public async Task That_the_memory_is_sent_may_be_known_before_that_the_guest_has_stopped()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var stop = hosts.Monitor.Events.Hold("STOP");
        var moved = await crossing.MoveAsync();
        await stop.ReleaseAsync();
        await crossing.MovedAsync(moved);
    }

    [Fact]
    [Fault(65)]
    public async Task Timestamps_that_run_backwards_change_nothing()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        OnBoth((_, rules) =>
        {
            var seconds = 2_000_000_000L;
            rules.Rewrite(null, e => e["timestamp"] = new JsonObject { ["seconds"] = seconds -= 3600, ["microseconds"] = 999_999 });
        });
        await crossing.MovedAsync(await crossing.MoveAsync());
    }

    private static string Job(int disk) => string.Create(CultureInfo.InvariantCulture, $"drive-virtio-disk{disk}");

    private void OnBoth(Action<int, EventRules> rules)
    {
        rules(0, hosts.Monitor.Events);
        hosts.Emulator.Starting = (number, proxy) => rules(number, proxy.Events);
    }

    public sealed class Hosts() : TappedCrossings(PassageOptions.TwoWrittenDisks with { Bystander = true });
}
