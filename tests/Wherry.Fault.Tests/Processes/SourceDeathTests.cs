using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Processes;

/// <summary>The source's QEMU is killed. Until the hand-over that is the guest's end; after it the destination has all of it.</summary>
public sealed class SourceDeathTests(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [Fault(39)]
    [InlineData("src.migrate.sent", false)]
    [InlineData("src.stopped", false)]
    [InlineData("src.continue.sent", false)]
    [InlineData("src.handed.written", true)]
    [InlineData("src.commit.sent", true)]
    public async Task A_source_QEMU_that_is_killed_ends_the_guest_before_the_hand_over_and_not_after_it(string point, bool runs)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        await pair.Alpha.Virsh.RunWithXmlAsync("define", passage.Domain.Xml).Checked();
        await Aftermath.ArmAsync(pair.Alpha, $"{point}:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await Aftermath.HangsAsync(pair.Alpha);
        Aftermath.Signal(passage.Timeline.Pids[0], PosixSignal.Kill);
        await Aftermath.DeadAsync(passage.Timeline.Pids[0]);
        Aftermath.GoOn(pair.Alpha);
        var moved = await moving;
        output.WriteLine($"{point}: {moved}");
        if (runs)
        {
            Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(pair.Alpha, pair.Bravo)}");
            await Aftermath.RunsAsync(passage, pair, pair.Bravo, point);
            return;
        }

        Aftermath.Refused(moved, pair, "QEMU died");
        await Aftermath.GoneAsync(pair.Bravo, passage);
        await Aftermath.DeadAsync(passage.Timeline.Pids[1]);
        Assert.Equal("shut off (crashed)", await pair.Alpha.Virsh.AskAsync("domstate", "--reason", passage.Domain.Name));
        Assert.Equal(0, passage.Timeline.Speaker);
        Assert.Empty(passage.Timeline.Violations);
        await pair.Alpha.Virsh.AskAsync("start", passage.Domain.Name);
    }
}
