using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Process;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Migration;

public sealed class TargetImagesTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>, IDisposable
{
    private const ulong MiB = 1 << 20;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wherry-targets-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Image => Path.Combine(_directory.FullName, "vda.img");

    public void Dispose() => _directory.Delete(recursive: true);

    /// <summary>A half-made image would be one of the wrong size to the next attempt.</summary>
    [Theory]
    [Fault(76)]
    [InlineData("raw")]
    [InlineData("qcow2")]
    public async Task An_image_that_cannot_be_made_leaves_nothing_in_the_way_of_the_next_attempt(string format)
    {
        var refused = await RefusedAsync(format, ulong.MaxValue);
        Assert.Equal(ErrorCode.OperationFailed, refused.Code);
        Assert.False(File.Exists(Image));
        var made = await MakeAsync(format, MiB);
        Assert.Equal(Image, made["vda"]);
        Assert.Empty(await MakeAsync(format, MiB)); // it fits, and is not ours this time
    }

    [Fact]
    [Fault(76)]
    public async Task What_was_made_goes_when_a_later_disk_is_refused()
    {
        var second = Path.Combine(_directory.FullName, "vdb.img");
        await File.WriteAllBytesAsync(second, new byte[1], Ct);
        await Assert.ThrowsAsync<WherryException>(() => MakeAsync("raw", MiB, second));
        Assert.Equal([second], _directory.EnumerateFiles().Select(file => file.FullName));
    }

    [Theory]
    [Fault(76)]
    [InlineData("raw", -1024, "1047552")]
    [InlineData("raw", 1, "1049088")]
    [InlineData("qcow2", -1024, "1047552")]
    [InlineData("qcow2", 512, "1049088")]
    public async Task An_image_of_another_size_is_refused_by_disk_image_and_host(string format, int more, string actual)
    {
        await MakeAsync(format, (ulong)((long)MiB + more));
        var refused = await RefusedAsync(format, MiB);
        Assert.Equal(ErrorCode.OperationFailed, refused.Code);
        Assert.Equal($"operation failed: disk vda: image '{Image}' on host 'bravo' holds {actual} bytes, the source's disk has 1048576", refused.Message);
    }

    /// <summary>QEMU counts in sectors: the source with the same image has announced the whole last one.</summary>
    [Fact]
    [Fault(76)]
    public async Task A_raw_image_ends_where_its_last_sector_does()
    {
        await File.WriteAllBytesAsync(Image, new byte[1000], Ct);
        Assert.Empty(await MakeAsync("raw", 1024));
    }

    private async Task<WherryException> RefusedAsync(string format, ulong bytes) => await Assert.ThrowsAsync<WherryException>(() => MakeAsync(format, bytes));

    private Task<ImmutableDictionary<string, string>> MakeAsync(string format, ulong bytes, string? second = null)
    {
        var spec = DomainSpec.From(DomainDocument.Parse($"""
            <domain type='qemu'>
              <name>web1</name>
              <memory unit='MiB'>64</memory>
              <os><type arch='x86_64' machine='pc'>hvm</type></os>
              <devices>
                <disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='{Image}'/><target dev='vda' bus='virtio'/></disk>
                <disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='{second}'/><target dev='vdb' bus='virtio'/></disk>
              </devices>
            </domain>
            """));
        ImmutableArray<string> targets = second is null ? ["vda"] : ["vda", "vdb"];
        return TargetImages.MakeAsync(
            spec, targets, new NbdSection(0, [.. targets.Select(target => new NbdDisk(target, bytes))]), topLayersOnly: false, "bravo",
            new ToolRunner(emulators.Processes, TimeProvider.System), Ct);
    }
}
