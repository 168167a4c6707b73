using System.Diagnostics;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Proxies;
using Wherry.Wire.Frames;

namespace Wherry.Fault.Tests.Control;

/// <summary>
/// What is lost, late or repeated about Finish, by which the source says "it is yours". Two stock daemons end with two guests here.
/// </summary>
public sealed class LostFinishTests(LostFinishTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<LostFinishTests.Hosts>
{
    // Slow enough to have things done to it while it is sent.
    private static readonly string[] Slowly = ["--bandwidth", "1"];

    [Fact]
    [Fault(5)]
    public async Task A_question_that_never_arrives_is_asked_again_on_the_next_connection()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var lost = proxy.CutAt(RpcFrame.FinishCall(), passes: false);
        var asked = proxy.Notice(RpcFrame.ResolveCall);
        await crossing.MovedAsync(await crossing.MoveAsync(proxy.Uri));
        Assert.Equal((1, 1), (lost.Count, asked.Count));
    }

    [Fact]
    [Fault(6)]
    public async Task An_answer_that_never_arrives_is_asked_for_and_only_the_destination_runs()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var lost = proxy.CutAt(RpcFrame.FinishReply, passes: false);
        var asked = proxy.Notice(RpcFrame.ResolveCall);
        await crossing.MovedAsync(await crossing.MoveAsync(proxy.Uri));
        Assert.Equal((1, 1), (lost.Count, asked.Count));
    }

    /// <summary>Nothing is refused and nothing ends: only keepalive can tell.</summary>
    [Theory(Explicit = true)]
    [Fault(7)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_of_which_one_direction_is_dead_is_given_up_by_both_ends_and_replaced(bool toDaemon)
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var begun = proxy.Notice(toDaemon ? RpcFrame.FinishCall() : RpcFrame.FinishReply);
        var dead = proxy.Swallow(frame => frame.ToDaemon == toDaemon && begun.Count > 0, int.MaxValue);
        var moving = crossing.MoveAsync(proxy.Uri);
        await crossing.ReachAsync(dead.Fired, moving);
        await crossing.UntilAsync("the connection is given up", () => proxy.Closed > 0);
        dead.End();
        await crossing.MovedAsync(await moving);
    }

    [Fact(Explicit = true)]
    [Fault(8)]
    public async Task A_destination_that_is_frozen_with_the_question_before_it_finds_the_guest_untouched_when_it_wakes()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var question = proxy.Hold(RpcFrame.FinishCall());
        var moving = crossing.MoveAsync(proxy.Uri);
        await crossing.ReachAsync(question.Fired, moving);
        crossing.To.Signal(PosixSignal.Stop);
        question.Release();

        // The source has given the connection up, and asks on others, which nobody answers.
        await crossing.UntilAsync("the source asks anew", () => proxy.Closed > 1);
        Assert.Contains("paused", await crossing.Passage.StateAsync(crossing.From), StringComparison.Ordinal);
        crossing.To.Signal(PosixSignal.Continue);
        await crossing.MovedAsync(await moving);
        Assert.Equal(1, hosts.Monitor.Replies.Commands.Count(command => command == "cont"));
    }

    /// <summary>It is told the truth about the attempt that it asks about, and that attempt alone.</summary>
    [Theory]
    [Fault(12)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_question_about_an_earlier_attempt_decides_nothing_about_the_one_that_runs(bool itRan)
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var first = proxy.Notice(RpcFrame.FinishCall(cancelled: !itRan));
        if (itRan)
        {
            await crossing.MoveAsync(proxy.Uri).Checked();
            await crossing.Passage.MoveAsync(crossing.To, crossing.From, ["--p2p"]).Checked();
        }
        else
        {
            var aborted = crossing.MoveAsync(proxy.Uri, Slowly);
            await crossing.SendingAsync();
            await crossing.From.Virsh.AskAsync("domjobabort", crossing.Name);
            Assert.False((await aborted).Succeeded);
        }

        // "May it run?", also where it was "it may not", and asked on the connection of the second attempt.
        var question = await first.Fired.WaitAsync(Passage.Limit);
        question.Bytes[^1] = 0;
        var moving = crossing.MoveAsync(proxy.Uri, Slowly);
        await crossing.SendingAsync();
        var began = Stopwatch.GetTimestamp();
        var answer = await proxy.ReplayAsync(question);
        Assert.Equal(itRan ? MessageStatus.Ok : MessageStatus.Error, answer.Header.Status);
        Assert.Equal("paused", await crossing.Passage.StateAsync(crossing.To));
        output.WriteLine($"answered after {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms");

        await crossing.From.Virsh.AskAsync("migrate-setspeed", crossing.Name, "1000");
        await crossing.MovedAsync(await moving);
    }

    [Fact]
    [Fault(13)]
    public async Task A_question_that_arrives_twice_starts_the_guest_once()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var twice = proxy.Duplicate(RpcFrame.FinishCall());
        await crossing.MovedAsync(await crossing.MoveAsync(proxy.Uri));
        Assert.Equal(1, twice.Count);
        Assert.Equal(1, hosts.Monitor.Replies.Commands.Count(command => command == "cont"));
    }

    public sealed class Hosts() : TappedCrossings(new PassageOptions { Bystander = true })
    {
        protected override Task<HostPair> HostsAsync() => RealHosts.PairAsync((host, port) => new Wherryd(host, port)
        {
            MoreQemuConfiguration = "keepalive_interval = 1\nkeepalive_count = 2",
        });
    }
}
