using System.Buffers.Binary;
using System.Collections.Immutable;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Migration.Disks;

/// <summary>The images that copied disks arrive in: made where they are missing, checked where they exist, never overwritten by guess (F76).</summary>
internal static class TargetImages
{
    private const int Qcow2SizeOffset = 24; // big-endian u64; source: docs/interop/qcow2.txt of QEMU
    private const uint Qcow2Magic = 0x5146_49FB; // "QFI\xfb"

    /// <param name="spec">The guest as it will be here.</param>
    /// <param name="targets">The disks that are copied, such as "vda".</param>
    /// <param name="announced">What the source says of their sizes.</param>
    /// <param name="topLayersOnly">The source copies its overlays and not what they lie on.</param>
    /// <param name="tools">Runs qemu-img.</param>
    /// <param name="ct">Stops before the next image.</param>
    /// <returns>Paths that were made here, by target, and go again if the migration does not succeed.</returns>
    /// <exception cref="WherryException">OperationFailed naming the disk: wrong size or format, or the image cannot be made. OperationUnsupported:
    /// it is missing, and an overlay's base cannot be guessed.</exception>
    public static async Task<ImmutableDictionary<string, string>> MakeAsync(
        DomainSpec spec, ImmutableArray<string> targets, NbdSection? announced, bool topLayersOnly, ToolRunner tools, CancellationToken ct)
    {
        var made = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var target in targets)
            {
                var disk = spec.Disks.FirstOrDefault(d => d.TargetDev == target)
                    ?? throw new WherryException(ErrorCode.InvalidArg, $"domain '{spec.Name}' has no disk {target}");
                var capacity = announced?.Disks.FirstOrDefault(d => d.Target == target)?.CapacityBytes;
                if (disk.Source is not DiskSource.File { Path: var path })
                {
                    continue; // a block device is there or QEMU says so
                }

                if (File.Exists(path))
                {
                    CheckSize(disk, path, capacity);
                }
                else if (topLayersOnly)
                {
                    throw new WherryException(
                        ErrorCode.OperationUnsupported,
                        $"pre-creation of storage targets for incremental storage migration is not supported: disk {target} has no image '{path}' on this host");
                }
                else if (capacity is { } bytes)
                {
                    await MakeAsync(disk, path, bytes, tools, ct);
                    made.Add(target, path);
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

    private static async Task MakeAsync(DiskSpec disk, string path, ulong bytes, ToolRunner tools, CancellationToken ct)
    {
        try
        {
            if (disk.Format == DiskFormat.Raw)
            {
                await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
                file.SetLength((long)bytes);
                return;
            }

            await tools.RunAsync("/usr/bin/qemu-img", ["create", "-q", "-f", "qcow2", path, bytes.ToString()], ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(
                ErrorCode.OperationFailed, $"pre-creation of storage target '{path}' for disk {disk.TargetDev} failed: {e.Message}", inner: e);
        }
    }

    private static void CheckSize(DiskSpec disk, string path, ulong? capacity)
    {
        if (capacity is not { } wanted)
            return;

        var actual = disk.Format == DiskFormat.Raw ? (ulong)new FileInfo(path).Length : Qcow2Size(disk, path);
        if (actual < wanted)
        {
            throw new WherryException(
                ErrorCode.OperationFailed,
                $"disk {disk.TargetDev}: image '{path}' holds {actual} bytes, the source's disk has {wanted}");
        }
    }

    private static ulong Qcow2Size(DiskSpec disk, string path)
    {
        Span<byte> header = stackalloc byte[Qcow2SizeOffset + sizeof(ulong)];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length
            || BinaryPrimitives.ReadUInt32BigEndian(header) != Qcow2Magic)
        {
            throw new WherryException(ErrorCode.OperationFailed, $"disk {disk.TargetDev}: image '{path}' is not in qcow2 format");
        }

        return BinaryPrimitives.ReadUInt64BigEndian(header[Qcow2SizeOffset..]);
    }
}
