using Wherry.Qemu.Migration.Disks;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>
/// A write of the guest that QEMU has in hand while a mirror begins, and which reaches the source's image only later: it must be in the copy.
/// Real QEMU, whose image holds the write back, and a target that holds back "write zeroes".
/// </summary>
public sealed class InFlightWriteTests : IDisposable
{
    private const int DiskBytes = 1 << 20, WrittenBytes = 64 << 10;
    private const byte Written = 0xab;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wherry-mirror-");
    private readonly string _image;

    public InFlightWriteTests()
    {
        _image = Path.Combine(_directory.FullName, "source.raw");
        using var file = File.Create(_image);
        file.SetLength(DiskBytes);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(recursive: true);

    /// <param name="isRaw">As of which format the image is treated; in truth it is raw.</param>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_in_flight_while_the_mirror_begins_is_in_the_copy(bool isRaw)
    {
        await using var qemu = await StartAsync();
        var method = CopyMethod.Of(isRaw, topLayerOnly: false, await ChangesModeAsync(qemu));
        Assert.Equal(Written, await CopyAsync(qemu.Monitor, method, dataOvertakesZeroes: false));
    }

    /// <summary>Why there is a choice at all: an old QEMU forgets what is in flight when it has zeroed the target, and zeroes the chunk once more.</summary>
    [Fact]
    public async Task The_method_that_is_avoided_loses_it_under_an_old_QEMU()
    {
        await using var qemu = await StartAsync();
        Assert.SkipWhen(await ChangesModeAsync(qemu), "this QEMU is not so old");
        Assert.Equal(0, await CopyAsync(qemu.Monitor, new CopyMethod(MirrorSyncMode.Full, MirrorCopyMode.WriteBlocking), dataOvertakesZeroes: true));
    }

    private static async Task<bool> ChangesModeAsync(RealQemu qemu) =>
        (await qemu.Monitor.ExecuteAsync(new QueryCommands(), Ct)).Any(command => command.Name == CopyMethod.ChangeCommand);

    private Task<RealQemu> StartAsync() => RealQemu.StartAsync(
        Ct,
        arguments:
        [
            "-machine", "pc",
            "-blockdev", $$"""{"driver": "raw", "node-name": "source", "file": {"driver": "blkdebug", "image": {"driver": "file", "filename": "{{_image}}"} } }""",
            "-device", "virtio-blk-pci,drive=source,id=drive",
        ]);

    /// <returns>What the chunk that was written holds in the copy.</returns>
    private async Task<byte> CopyAsync(MonitorSession monitor, CopyMethod method, bool dataOvertakesZeroes)
    {
        await using var target = new FakeNbdServer(DiskBytes, filledWith: 0x55);
        await monitor.ExecuteAsync(
            new BlockdevAdd(new BlockdevOptions("nbd", "export") { Server = SocketAddress.Inet("127.0.0.1", target.Port), Discard = "unmap" }), Ct);
        await monitor.ExecuteAsync(new BlockdevAdd(new BlockdevOptions("raw", "target") { File = "export", Discard = "unmap" }), Ct);

        await RealDrive.DoAsync(monitor, "break pwritev held");
        await monitor.ExecuteAsync(
            new BlockdevMirror("copy", "source", "target", method.Sync) { CopyMode = method.Mode, AutoFinalize = true, AutoDismiss = false }, Ct);
        await RealDrive.UntilAsync(() => Task.FromResult(target.ZeroesAsked == 1));
        await RealDrive.DoAsync(monitor, $"aio_write -P {Written} 0 {WrittenBytes}");
        target.ReleaseFirst();
        await RealDrive.UntilAsync(async () => target.ZeroesAsked == 2 || await IsReadyAsync(monitor));

        await RealDrive.DoAsync(monitor, "resume held");
        await RealDrive.UntilAsync(() => Task.FromResult(dataOvertakesZeroes ? target.Writes == 1 : FirstByte(_image) == Written));
        target.Release();
        await RealDrive.UntilAsync(() => IsReadyAsync(monitor));
        await monitor.ExecuteAsync(new BlockJobCancel("copy"), Ct);
        await RealDrive.UntilAsync(async () => (await monitor.ExecuteAsync(new QueryJobs(), Ct)).Single() is { Status: var status, Error: null } && status == JobStatus.Concluded);
        Assert.Equal(Written, FirstByte(_image));
        return Assert.Single(target.Disk.AsSpan(0, WrittenBytes).ToArray().Distinct());
    }

    private static async Task<bool> IsReadyAsync(MonitorSession monitor) => (await monitor.ExecuteAsync(new QueryBlockJobs(), Ct)).Single().Ready;

    private static byte FirstByte(string path)
    {
        using var file = File.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return (byte)file.ReadByte();
    }
}
