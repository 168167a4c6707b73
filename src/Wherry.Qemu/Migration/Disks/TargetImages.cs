using System.Collections.Immutable;
using System.Globalization;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Process;
using Wherry.Qemu.Storage;
using Wherry.Xml;

namespace Wherry.Qemu.Migration.Disks;

/// <summary>The images that copied disks arrive in: made where they are missing, checked where they exist, never overwritten by guess (F76).</summary>
internal static class TargetImages
{
    private const ulong SectorBytes = 512;

    /// <summary>
    /// Refuses images that the guest could not write to. QEMU opens those that are shared for reading while the guest is elsewhere, and finds that out when
    /// it shall run it: the guest has stopped by then.
    /// </summary>
    /// <param name="spec">The guest as it will be here.</param>
    /// <param name="host">This host's name, for the error.</param>
    /// <exception cref="WherryException">SystemError of the storage domain, with the kernel's reason.</exception>
    public static void RequireWritable(DomainSpec spec, string host)
    {
        foreach (var disk in spec.Disks)
        {
            if (disk is { ReadOnly: false, Source: DiskSource.File { Path: var path } } && File.Exists(path) && FileStatus.WriteError(path) is not 0 and var errno)
                throw WherryException.FromErrno(errno, $"disk {disk.TargetDev}: image '{path}' cannot be written to on host '{host}'", ErrorDomain.Storage);
        }
    }

    /// <param name="spec">The guest as it will be here.</param>
    /// <param name="targets">The disks that are copied, such as "vda".</param>
    /// <param name="announced">What the source says of their sizes.</param>
    /// <param name="topLayersOnly">The source copies its overlays and not what they lie on.</param>
    /// <param name="host">This host's name, for errors.</param>
    /// <param name="tools">Runs qemu-img.</param>
    /// <param name="ct">Stops before the next image.</param>
    /// <returns>Paths that were made here, by target, and go again if the migration does not succeed.</returns>
    /// <exception cref="WherryException">OperationFailed naming the disk: wrong size or format, or the image cannot be made. OperationUnsupported:
    /// it is missing, and an overlay's base cannot be guessed.</exception>
    public static async Task<ImmutableDictionary<string, string>> MakeAsync(
        DomainSpec spec, ImmutableArray<string> targets, NbdSection? announced, bool topLayersOnly, string host, ToolRunner tools, CancellationToken ct)
    {
        var made = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var target in targets)
            {
                var disk = spec.Disks.FirstOrDefault(d => d.TargetDev == target)
                    ?? throw new WherryException(ErrorCode.InvalidArg, $"domain '{spec.Name}' has no disk {target}");
                var capacity = announced?.Disks.FirstOrDefault(d => d.Target == target)?.CapacityBytes;
                if (disk.Source is not { Path: var path })
                    continue;

                if (File.Exists(path))
                {
                    CheckSize(disk, path, capacity, host);
                }
                else if (disk.Source is DiskSource.Block)
                {
                    continue; // QEMU says so
                }
                else if (topLayersOnly)
                {
                    throw new WherryException(
                        ErrorCode.OperationUnsupported,
                        $"pre-creation of storage targets for incremental storage migration is not supported: disk {target} has no image '{path}' on this host");
                }
                else if (capacity is { } bytes)
                {
                    await MakeAsync(disk, path, bytes, () => made.Add(target, path), tools, ct);
                }
            }

            return made.ToImmutable();
        }
        catch
        {
            foreach (var path in made.Values)
                File.Delete(path);

            throw;
        }
    }

    /// <param name="made">Called as soon as there is a file of ours, which may be half an image: it would be in the way of the next attempt.</param>
    private static async Task MakeAsync(DiskSpec disk, string path, ulong bytes, Action made, ToolRunner tools, CancellationToken ct)
    {
        try
        {
            await using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write))
            {
                made();
                if (disk.Format == DiskFormat.Raw)
                {
                    file.SetLength(checked((long)bytes));
                    return;
                }
            }

            await tools.RunAsync("/usr/bin/qemu-img", ["create", "-q", "-f", "qcow2", path, bytes.ToString(CultureInfo.InvariantCulture)], ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OverflowException)
        {
            throw new WherryException(
                ErrorCode.OperationFailed, $"pre-creation of storage target '{path}' for disk {disk.TargetDev} failed: {e.Message}", inner: e);
        }
    }

    /// <summary>QEMU copies only between images of one size, and says so when the migration is well on its way.</summary>
    private static void CheckSize(DiskSpec disk, string path, ulong? capacity, string host)
    {
        if (capacity is not { } wanted)
            return;

        // Of a device whose name is not the kernel's nothing is known here; QEMU finds out.
        if ((disk.Format == DiskFormat.Raw ? RawSize(path) : Qcow2Size(disk, path, host)) is { } actual && actual != wanted)
        {
            throw new WherryException(
                ErrorCode.OperationFailed,
                $"disk {disk.TargetDev}: image '{path}' on host '{host}' holds {actual} bytes, the source's disk has {wanted}");
        }
    }

    /// <summary>In whole sectors, as QEMU counts, and as the source has told us.</summary>
    private static ulong? RawSize(string path) => DiskImages.BlockDevice(path) is { } device
        ? ulong.Parse(File.ReadAllText($"{device}/size").Trim(), CultureInfo.InvariantCulture) * SectorBytes
        : FileStatus.Read(path) is { Type: FileStatus.Regular, Size: var bytes } ? (bytes + SectorBytes - 1) / SectorBytes * SectorBytes : null;

    private static ulong Qcow2Size(DiskSpec disk, string path, string host) => Qcow2Header.Read(path)?.VirtualSize
        ?? throw new WherryException(ErrorCode.OperationFailed, $"disk {disk.TargetDev}: image '{path}' on host '{host}' is not in qcow2 format");
}
