using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>
/// A copy is given up while a write of the guest is in flight. Real QEMU; its image takes one write per second, and the disk is so large that the mirror's
/// list of chunks in flight is a mapping of its own: whoever uses it when it is gone is killed at once, and not now and then.
/// </summary>
public sealed class CancelledCopyTests
{
    private const long DiskBytes = 32L << 40;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Why the guest has to stand: QEMU frees the list, and only then waits for the guest's writes, which clear their chunks in it.</summary>
    [Fact]
    public async Task Cancelled_by_force_in_the_midst_of_a_write_of_the_guest_it_kills_QEMU()
    {
        await using var qemu = await CopyingWithAWriteInFlightAsync();
        await Assert.ThrowsAsync<MonitorClosedException>(() => qemu.Monitor.ExecuteAsync(new BlockJobCancel("copy") { Force = true }, Ct));
        await qemu.Process.Exited.WaitAsync(Limit, Ct);
    }

    [Fact]
    [Fault(71)]
    public async Task Cancelled_by_force_while_the_guest_stands_it_ends_and_the_guest_goes_on()
    {
        await using var qemu = await CopyingWithAWriteInFlightAsync();
        await qemu.Monitor.ExecuteAsync(new Stop(), Ct);
        await qemu.Monitor.ExecuteAsync(new BlockJobCancel("copy") { Force = true }, Ct);
        await UntilAsync(async () => (await qemu.Monitor.ExecuteAsync(new QueryJobs(), Ct)).Single().Status == JobStatus.Concluded);
        await qemu.Monitor.ExecuteAsync(new Cont(), Ct);
        await WriteAsync(qemu.Monitor, chunk: 3);
        Assert.True((await qemu.Monitor.ExecuteAsync(new QueryStatus(), Ct)).Running);
    }

    private static async Task<RealQemu> CopyingWithAWriteInFlightAsync()
    {
        var qemu = await RealQemu.StartAsync(
            Ct,
            arguments:
            [
                "-machine", "pc",
                "-object", "throttle-group,id=slow,x-iops-write=1",
                "-blockdev", $$"""{"driver": "throttle", "node-name": "source", "throttle-group": "slow", "file": {"driver": "null-co", "size": {{DiskBytes}}} }""",
                "-blockdev", $$"""{"driver": "null-co", "node-name": "target", "size": {{DiskBytes}}}""",
                "-device", "virtio-blk-pci,drive=source,id=drive",
            ]);
        await qemu.Monitor.ExecuteAsync(new Cont(), Ct);
        await qemu.Monitor.ExecuteAsync(
            new BlockdevMirror("copy", "source", "target", MirrorSyncMode.None) { CopyMode = MirrorCopyMode.WriteBlocking, AutoFinalize = true, AutoDismiss = false }, Ct);
        for (var chunk = 0; chunk < 3; chunk++)
            await WriteAsync(qemu.Monitor, chunk);

        return qemu;
    }

    private static async Task WriteAsync(MonitorSession monitor, int chunk) => Assert.DoesNotContain(
        "rror",
        await monitor.ExecuteAsync(new HumanMonitorCommand($"qemu-io -d /machine/peripheral/drive/virtio-backend \"aio_write {chunk << 16} 65536\""), Ct),
        StringComparison.Ordinal);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        limit.CancelAfter(Limit);
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
