using Wherry.Testbed;

namespace Wherry.Fault.Tests.Crashes;

/// <summary>The guest has gone back to its source, and nobody could tell the destination, which has all of it.</summary>
public sealed class UnheardTests
{
    [Fact(Explicit = true)]
    [Fault(3, 19)]
    public async Task A_destination_that_was_cut_off_when_the_guest_went_back_is_told_as_soon_as_the_link_returns()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var (alpha, bravo) = (pair.Alpha, pair.Bravo);
        await Aftermath.ArmAsync(alpha, "src.completed:crash");
        var moving = passage.MoveAsync(alpha, bravo, ["--p2p", "--migrateuri", $"tcp://{bravo.Host.DataAddress}"]);
        await Aftermath.DiesAsync(alpha, moving, pair);
        await alpha.Host.CutAsync(["oifname ctl drop"], "iifname ctl drop");
        await moving;

        // The next daemon takes the guest back, and the one after it still knows whom nobody has told.
        await alpha.StartAsync();
        await Aftermath.ReachesAsync(alpha, passage.Domain.Name, "running");
        await Aftermath.UntilAsync("the source gives up telling it at once", () => alpha.LogTail(200).Contains("was not told yet", StringComparison.Ordinal), Passage.Limit, alpha);
        await Aftermath.NoJobAsync(passage, alpha);
        await alpha.StopAsync();
        await alpha.StartAsync();
        Assert.Equal("paused", await passage.StateAsync(bravo));

        await alpha.Host.MendAsync();
        await Aftermath.GoneAsync(bravo, passage);
        await Aftermath.RunsAsync(passage, pair, alpha);
        await Aftermath.AgainAsync(passage, pair, alpha);
    }
}
