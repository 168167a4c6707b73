using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Proxies;
using Wherry.Wire.Remote;

namespace Wherry.Fault.Tests.Protocol;

/// <summary>A stock libvirtd 9.0 at one end. It knows no hand-over ids, so what is lost cannot be asked for: it can only be looked for.</summary>
public sealed class StockPeerTests(ITestOutputHelper output)
{
    /// <summary>F05 and F06 towards stock: whatever is lost, our half never runs beside its one.</summary>
    [Theory]
    [Fault(101)]
    [InlineData("question")]
    [InlineData("answer")]
    public async Task A_Finish_that_is_lost_on_the_way_to_or_from_stock_never_makes_two_guests(string lost)
    {
        await using var crossings = new Hosts(fromStock: false);
        await using var crossing = await crossings.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var cut = proxy.CutAt(lost == "question" ? RpcFrame.FinishCall() : RpcFrame.FinishReply, passes: false);
        var moved = await crossing.MoveAsync(proxy.Uri);
        crossing.Tell(moved);
        Assert.Equal(1, cut.Count);
        Assert.Empty(crossing.Passage.Timeline.Violations);
        var states = (await crossing.Passage.StateAsync(crossing.From), await crossing.Passage.StateAsync(crossing.To));
        output.WriteLine($"{lost} lost: at the source {states.Item1 ?? "absent"}, at stock {states.Item2 ?? "absent"}; virsh: {moved.Error.Trim()}");
        if (lost == "answer")
            Assert.True(states.Item2 == "running" || states.Item1 == "paused", $"{states}\n{crossing.Logs()}");
        else
            Assert.True(states is ("running", null) or ("paused", null), $"{states}\n{crossing.Logs()}");
    }

    /// <summary>That Finish has succeeded is the answer; what came along with it is only figures.</summary>
    [Fact]
    [Fault(96, 101)]
    public async Task A_cookie_of_stock_that_cannot_be_read_does_not_take_back_that_it_runs_the_guest()
    {
        await using var crossings = new Hosts(fromStock: false);
        await using var crossing = await crossings.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var altered = proxy.Alter(RpcFrame.FinishReply, bytes =>
        {
            bytes[bytes.AsSpan().IndexOf("<qemu-migration>"u8)] = (byte)'?';
            return bytes;
        });
        var moved = await crossing.MoveAsync(proxy.Uri);
        Assert.Equal(1, altered.Count);
        await crossing.MovedAsync(moved);
    }

    /// <summary>F19 and F20 towards stock: it ends its half with our connection, so the guest is here, and waits for a person where it might have run.</summary>
    [Theory(Explicit = true)]
    [Fault(101)]
    [InlineData("src.stopped", "running")]
    [InlineData("src.commit.sent", "paused")]
    public async Task A_daemon_that_dies_on_the_way_to_stock_has_its_guest_after_its_restart(string point, string state)
    {
        await using var crossings = new Hosts(fromStock: false);
        await using var crossing = await crossings.EnterAsync(output);
        await crossing.From.StopAsync();
        await crossing.From.StartAsync(("WHERRY_FAULT", $"{point}:crash"));
        var moving = crossing.MoveAsync();
        await crossing.From.Exited().WaitAsync(Passage.Limit);
        await crossing.From.StartAsync();
        await moving;
        await crossing.UntilAsync($"{state} here and absent there", async () =>
            await crossing.Passage.StateAsync(crossing.From) == state && await crossing.Passage.StateAsync(crossing.To) is null);
        Assert.Empty(crossing.Passage.Timeline.Violations);
        if (state == "running")
            await crossing.EndsAtAsync(crossing.From, again: true);
    }

    /// <summary>F36 towards stock.</summary>
    [Fact]
    [Fault(101)]
    public async Task A_QEMU_of_stock_that_is_killed_leaves_the_guest_here()
    {
        await using var crossings = new Hosts(fromStock: false);
        await using var crossing = await crossings.EnterAsync(output);
        var moving = crossing.MoveAsync(flags: ["--bandwidth", "1"]);
        await crossing.SendingAsync();
        PosixProcess.Signal(crossing.Passage.Timeline.Pids[^1], PosixSignal.Kill);
        await crossing.StayedAsync(await moving);
    }

    /// <summary>A stock source whose connection ends takes its guest back at once, unless it has been told that we run it.</summary>
    [Theory]
    [Fault(102)]
    [InlineData("Prepare answered")]
    [InlineData("Finish not arrived")]
    [InlineData("Finish answered")]
    public async Task A_stock_source_that_loses_us_keeps_its_guest_until_we_run_it(string moment)
    {
        await using var crossings = new Hosts(fromStock: true);
        await using var crossing = await crossings.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var cut = moment switch
        {
            "Prepare answered" => proxy.CutAt(RpcFrame.Reply(RemoteProcedure.DomainMigratePrepare3Params), passes: false),
            "Finish not arrived" => proxy.CutAt(RpcFrame.FinishCall(), passes: false),
            _ => proxy.CutAt(RpcFrame.FinishReply, passes: false),
        };
        var moved = await crossing.MoveAsync(proxy.Uri);
        crossing.Tell(moved);
        Assert.Equal(1, cut.Count);
        if (moment == "Finish answered")
        {
            // Nothing protects against this with a stock source: it resumes without asking. Its own word for it is the reply that it lost.
            output.WriteLine($"at stock {await crossing.Passage.StateAsync(crossing.From)}, here {await crossing.Passage.StateAsync(crossing.To)}: {string.Join("; ", crossing.Passage.Timeline.Violations.Take(1))}");
            Assert.Equal("running", await crossing.Passage.StateAsync(crossing.To));
            return;
        }

        Assert.False(moved.Succeeded);
        await crossing.UntilAsync("our half is gone", async () => await crossing.Passage.StateAsync(crossing.To) is null);
        await crossing.EndsAtAsync(crossing.From);
    }

    private sealed class Hosts(bool fromStock) : Crossings(new PassageOptions())
    {
        protected override Task<HostPair> HostsAsync() => fromStock
            ? RealHosts.PairAsync((host, _) => new StockLibvirtd(host), (host, _) => new Wherryd(host))
            : RealHosts.WherrydAndStockAsync();
    }
}
