using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testing;

namespace Wherry.Fault.Tests.Memory;

/// <summary>Post-copy that cannot be, and post-copy whose destination does not start the guest: the last moment to go back.</summary>
public sealed class PostCopyRefusalTests(ITestOutputHelper output)
{
    private static readonly string[] AtOnce = ["--p2p", "--postcopy", "--bandwidth", "16", "--timeout", "1", "--timeout-postcopy"];

    [Theory(Explicit = true)]
    [Fault(94)]
    [InlineData(null)]
    [InlineData("dst.abort.written")]
    public async Task A_guest_that_its_destination_cannot_start_in_post_copy_goes_on_at_its_source(string? crash)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var emulator = new TappedEmulator(pair.Run.Path, TestDomain.Emulator);
        emulator.Starting = (number, proxy) =>
        {
            if (number == 1)
                proxy.Replies.Refuse("cont", "no, not here");
        };
        await using var passage = await Passage.BoardAsync(
            pair, new PassageOptions { Load = new GuestLoad(DirtyMiBps: 60, TouchMiB: 64), Emulator = emulator.Path });
        if (crash is not null)
            await Aftermath.ArmAsync(pair.Bravo, $"{crash}:crash");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, [.. AtOnce, "--postcopy-bandwidth", "4"]);
        if (crash is not null)
        {
            await Aftermath.DiesAsync(pair.Bravo, moving, pair);
            await pair.Bravo.StartAsync();
        }

        var moved = await moving;
        output.WriteLine(moved.ToString());
        Aftermath.Refused(moved, pair, crash is null ? ["no, not here"] : []);
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        await Aftermath.GoneAsync(pair.Bravo, passage);
        await Aftermath.DeadAsync(passage.Timeline.Pids[1]);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>A host whose kernel lets QEMU not handle page faults: found out when the destination is prepared, not when the guest has gone.</summary>
    [Fact(Explicit = true)]
    [Fault(95)]
    public async Task A_destination_that_may_not_handle_page_faults_refuses_post_copy_before_anything_happens()
    {
        Assert.SkipWhen(
            (await File.ReadAllTextAsync("/proc/sys/vm/unprivileged_userfaultfd")).Trim() != "0", "every process of this machine may handle page faults");
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions { Load = new GuestLoad(DirtyMiBps: 10, TouchMiB: 32) });
        await Tampering.ReplaceIncomingAsync(pair.Bravo.Host, "exec setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace $QEMU \"$@\"");
        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, AtOnce);
        output.WriteLine(moved.ToString());
        Aftermath.Refused(moved, pair, "ostcopy");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        await Aftermath.GoneAsync(pair.Bravo, passage);

        // Pre-copy has no need of it.
        await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]).Checked();
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
    }
}
