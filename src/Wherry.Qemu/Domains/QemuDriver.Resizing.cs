using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.HotPlug;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh blockresize and domdirtyrate-calc.
public sealed partial class QemuDriver
{
    /// <summary>The way that looks at every page.</summary>
    public const string DirtyBitmap = "dirty-bitmap";

    /// <summary>qcow2 counts in sectors.</summary>
    private const ulong SectorBytes = 512;

    /// <summary>Gives a running guest's disk another size, and its image with it.</summary>
    /// <param name="path">Target or source.</param>
    /// <exception cref="WherryException">InvalidArg: no such disk; OperationUnsupported: no medium, or none to write to; InternalError: QEMU refuses.</exception>
    public async Task ResizeBlockAsync(Domain domain, string path, ulong bytes, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        var qemu = ActiveQemu(domain);
        var disk = domain.Snapshot.Live!.Spec.FindDisk(path) // it is active
            ?? throw new WherryException(ErrorCode.InvalidArg, $"disk '{path}' was not found in the domain config");
        if (disk.Source is not { Index: { } index } || disk.ReadOnly)
            throw new WherryException(ErrorCode.OperationUnsupported, $"can't resize empty or readonly disk '{disk.TargetDev}'");
        var size = disk.Format == DiskFormat.Qcow2 ? unchecked((bytes + SectorBytes - 1) / SectorBytes * SectorBytes) : bytes;
        await new QemuCommand("block_resize", new Properties().Text("node-name", $"libvirt-{index}-format").Number("size", unchecked((long)size)).ToString())
            .RunAsync(qemu.Monitor);
    }

    /// <summary>Begins to measure how fast a running guest writes to its memory; domstats --dirtyrate tells the result.</summary>
    /// <param name="mode">QEMU's name of how; null for its default, which looks at some pages only.</param>
    /// <exception cref="WherryException">OperationUnsupported: not of this guest; InternalError: QEMU refuses.</exception>
    public async Task CalculateDirtyRateAsync(Domain domain, TimeSpan period, string? mode, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        var qemu = ActiveQemu(domain);
        // Why: QEMU 7.2 under TCG has no dirty log to read, and ends itself when it is told to.
        if (mode == DirtyBitmap && domain.Snapshot.Live!.Spec.Type == DomainType.Qemu) // it is active
            throw new WherryException(ErrorCode.OperationUnsupported, "QEMU does not support dirty page rate calculation mode.");
        await new QemuCommand("calc-dirty-rate", new Properties().Number("calc-time", (long)period.TotalSeconds).Text("mode", mode).ToString())
            .RunAsync(qemu.Monitor);
    }
}
