using Wherry.Testbed;

namespace Wherry.Fault.Tests.Processes;

/// <summary>Guests that their user has paused, which QEMU treats quite differently from running ones.</summary>
public sealed class PausedGuestTests
{
    /// <summary>QEMU stays in "postmigrate" after a cancelled migration of a paused guest, and sends nothing from there until it has run once.</summary>
    [Fact(Explicit = true)]
    [Fault(37)]
    public async Task A_paused_guest_whose_migration_was_given_up_stays_paused_and_says_why_it_cannot_migrate_again()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var name = passage.Domain.Name;
        await Aftermath.ArmAsync(pair.Alpha, "src.stopped:hang");
        await pair.Alpha.Virsh.AskAsync("suspend", name);
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await Aftermath.HangsAsync(pair.Alpha);
        var abort = pair.Alpha.Virsh.RunAsync("domjobabort", name);
        Aftermath.GoOn(pair.Alpha);
        await abort;
        Aftermath.Refused(await moving, pair);
        Assert.Equal("paused (user)", await pair.Alpha.Virsh.AskAsync("domstate", "--reason", name));
        await Aftermath.GoneAsync(pair.Bravo, passage);

        Aftermath.Refused(await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]), pair, "resume");
        Assert.Equal("paused (user)", await pair.Alpha.Virsh.AskAsync("domstate", "--reason", name));
        await Aftermath.GoneAsync(pair.Bravo, passage);

        await pair.Alpha.Virsh.AskAsync("resume", name);
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>Images that were never activated at the first destination make QEMU 7.2 assert, and lose the guest, on the way back.</summary>
    [Theory(Explicit = true)]
    [Fault(38)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_paused_guest_goes_there_and_back_without_running_in_between(bool sharedDisks)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { SharedStorage = sharedDisks });
        var name = passage.Domain.Name;
        await pair.Alpha.Virsh.AskAsync("suspend", name);
        var count = passage.Timeline.LastCount;
        foreach (var (from, to) in new[] { (pair.Alpha, pair.Bravo), (pair.Bravo, pair.Alpha), (pair.Alpha, pair.Bravo) })
        {
            var moved = await passage.MoveAsync(from, to, ["--p2p"]);
            Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(from, to)}");
            Assert.Equal("paused (user)", await to.Virsh.AskAsync("domstate", "--reason", name));
            Assert.Null(await passage.StateAsync(from));
        }

        Assert.Equal(count, passage.Timeline.LastCount);
        await pair.Bravo.Virsh.AskAsync("resume", name);
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
    }
}
