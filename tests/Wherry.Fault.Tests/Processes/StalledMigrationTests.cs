using System.Globalization;
using Wherry.Testbed;

namespace Wherry.Fault.Tests.Processes;

/// <summary>A destination QEMU that stops answering in the middle: no packet is refused, none is acknowledged for long either.</summary>
public sealed class StalledMigrationTests(ITestOutputHelper output)
{
    // T_stall is 5 s; the rest is the way back, on a busy machine.
    private static readonly TimeSpan GivenUpWithin = TimeSpan.FromSeconds(20);

    [Fact(Explicit = true)]
    [Fault(41, 71)]
    public async Task A_guest_whose_destination_hangs_while_its_disks_are_copied_goes_on_where_it_is()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);

        // Slow enough to be in the middle of it for long.
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--bandwidth", "6"]);
        await passage.Timeline.WaitAsync("the destination's QEMU", t => t.Pids.Length == 2, Passage.Limit);
        var incoming = passage.Timeline.Pids[1];
        while (!(await pair.Alpha.Virsh.AskAsync("domjobinfo", passage.Domain.Name)).Contains("File processed", StringComparison.Ordinal))
        {
            await passage.Timeline.WaitForBeatAsync(Passage.Limit);
        }

        await Command.RunAsync(["kill", "-STOP", incoming.ToString(CultureInfo.InvariantCulture)]).Checked();
        var moved = await moving.WaitAsync(GivenUpWithin);
        output.WriteLine(moved.ToString());
        Assert.False(moved.Succeeded);
        Assert.True(moved.Error.Contains("stalled", StringComparison.Ordinal), $"{moved}\n{pair.Alpha.LogTail()}");

        await passage.Timeline.WaitAsync("the end of the QEMU that hung", _ => !File.Exists($"/proc/{incoming}/exe"), Passage.Limit);
        var problems = await passage.JudgeAsync(pair.Alpha);
        Assert.True(problems.Count == 0, $"{string.Join("; ", problems)}\n{pair.Alpha.LogTail()}");

        // And nothing of the attempt is in its way.
        await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]).Checked();
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }
}
