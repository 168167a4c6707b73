using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Migration.Disks;

/// <summary>Finds the block nodes of a running guest's disks. Asked of QEMU, so it holds after a restart of ours and after block jobs.</summary>
internal static class CopiedDisks
{
    /// <param name="qemu">Whose nodes.</param>
    /// <param name="domain">Its live definition names targets and aliases.</param>
    /// <param name="targets">Null for all disks with a medium.</param>
    /// <param name="ct">Stops waiting.</param>
    /// <exception cref="WherryException">InternalError: QEMU does not know a disk of the definition.</exception>
    public static async Task<ImmutableArray<MirroredDisk>> FindAsync(
        QemuInstance qemu, Domain domain, ImmutableArray<string>? targets, CancellationToken ct)
    {
        var drives = await qemu.Monitor.ExecuteAsync(new QueryBlock(), ct);
        var spec = domain.Snapshot.Definition.Spec;
        return
        [
            .. spec.Disks
                .Where(disk => disk.Source is not null && (targets is null || targets.Value.Contains(disk.TargetDev, StringComparer.Ordinal)))
                .Select(disk => ToMirrored(disk, drives, domain)),
        ];
    }

    private static MirroredDisk ToMirrored(DiskSpec disk, ImmutableArray<BlockInfo> drives, Domain domain)
    {
        var alias = disk.Alias ?? throw new WherryException(ErrorCode.InternalError, $"{domain}: disk {disk.TargetDev} has no alias");
        var drive = drives.FirstOrDefault(d => BelongsTo(d.Qdev, alias));
        return drive?.Inserted is { NodeName: { } node } inserted
            ? new MirroredDisk(disk.TargetDev, alias, node, (ulong)inserted.Image.VirtualSize) { IsRaw = inserted.Drv == "raw" }
            : throw new WherryException(ErrorCode.InternalError, $"{domain}: QEMU does not know disk {disk.TargetDev} ({alias})");
    }

    // Seen: "ide0-0-0", "scsi0-0-0-0", and for virtio "/machine/peripheral/virtio-disk0/virtio-backend".
    private static bool BelongsTo(string? qdev, string alias) =>
        qdev == alias || (qdev is not null && qdev.Split('/').Contains(alias, StringComparer.Ordinal));
}
