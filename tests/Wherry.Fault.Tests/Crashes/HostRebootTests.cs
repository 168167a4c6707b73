using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Crashes;

/// <summary>
/// More than a daemon is gone: its QEMU too, or the whole host, with another boot id and an empty /run when it comes back.
/// </summary>
public sealed class HostRebootTests
{
    /// <summary>Between INTENT and the end of `cont` nobody can know whether the guest executed an instruction: it counts as having run.</summary>
    [Fact(Explicit = true)]
    [Fault(26)]
    public async Task A_guest_that_may_have_run_at_its_destination_and_is_dead_there_is_not_resumed_at_its_source()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var moving = await CrashAsync(pair.Bravo, "dst.intent.written", pair, passage);
        await KillQemuAsync(passage, 1);
        await pair.Bravo.StartAsync();
        await CrashedThereAsync(pair, passage, moving);
    }

    [Fact(Explicit = true)]
    [Fault(32)]
    public async Task A_guest_that_ran_at_a_destination_whose_host_reboots_before_the_source_has_heard_of_it_does_not_go_back_in_time()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var moving = await CrashAsync(pair.Bravo, "dst.run.replied", pair, passage);
        await passage.Timeline.WaitAsync("the guest at its destination", t => t.Speaker == 1, Passage.Limit);
        await RebootAsync((Wherryd)pair.Bravo, passage, 1);
        await CrashedThereAsync(pair, passage, moving);
    }

    [Fact]
    [Fault(33)]
    public async Task A_source_whose_host_reboots_after_the_hand_over_does_not_autostart_what_its_destination_runs()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var name = passage.Domain.Name;
        await pair.Alpha.Virsh.RunWithXmlAsync("define", passage.Domain.Xml).Checked();
        await pair.Alpha.Virsh.AskAsync("autostart", name);

        // Nobody can be asked at first.
        await CrashAsync(pair.Alpha, "src.commit.sent", pair, passage);
        pair.Bravo.Signal(PosixSignal.Stop);
        await RebootAsync((Wherryd)pair.Alpha, passage, 0);
        Assert.Equal("shut off", await passage.StateAsync(pair.Alpha));
        Aftermath.Refused(await pair.Alpha.Virsh.RunAsync("start", name), pair, "handed over");

        // The directory of a QEMU that went with its host is left, as stock leaves it.
        Aftermath.GoOn(pair.Bravo);
        await Aftermath.RunsWithTracesAsync(passage, pair, pair.Bravo);
        Assert.Equal(2, passage.Timeline.Pids.Length);
    }

    private static async Task<Task<CommandResult>> CrashAsync(DaemonRunner victim, string point, HostPair pair, Passage passage)
    {
        await Aftermath.ArmAsync(victim, $"{point}:crash");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--persistent"]);
        await victim.Exited().WaitAsync(Passage.Limit);
        return moving;
    }

    private static async Task KillQemuAsync(Passage passage, int which)
    {
        var pid = passage.Timeline.Pids[which];
        Aftermath.Signal(pid, PosixSignal.Kill);
        await Aftermath.DeadAsync(pid);
    }

    /// <summary>The daemon is dead already; what runs and what is not on a disk goes with the host.</summary>
    private static async Task RebootAsync(Wherryd daemon, Passage passage, int qemu)
    {
        await KillQemuAsync(passage, qemu);
        Directory.Delete(daemon.RuntimeDirectory, recursive: true);
        var boot = Path.Combine(daemon.Host.Directory, "boot_id");
        await File.WriteAllTextAsync(boot, $"{Guid.NewGuid()}\n");
        await daemon.Host.RunAsync("mount", "--bind", boot, "/proc/sys/kernel/random/boot_id").Checked();
        await daemon.StartAsync();
    }

    private static async Task CrashedThereAsync(HostPair pair, Passage passage, Task<CommandResult> moving)
    {
        await moving;
        await Aftermath.GoneAsync(pair.Alpha, passage);
        await Aftermath.DeadAsync(passage.Timeline.Pids[0]);
        Assert.Equal("shut off (crashed)", await pair.Bravo.Virsh.AskAsync("domstate", "--reason", passage.Domain.Name));
        Assert.Empty(passage.Timeline.Violations);

        // It is that host's, and may be started from its disks.
        await pair.Bravo.Virsh.AskAsync("start", passage.Domain.Name);
        await passage.Timeline.WaitAsync("the guest, booted anew", t => t.Speaker == 2, Passage.Limit);
    }
}
