using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Disks;

/// <summary>The connections over which disks are copied break, hang or lag, while the guest writes.</summary>
public sealed class BrokenCopyTests(ITestOutputHelper output)
{
    // T_stall of a write-blocking mirror, and a second; on a machine with two processors and many guests.
    private static readonly TimeSpan WritesHangFor = TimeSpan.FromSeconds(12);

    [Fact(Explicit = true)]
    [Fault(69, 74)]
    public async Task A_copy_whose_connection_is_reset_fails_once_with_its_disk_and_leaves_no_job()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        foreach (var point in new[] { "src.mirror.added", "src.mirror.ready", "src.stopped" })
        {
            await Aftermath.ArmAsync(pair.Alpha, $"{point}:hang");
            await using var events = LongCommand.Start(pair.Bravo.Host, "virsh", "-c", pair.Alpha.PeerUri, "event", "--all", "--loop");
            var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
            await Aftermath.HangsAsync(pair.Alpha);
            await Tampering.CutAsync(pair.Alpha.Host, "meta l4proto tcp tcp dport 49153 reject with tcp reset");

            // A guest that runs writes, and finds out.
            if (point != "src.stopped")
                await passage.Timeline.WaitForBeatAsync(Aftermath.Soon);

            Aftermath.GoOn(pair.Alpha);
            var moved = await moving;
            output.WriteLine($"{point}: {moved}");
            await Tampering.HealAsync(pair.Alpha);
            Aftermath.Refused(moved, pair, "disk");
            Assert.Contains("vd", moved.Error, StringComparison.Ordinal);
            await Aftermath.RunsAsync(passage, pair, pair.Alpha, point);
            Assert.True(events.Lines.Count(line => line.Contains("'block-job-2'", StringComparison.Ordinal) && line.Contains("failed", StringComparison.Ordinal)) <= 2);
            var jobs = await pair.Alpha.Virsh.AskAsync("qemu-monitor-command", passage.Domain.Name, """{"execute":"query-jobs"}""");
            Assert.Contains("\"return\":[]", jobs, StringComparison.Ordinal);
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    [Fact(Explicit = true)]
    [Fault(42, 71)]
    public async Task Guest_writes_that_wait_for_a_destination_behind_a_black_hole_go_on_after_five_seconds()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--bandwidth", "16", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}"]);
        await Tampering.FlowsAsync(passage, pair.Alpha);
        await Tampering.BlackHoleAsync(pair);
        var (cut, flushed) = (Stopwatch.GetTimestamp(), passage.Timeline.Flushed('a'));

        // What was on its way to the disk may still be reported; a quarter of a second's worth.
        await passage.Timeline.WaitAsync("the guest's writes", t => t.Flushed('a') > flushed + 256, Passage.Limit);
        var hung = Stopwatch.GetElapsedTime(cut);
        var moved = await moving;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"its writes hung for {hung.TotalSeconds:0.0} s; silent for {passage.Timeline.LongestSilence(cut).TotalSeconds:0.0} s; {moved}"));
        Aftermath.Refused(moved, pair, "stalled");
        Assert.True(hung < WritesHangFor, $"its writes hung for {hung}");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        await Tampering.HealAsync(pair.Alpha, pair.Bravo);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>The disks are connected when the link goes, the memory is not: QEMU can neither be yanked from its connect nor talked out of it.</summary>
    [Fact(Explicit = true)]
    [Fault(70)]
    public async Task A_memory_stream_that_cannot_even_connect_is_given_up_while_QEMU_still_tries()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        await Aftermath.ArmAsync(pair.Alpha, "src.mirror.ready:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}"]);
        await Aftermath.HangsAsync(pair.Alpha);
        await Tampering.BlackHoleAsync(pair);
        Aftermath.GoOn(pair.Alpha);
        var moved = await moving;
        output.WriteLine($"{moved}; silent for {passage.Timeline.LongestSilence()}");
        Aftermath.Refused(moved, pair, "stalled");
        Assert.True(moved.Elapsed < TimeSpan.FromSeconds(50), $"after {moved.Elapsed}");
        await Aftermath.RunsWithTracesAsync(passage, pair, pair.Alpha); // QEMU takes no settings while it connects
        Aftermath.Refused(await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]), pair, "has not ended an earlier migration");
        await Tampering.HealAsync(pair.Alpha, pair.Bravo);
        await Aftermath.UntilAsync(
            "QEMU gives up, too",
            async () => !(await pair.Alpha.Virsh.AskAsync("qemu-monitor-command", passage.Domain.Name, """{"execute":"query-migrate"}""")).Contains("cancelling", StringComparison.Ordinal),
            Passage.Limit,
            pair.Alpha);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>Once QEMU itself connects, in blockdev-add, nothing else is done in it until that has ended: for two minutes in a black hole.</summary>
    [Fact(Explicit = true)]
    [Fault(70)]
    public async Task A_copy_that_cannot_even_begin_is_given_up_and_the_guest_is_not_disturbed()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions { Disks = 1 });
        await Aftermath.ArmAsync(pair.Alpha, "src.prepare.reply:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}"]);
        await Aftermath.HangsAsync(pair.Alpha);
        await Tampering.BlackHoleAsync(pair);
        Aftermath.GoOn(pair.Alpha);
        var moved = await moving;
        output.WriteLine($"{moved}; silent for {passage.Timeline.LongestSilence()}");
        Aftermath.Refused(moved, pair, pair.Bravo.Host.DataAddress);
        Assert.True(moved.Elapsed < TimeSpan.FromSeconds(30), $"after {moved.Elapsed}");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        await Tampering.HealAsync(pair.Alpha, pair.Bravo);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>There is one connection to a disk's copy, so one of them can be made slow; and one disk has nothing to copy at all.</summary>
    [Fact(Explicit = true)]
    [Fault(78)]
    public async Task Eight_disks_of_which_one_lags_behind_and_one_is_idle_all_arrive()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        foreach (var host in new[] { pair.Alpha.Host, pair.Bravo.Host })
            await new TestDisk(Path.Combine(host.ImagesOutside, "idle.img"), MiB: 16).CreateAsync();

        await using var passage = await Passage.BoardAsync(pair, new PassageOptions
        {
            Disks = 7,
            DiskMiB = 16,
            Load = new GuestLoad(WriteKiBps: 256),
            // The guest has no driver for it.
            Devices = $"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{pair.Alpha.Host.Images}/idle.img'/><target dev='sda' bus='sata'/></disk>",
        });
        await Aftermath.ArmAsync(pair.Alpha, "src.mirror.ready:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await Aftermath.HangsAsync(pair.Alpha);
        var connections = (await pair.Alpha.Host.RunAsync("ss", "-tnH", "dport", "=", ":49153").Checked()).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(8, connections.Length);
        var port = connections[3].Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Split(':')[^1];
        await Tampering.CutAsync(pair.Alpha.Host, $"tcp sport {port} limit rate over 100 kbytes/second drop");
        Aftermath.GoOn(pair.Alpha);
        var moved = await moving;
        await Tampering.HealAsync(pair.Alpha);
        Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(pair.Alpha, pair.Bravo)}");
        output.WriteLine($"{moved.Elapsed}; silent for {passage.Timeline.HandOvers[0].Silence}");
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
    }

    [Fact(Explicit = true)]
    [Fault(80)]
    public async Task A_source_QEMU_that_is_killed_after_the_guest_has_moved_has_nothing_left_to_write()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { SharedStorage = true });
        await Aftermath.ArmAsync(pair.Alpha, "src.released.written:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await Aftermath.HangsAsync(pair.Alpha);
        await passage.Timeline.WaitAsync("the guest at its destination", t => t.Speaker == 1, Passage.Limit);
        Aftermath.Signal(passage.Timeline.Pids[0], PosixSignal.Kill);
        await Aftermath.DeadAsync(passage.Timeline.Pids[0]);
        Aftermath.GoOn(pair.Alpha);
        Assert.True((await moving).Succeeded);
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
        await Aftermath.AgainAsync(passage, pair, pair.Bravo);
    }
}
