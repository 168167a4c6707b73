using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Processes;

/// <summary>The destination has everything, and its QEMU refuses to run the guest.</summary>
public sealed class RefusedStartTests(ITestOutputHelper output)
{
    /// <summary>Another process takes an image's lock in the moment in which neither QEMU has it.</summary>
    [Theory(Explicit = true)]
    [Fault(43)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_whose_image_somebody_else_has_locked_is_given_back_to_its_source(bool paused)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { SharedStorage = true });
        var name = passage.Domain.Name;
        if (paused)
            await pair.Alpha.Virsh.AskAsync("suspend", name);

        await Aftermath.ArmAsync(pair.Alpha, "src.handed.written:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await Aftermath.HangsAsync(pair.Alpha);
        await using (var thief = await LockAsync(passage, pair.Bravo))
        {
            Aftermath.GoOn(pair.Alpha);

            // The source cannot take its images back either, until the thief lets go.
            await Aftermath.UntilAsync(
                "the destination gives it back", async () => await passage.StateAsync(pair.Bravo) is null, logs: [pair.Alpha, pair.Bravo]);
            thief.CloseInput();
            await thief.EndAsync();
        }

        var moved = await moving;
        output.WriteLine(moved.ToString());
        Aftermath.Refused(moved, pair, "lock", "disk-b.img");
        if (paused)
        {
            Assert.Equal("paused (user)", await pair.Alpha.Virsh.AskAsync("domstate", "--reason", name));
            await pair.Alpha.Virsh.AskAsync("resume", name);
        }

        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>Somebody goes behind the daemons' backs, and has the source run what has been handed over. The images' locks are the last belt.</summary>
    [Fact(Explicit = true)]
    [Fault(81)]
    public async Task Of_two_QEMUs_that_are_told_to_run_one_guest_on_one_disk_the_second_is_refused()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { SharedStorage = true });
        await Aftermath.ArmAsync(pair.Bravo, "dst.loaded:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await Aftermath.HangsAsync(pair.Bravo);
        await pair.Alpha.Virsh.AskAsync("qemu-monitor-command", passage.Domain.Name, """{"execute":"cont"}""");
        await passage.Timeline.WaitForBeatAsync(Aftermath.Soon);
        Aftermath.GoOn(pair.Bravo);
        var moved = await moving;
        output.WriteLine(moved.ToString());
        Aftermath.Refused(moved, pair, "lock");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        Assert.Equal(0, passage.Timeline.Speaker);
    }

    /// <summary>A program that has the guest's second disk open for writing until the end of its input.</summary>
    private static async Task<LongCommand> LockAsync(Passage passage, DaemonRunner daemon)
    {
        var image = passage.Domain.Disks[1].Path;
        var thief = LongCommand.Start(daemon.Host, "sh", "-c", "(echo 'read 0 512'; cat) | qemu-io -f raw \"$0\"", image);
        Assert.True(await thief.WaitAsync(lines => lines.Any(line => line.Contains("read 512", StringComparison.Ordinal)), Aftermath.Soon), "qemu-io did not get the lock");
        return thief;
    }
}
