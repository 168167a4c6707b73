using Wherry.Testbed;
using Wherry.Testbed.Proxies;

namespace Wherry.Fault.Tests.Control;

/// <summary>The connection ends while the question "shall it run?" is on its way, or the answer. Where a stock pair ends with two guests.</summary>
public sealed class LostFinishTests(ITestOutputHelper output)
{
    [Fact]
    [Fault(5)]
    public async Task A_question_that_never_arrives_is_asked_again_on_the_next_connection()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        await using var proxy = new RpcProxy(pair.Bravo);
        var lost = proxy.CutAt(RpcFrame.FinishCall(), passes: false);
        var asked = proxy.Notice(RpcFrame.ResolveCall);

        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"], via: proxy.Uri);
        output.WriteLine(moved.ToString());
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.Equal((1, 1), (lost.Count, asked.Count));
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    [Fact]
    [Fault(6)]
    public async Task An_answer_that_never_arrives_is_asked_for_and_only_the_destination_runs()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        await using var proxy = new RpcProxy(pair.Bravo);
        var lost = proxy.CutAt(RpcFrame.FinishReply, passes: false);
        var asked = proxy.Notice(RpcFrame.ResolveCall);

        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"], via: proxy.Uri);
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.Equal((1, 1), (lost.Count, asked.Count));
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }
}
