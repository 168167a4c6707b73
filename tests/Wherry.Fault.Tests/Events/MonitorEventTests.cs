using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testing;

namespace Wherry.Fault.Tests.Events;

/// <summary>Events that come late, twice, in another order or not at all: what QEMU says is the truth, and it is asked for it.</summary>
public sealed class MonitorEventTests
{
    private static readonly string[] Disks = ["drive-virtio-disk0", "drive-virtio-disk1"];

    [Theory]
    [Fault(54)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public async Task Mirrors_may_end_in_any_order(params int[] order)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var emulator = new TappedEmulator(pair.Run.Path, TestDomain.Emulator);
        emulator.Starting = (_, proxy) => proxy.Events.EndJobsInOrder([.. order.Select(disk => Disks[disk])]);
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { Emulator = emulator.Path });

        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.Equal(2, emulator.Monitors[0].Proxy.Events.Sent("BLOCK_JOB_COMPLETED"));
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }
}
