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
        var lost = OfDestination(rules => rules.Swallow("cont"));
        var moving = crossing.MoveAsync();
        await crossing.ReachAsync((await lost.WaitAsync(Passage.Limit)).Reached, moving);
        await crossing.MovedAsync(await moving);
        Assert.Equal(1, hosts.Monitor.Replies.Commands.TakeWhile(command => command != "stop").Count(command => command == "cont")); // then the judges come
    }

    /// <summary>Not even what the guest does can be asked: it may run, so its source waits.</summary>
    [Fact(Explicit = true)]
    [Fault(44)]
    public async Task A_start_that_nothing_can_be_said_of_is_never_given_back()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var starts = OfDestination(rules => rules.Hold("cont"));
        var moving = crossing.MoveAsync();
        var start = await starts.WaitAsync(Passage.Limit);
        await crossing.ReachAsync(start.Reached, moving);
        var question = hosts.Monitor.Replies.Hold("query-status", count: 100);
        await crossing.UntilAsync("somebody is told", () => crossing.To.LogTail(200).Contains("does not say whether the guest", StringComparison.Ordinal));
        Assert.False(moving.IsCompleted);
        Assert.Contains("paused", await crossing.Passage.StateAsync(crossing.From), StringComparison.Ordinal);
        await start.ReleaseAsync();
        await question.ReleaseAsync();
        await crossing.MovedAsync(await moving);
    }

    private Task<QmpGate> OfDestination(Func<ReplyRules, QmpGate> rule)
    {
        var made = new TaskCompletionSource<QmpGate>(TaskCreationOptions.RunContinuationsAsynchronously);
        hosts.Emulator.Starting = (_, proxy) => made.TrySetResult(rule(proxy.Replies));
        return made.Task;
    }

    public sealed class Hosts() : TappedCrossings(PassageOptions.TwoWrittenDisks with { Bystander = true, SharedStorage = true });
}
