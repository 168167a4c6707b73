using Wherry.Qemu.Statistics;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>virDomainDiskErrorCode.</summary>
internal static class DiskErrors
{
    private const int None = 0, Unspecified = 1, NoSpace = 2;

    public static int Of(DiskSpec disk, IReadOnlyList<BlockInfo> drives) =>
        drives.FirstOrDefault(drive => drive.Qdev is not null && DriveFigures.AliasOf(drive.Qdev) == disk.Alias)?.IoStatus switch
        {
            { } status when status == IoStatus.Failed => Unspecified,
            { } status when status == IoStatus.Nospace => NoSpace,
            _ => None,
        };
}
