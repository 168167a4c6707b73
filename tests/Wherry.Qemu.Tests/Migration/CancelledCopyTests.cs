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

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Why the guest has to stand: QEMU frees the list, and only then waits for the guest's writes, which clear their chunks in it.</summary>
    [Fact]
    public async Task Cancelled_by_force_in_the_midst_of_a_write_of_the_guest_it_kills_QEMU()
    {
        await using var qemu = await CopyingWithAWriteInFlightAsync();
        await Assert.ThrowsAsync<MonitorClosedException>(() => qemu.Monitor.ExecuteAsync(new BlockJobCancel("copy") { Force = true }, Ct));
        await qemu.Process.Exited.WaitAsync(RealDrive.Limit, Ct);
    }

    [Fact]
    [Fault(71)]
    public async Task Cancelled_by_force_while_the_guest_stands_it_ends_and_the_guest_goes_on()
    {
        await using var qemu = await CopyingWithAWriteInFlightAsync();
        await qemu.Monitor.ExecuteAsync(new Stop(), Ct);
        await qemu.Monitor.ExecuteAsync(new BlockJobCancel("copy") { Force = true }, Ct);
        await qemu.Monitor.ExecuteAsync(new Cont(), Ct); // as soon as the cancel is answered: what is written now passes by the copy
        await WriteAsync(qemu.Monitor, chunk: 3);
        await ConcludedAsync(qemu.Monitor);
        Assert.True((await qemu.Monitor.ExecuteAsync(new QueryStatus(), Ct)).Running);
    }

    /// <summary>What an error of the target does to a copy as wherryd makes them: it does not end, and repeats nothing by itself.</summary>
    [Fact]
    [Fault(73)]
    public async Task A_copy_whose_target_fails_stands_with_its_error_until_it_is_cancelled_by_force()
    {
        await using var qemu = await StartAsync(
            $$"""{"driver": "null-co", "node-name": "source", "size": {{DiskBytes}}}""",
            $$"""{"driver": "blkdebug", "node-name": "target", "image": {"driver": "null-co", "size": {{DiskBytes}}}, "inject-error": [{"event": "none", "iotype": "write"}]}""");
        await WriteAsync(qemu.Monitor, chunk: 0);
        await RealDrive.UntilAsync(async () => (await qemu.Monitor.ExecuteAsync(new QueryBlockJobs(), Ct)).Single().IoStatus == IoStatus.Failed);
        await Assert.ThrowsAsync<QmpErrorException>(() => qemu.Monitor.ExecuteAsync(new BlockJobCancel("copy"), Ct));
        Assert.True((await qemu.Monitor.ExecuteAsync(new QueryBlockJobs(), Ct)).Single().Paused);

        await qemu.Monitor.ExecuteAsync(new Stop(), Ct);
        await qemu.Monitor.ExecuteAsync(new BlockJobCancel("copy") { Force = true }, Ct);
        await ConcludedAsync(qemu.Monitor);
    }

    private static Task<RealQemu> CopyingWithAWriteInFlightAsync() => StartAsync(
        $$"""{"driver": "throttle", "node-name": "source", "throttle-group": "slow", "file": {"driver": "null-co", "size": {{DiskBytes}}} }""",
        $$"""{"driver": "null-co", "node-name": "target", "size": {{DiskBytes}}}""",
        writes: 3);

    /// <summary>A guest that runs, and a mirror of its disk that copies what is written from now on.</summary>
    private static async Task<RealQemu> StartAsync(string source, string target, int writes = 0)
    {
        var qemu = await RealQemu.StartAsync(
            Ct,
            arguments:
            [
                "-machine", "pc", "-object", "throttle-group,id=slow,x-iops-write=1", "-blockdev", source, "-blockdev", target, "-device", "virtio-blk-pci,drive=source,id=drive",
            ]);
        await qemu.Monitor.ExecuteAsync(new Cont(), Ct);
        await qemu.Monitor.ExecuteAsync(
            new BlockdevMirror("copy", "source", "target", MirrorSyncMode.None)
            {
                CopyMode = MirrorCopyMode.WriteBlocking,
                OnSourceError = BlockdevOnError.Stop,
                OnTargetError = BlockdevOnError.Stop,
                AutoFinalize = true,
                AutoDismiss = false,
            },
            Ct);
        for (var chunk = 0; chunk < writes; chunk++)
            await WriteAsync(qemu.Monitor, chunk);

        return qemu;
    }

    private static Task ConcludedAsync(MonitorSession monitor) =>
        RealDrive.UntilAsync(async () => (await monitor.ExecuteAsync(new QueryJobs(), Ct)).Single().Status == JobStatus.Concluded);

    private static Task WriteAsync(MonitorSession monitor, int chunk) => RealDrive.DoAsync(monitor, $"aio_write {chunk << 16} 65536");
}
