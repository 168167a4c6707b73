using System.Collections.Immutable;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>The disks of a domain as clients name them.</summary>
internal static class DomainDisks
{
    private const int Unspecified = 1, NoSpace = 2;

    /// <summary>By the path of the source or by the target's name.</summary>
    public static DiskSpec? Find(ImmutableArray<DiskSpec> disks, string path) => path.StartsWith('/')
        ? disks.FirstOrDefault(disk => disk.Source?.Path == path)
        : disks.FirstOrDefault(disk => disk.TargetDev == path);

    /// <summary>virDomainDiskErrorCode; 0 for none.</summary>
    public static int ErrorOf(DiskSpec disk, IReadOnlyList<BlockInfo> drives) =>
        drives.FirstOrDefault(drive => drive.Qdev is not null && Qemu.Statistics.DriveFigures.AliasOf(drive.Qdev) == disk.Alias)?.IoStatus switch
        {
            { } status when status == IoStatus.Failed => Unspecified,
            { } status when status == IoStatus.Nospace => NoSpace,
            _ => 0,
        };
}
