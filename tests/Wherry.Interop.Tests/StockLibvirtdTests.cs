using Wherry.Testbed;

namespace Wherry.Interop.Tests;

/// <summary>The testbed itself, proved on the daemon that we did not write: what the judges say of stock libvirtd must be right.</summary>
[Collection(nameof(OneAtATime))]
public sealed class StockLibvirtdTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_guest_with_two_copied_disks_moves_between_stock_hosts_and_the_judges_agree()
    {
        await using var pair = await RealHosts.TwoStockAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        Assert.True(moved.Succeeded, moved.ToString());
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
        output.WriteLine($"moved in {moved.Elapsed.TotalSeconds:0.00} s; {string.Join(", ", passage.Timeline.HandOvers)}; longest silence {passage.Timeline.LongestSilence()}");
    }
}
