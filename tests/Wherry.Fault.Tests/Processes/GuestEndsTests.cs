using Wherry.Testbed;
using Wherry.Testbed.Guest;

namespace Wherry.Fault.Tests.Processes;

/// <summary>The guest does not care that it migrates: it powers off, resets, panics, and its disks fail.</summary>
public sealed class GuestEndsTests(ITestOutputHelper output)
{
    // Some seconds of pre-copy.
    private static readonly string[] Slowly = ["--p2p", "--bandwidth", "16"];

    private static readonly PassageOptions Busy = new() { Load = new GuestLoad(DirtyMiBps: 10, TouchMiB: 32) };

    [Fact(Explicit = true)]
    [Fault(52)]
    public async Task A_guest_that_powers_off_while_it_migrates_is_shut_off_once_and_where_it_was()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Busy);
        var name = passage.Domain.Name;
        await pair.Alpha.Virsh.RunWithXmlAsync("define", passage.Domain.Xml).Checked();
        await using var events = LongCommand.Start(pair.Alpha.Host, "virsh", "-c", pair.Alpha.PeerUri, "event", "--all", "--loop");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, Slowly);
        await Tampering.FlowsAsync(passage, pair.Alpha);
        passage.Type("poweroff");
        var moved = await moving;
        output.WriteLine(moved.ToString());
        Aftermath.Refused(moved, pair);
        await Aftermath.ReachesAsync(pair.Alpha, name, "shut off (shutdown)");
        await Aftermath.GoneAsync(pair.Bravo, passage);
        Assert.Contains("None", await pair.Alpha.Virsh.RunAsync("domjobinfo", name) is { Succeeded: true } job ? job.Output : "None", StringComparison.Ordinal);
        Assert.Equal(0, passage.Timeline.Speaker);
        Assert.True(await events.WaitAsync(lines => lines.Any(IsStopped), Aftermath.Soon));
        Assert.Single(events.Lines, IsStopped);

        // It can be started, and migrates.
        await pair.Alpha.Virsh.AskAsync("start", name);
        await passage.Timeline.WaitAsync("the guest, booted anew", t => t.Speaker == 2, Passage.Limit);
        await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]).Checked();
        Assert.Equal("running", await passage.StateAsync(pair.Bravo));

        static bool IsStopped(string line) => line.Contains("'lifecycle'", StringComparison.Ordinal) && line.Contains("Stopped", StringComparison.Ordinal);
    }

    [Theory(Explicit = true)]
    [Fault(52)]
    [InlineData("reboot")]
    [InlineData("panic")] // which its kernel answers with a reboot
    public async Task A_guest_that_resets_while_it_migrates_arrives_all_the_same(string command)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Busy);
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, Slowly);
        await Tampering.FlowsAsync(passage, pair.Alpha);
        passage.Type(command);
        var moved = await moving;
        Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(pair.Alpha, pair.Bravo)}");
        Assert.Equal("running", await passage.StateAsync(pair.Bravo));
        Assert.Null(await passage.StateAsync(pair.Alpha));
        await passage.Timeline.WaitAsync("the guest, booted anew, at its destination", t => t.Speaker == 1 && t.Beats.Count(beat => beat.Count == 1) == 2, Passage.Limit);
        await Aftermath.NoJobAsync(passage, pair.Bravo);
    }

    /// <summary>Its disk is full at the source; the destination has room, and there the write that failed is done again.</summary>
    [Theory(Explicit = true)]
    [Fault(53)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_guest_whose_disk_fails_while_it_migrates_is_moved_unless_its_user_wants_that_to_end_it(bool abortOnError)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await Tampering.ShrinkAsync(pair.Alpha.Host, pair.Alpha.Host.Images, "60m");
        await pair.Alpha.Host.RunAsync("truncate", "-s", "64M", Path.Combine(pair.Alpha.Host.Images, "disk-a.img")).Checked();
        await using var passage = await Passage.BoardAsync(
            pair, new PassageOptions { Disks = 1, Load = new GuestLoad(WriteKiBps: 2048, DirtyMiBps: 10, TouchMiB: 32) });
        var name = passage.Domain.Name;
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, [.. Slowly, .. abortOnError ? ["--abort-on-error"] : Array.Empty<string>()]);
        await Tampering.FlowsAsync(passage, pair.Alpha);
        await pair.Alpha.Host.RunAsync("dd", "if=/dev/zero", $"of={pair.Alpha.Host.Images}/filler", "bs=4096");
        var moved = await moving;
        output.WriteLine(moved.ToString());
        if (abortOnError)
        {
            Aftermath.Refused(moved, pair, "I/O error");
            await Aftermath.ReachesAsync(pair.Alpha, name, "paused (I/O error)");
            await Aftermath.GoneAsync(pair.Bravo, passage);
            await Aftermath.NoJobAsync(passage, pair.Alpha);
            Assert.Equal(0, passage.Timeline.Speaker);
            return;
        }

        Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(pair.Alpha, pair.Bravo)}");
        Assert.Null(await passage.StateAsync(pair.Alpha));
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
    }
}
