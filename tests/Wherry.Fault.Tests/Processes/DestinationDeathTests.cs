using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Processes;

/// <summary>The destination's QEMU dies or stops at a chosen moment: the source daemon is held there while it happens.</summary>
public sealed class DestinationDeathTests(ITestOutputHelper output)
{
    // D5: detected within a second, and back three seconds later; half as much again for a busy machine.
    private static readonly TimeSpan StandsStillFor = TimeSpan.FromSeconds(6);

    private static readonly PassageOptions Shared = PassageOptions.TwoWrittenDisks with { SharedStorage = true };

    [Fact(Explicit = true)]
    [Fault(36, 68)]
    public async Task A_destination_QEMU_that_is_killed_at_any_moment_before_the_hand_over_leaves_the_guest_where_it_was()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);

        // Waiting, active, pre-switchover (mirrors owe nothing that anybody would notice), device, completed.
        foreach (var point in new[] { "src.prepare.reply", "src.migrate.sent", "src.stopped", "src.drained", "src.continue.sent", "src.completed", "src.commit.sent" })
        {
            var moved = await KillIncomingAsync(pair, passage, point);
            output.WriteLine($"{point}: {moved}");
            Aftermath.Refused(moved, pair);
            await Aftermath.RunsAsync(passage, pair, pair.Alpha, point);
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>Without a way back for QEMU's word the source's QEMU says "completed" of a guest that arrived nowhere.</summary>
    [Fact(Explicit = true)]
    [Fault(88)]
    public async Task A_tunnelled_guest_whose_destination_QEMU_is_killed_at_the_end_is_not_lost()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Shared);
        foreach (var point in new[] { "src.stopped", "src.completed", "src.commit.sent" })
        {
            var moved = await KillIncomingAsync(pair, passage, point, "--tunnelled");
            output.WriteLine($"{point}: {moved}");
            Aftermath.Refused(moved, pair);
            await Aftermath.RunsAsync(passage, pair, pair.Alpha, point);
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha, "--tunnelled");
    }

    /// <summary>It may still load everything and report "completed", when the source has long taken the guest back: only the hand-over id
    /// keeps it from being started.</summary>
    [Fact(Explicit = true)]
    [Fault(40)]
    public async Task A_destination_QEMU_that_completes_after_the_source_has_given_up_is_not_started()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Shared);
        await Aftermath.ArmAsync(pair.Alpha, "src.stopped:hang");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await Aftermath.HangsAsync(pair.Alpha);
        var incoming = passage.Timeline.Pids[1];
        Aftermath.Signal(incoming, PosixSignal.Stop);
        Aftermath.GoOn(pair.Alpha);

        // The destination's daemon hears nothing of the cancel until its QEMU has had the time to load.
        pair.Bravo.Signal(PosixSignal.Stop);
        var abort = pair.Alpha.Virsh.RunAsync("domjobabort", passage.Domain.Name);
        await passage.Timeline.WaitForBeatAsync(TimeSpan.FromSeconds(45));
        Aftermath.Signal(incoming, PosixSignal.Continue);
        await passage.Timeline.WaitForBeatAsync(Aftermath.Soon);
        Aftermath.GoOn(pair.Bravo);
        output.WriteLine((await abort).ToString());
        Aftermath.Refused(await moving, pair);
        await Aftermath.DeadAsync(incoming);
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        Assert.Equal(0, passage.Timeline.Speaker);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    private static async Task<CommandResult> KillIncomingAsync(HostPair pair, Passage passage, string point, params string[] flags)
    {
        await Aftermath.ArmAsync(pair.Alpha, $"{point}:hang");
        var before = passage.Timeline.Pids.Length;
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", .. flags]);
        await Aftermath.HangsAsync(pair.Alpha);
        var incoming = passage.Timeline.Pids[before];
        Aftermath.Signal(incoming, PosixSignal.Kill);
        await Aftermath.DeadAsync(incoming);
        var dead = System.Diagnostics.Stopwatch.GetTimestamp();
        Aftermath.GoOn(pair.Alpha);
        await passage.Timeline.WaitForBeatAsync(StandsStillFor);
        var silence = passage.Timeline.LongestSilence(dead);
        Assert.True(silence < StandsStillFor, $"{point}: it stood for {silence}");
        return await moving;
    }
}
