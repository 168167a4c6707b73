using Wherry.Testbed;
using Wherry.Testing;

namespace Wherry.Fault.Tests.Processes;

/// <summary>The destination's QEMU runs the guest, and its daemon does not hear so.</summary>
public sealed class UnansweredStartTests(UnansweredStartTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<UnansweredStartTests.Hosts>
{
    [Fact(Explicit = true)]
    [Fault(44)]
    public async Task A_start_whose_answer_is_lost_is_asked_for_once_more()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var (moving, _) = await StartsAsync(crossing, rules => rules.Swallow("cont"));
        await crossing.MovedAsync(await moving);
        Assert.Equal(1, hosts.Monitor.Replies.Commands.TakeWhile(command => command != "stop").Count(command => command == "cont")); // then the judges come
    }

    /// <summary>Not even what the guest does can be asked: it may run, so its source waits.</summary>
    [Fact(Explicit = true)]
    [Fault(44)]
    public async Task A_start_that_nothing_can_be_said_of_is_never_given_back()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var (moving, start) = await StartsAsync(crossing, rules => rules.Hold("cont"));
        var question = hosts.Monitor.Replies.Hold("query-status", count: 100);
        await crossing.UntilAsync("somebody is told", () => crossing.To.LogTail(200).Contains("does not say whether the guest", StringComparison.Ordinal));
        Assert.False(moving.IsCompleted);
        Assert.Contains("paused", await crossing.Passage.StateAsync(crossing.From), StringComparison.Ordinal);
        await start.ReleaseAsync();
        await question.ReleaseAsync();
        await crossing.MovedAsync(await moving);
    }

    /// <summary>A migration whose destination has been told to start the guest, with a rule for what its QEMU answers.</summary>
    private async Task<(Task<CommandResult> Moving, QmpGate Start)> StartsAsync(Crossing crossing, Func<ReplyRules, QmpGate> rule)
    {
        var made = new TaskCompletionSource<QmpGate>(TaskCreationOptions.RunContinuationsAsynchronously);
        hosts.Emulator.Starting = (_, proxy) => made.TrySetResult(rule(proxy.Replies));
        var moving = crossing.MoveAsync();
        var start = await made.Task.WaitAsync(Passage.Limit);
        await crossing.ReachAsync(start.Reached, moving);
        return (moving, start);
    }

    public sealed class Hosts() : TappedCrossings(PassageOptions.TwoWrittenDisks with { Bystander = true, SharedStorage = true });
}
