using System.Collections.Immutable;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Statistics;

/// <summary>Counters of the drives, by the alias of the disk, and sizes of the images, by node name.</summary>
/// <param name="Backing">Node names of the images below a drive's own, the nearest first, by the alias of the disk.</param>
public sealed record DriveFigures(
    ImmutableDictionary<string, BlockDeviceStats> Drives,
    ImmutableDictionary<string, ImmutableArray<string>> Backing,
    ImmutableDictionary<string, ImageFigures> Images)
{
    /// <summary>How clients number images: N of <c>libvirt-N-format</c>; null for a node that is not named by us.</summary>
    public static int? IndexOf(string node) =>
        node.StartsWith(NodePrefix, StringComparison.Ordinal) && node.EndsWith(FormatSuffix, StringComparison.Ordinal)
        && int.TryParse(node[NodePrefix.Length..^FormatSuffix.Length], out var index) ? index : null;

    /// <summary>The image with its sizes, and the path of the file that it is in; nulls when QEMU does not have it.</summary>
    public (ImageFigures? Image, string? Path) Find(int index) =>
        (Images.GetValueOrDefault(NodePrefix + index + FormatSuffix), Images.GetValueOrDefault(NodePrefix + index + StorageSuffix)?.File);

    private const string NodePrefix = "libvirt-", FormatSuffix = "-format", StorageSuffix = "-storage";

    /// <summary>QEMU's names of devices that it creates inside others end so, such as <c>/machine/peripheral/virtio-disk0/virtio-backend</c>.</summary>
    private const string VirtioBackend = "/virtio-backend", Peripheral = "/machine/peripheral/";

    /// <exception cref="WherryException">QEMU did not answer in time, or refused.</exception>
    public static async Task<DriveFigures> AskAsync(MonitorSession monitor, CancellationToken ct)
    {
        var drives = await monitor.ExecuteAsync(new QueryBlockstats(), ct);
        var nodes = await monitor.ExecuteAsync(new QueryBlockstats { QueryNodes = true }, ct);
        var images = await monitor.ExecuteAsync(new QueryNamedBlockNodes(Flat: true), ct);
        var written = nodes.Where(node => node.NodeName is not null).GroupBy(node => node.NodeName!).ToDictionary(group => group.Key, group => group.First());
        var byAlias = drives.Where(drive => drive.Qdev is not null).GroupBy(drive => AliasOf(drive.Qdev!)).ToDictionary(group => group.Key, group => group.First());
        return new DriveFigures(
            byAlias.ToImmutableDictionary(drive => drive.Key, drive => drive.Value.Stats),
            byAlias.ToImmutableDictionary(drive => drive.Key, drive => Below(drive.Value).ToImmutableArray()),
            images.Where(image => image.NodeName is not null).GroupBy(image => image.NodeName!).ToImmutableDictionary(
                group => group.Key,
                group => ImageFigures.Of(group.First(), written.GetValueOrDefault(group.Key))));
    }

    private static IEnumerable<string> Below(BlockStats drive)
    {
        for (var image = drive.Backing; image is not null; image = image.Backing)
        {
            if (image.NodeName is { } node)
                yield return node;
        }
    }

    /// <summary>The alias that we gave the device that QEMU names by id or by path.</summary>
    public static string AliasOf(string qdev)
    {
        if (!qdev.StartsWith(Peripheral, StringComparison.Ordinal))
            return qdev;
        var path = qdev.EndsWith(VirtioBackend, StringComparison.Ordinal) ? qdev[..^VirtioBackend.Length] : qdev;
        return path[Peripheral.Length..];
    }
}

/// <summary>Sizes in bytes.</summary>
/// <param name="File">QEMU's name of it: for a storage node the path.</param>
/// <param name="HighestOffset">How far the file below was written since QEMU started; null where QEMU does not say.</param>
/// <param name="Capacity">What the guest sees.</param>
/// <param name="Physical">What the image takes.</param>
/// <param name="WriteThreshold">Offset whose write is an event; 0 for none.</param>
public sealed record ImageFigures(string File, ulong? HighestOffset, ulong Capacity, ulong Physical, ulong WriteThreshold)
{
    internal static ImageFigures Of(BlockDeviceInfo node, BlockStats? stats) => new(
        node.File,
        (ulong?)stats?.Parent?.Stats.WrHighestOffset,
        (ulong)node.Image.VirtualSize,
        // An image that is not thin takes what it holds.
        (ulong)(node.Image.ActualSize ?? node.Image.VirtualSize),
        (ulong)node.WriteThreshold);
}
