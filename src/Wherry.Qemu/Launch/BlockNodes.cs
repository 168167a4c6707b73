using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>The <c>-blockdev</c> objects of a disk, in the order QEMU must create them: from the lowest backing image up.</summary>
internal static class BlockNodes
{
    public static IEnumerable<string> Of(DiskSpec disk, DiskNodes graph)
    {
        for (var i = graph.Images.Length - 1; i >= 0; i--)
        {
            yield return Storage(disk, graph.Images[i]).ToString();
            yield return Format(disk, graph, i).ToString();
        }
        if (IsCopyOnRead(disk, graph))
        {
            yield return new Properties().Text("driver", "copy-on-read").Text("node-name", TopNode(disk, graph))
                .Text("file", graph.Images[0].FormatNode).Text("discard", "unmap").ToString();
        }
    }

    /// <summary>The names of the same nodes, in the order in which they can be removed.</summary>
    /// <param name="numbers">Of the images, from the top down.</param>
    public static IEnumerable<string> Names(DiskSpec disk, IReadOnlyList<int> numbers)
    {
        if (disk.CopyOnRead == true && numbers.Count > 0)
            yield return $"libvirt-CoR-{disk.TargetDev}";
        foreach (var number in numbers)
        {
            yield return $"libvirt-{number}-format";
            yield return $"libvirt-{number}-storage";
        }
    }

    /// <summary>The node that the guest's device and block jobs use; null for an empty drive.</summary>
    public static string? TopNode(DiskSpec disk, DiskNodes graph)
    {
        if (graph.Images.IsEmpty)
            return null;
        return IsCopyOnRead(disk, graph) ? $"libvirt-CoR-{disk.TargetDev}" : graph.Images[0].FormatNode;
    }

    private static bool IsCopyOnRead(DiskSpec disk, DiskNodes graph) => disk.CopyOnRead == true && !graph.Images.IsEmpty;

    /// <summary>Whether writing is allowed is the format node's to say: with auto-read-only the file is opened for writing only when needed.</summary>
    private static Properties Storage(DiskSpec disk, ImageNode image) => new Properties()
        .Text("driver", image.IsBlockDevice ? "host_device" : "file")
        .Text("filename", image.Path)
        .Text("aio", disk.Io)
        .Text("node-name", image.StorageNode)
        .Object("cache", Cache(disk))
        .Flag("auto-read-only", true)
        .Text("discard", "unmap");

    private static Properties Format(DiskSpec disk, DiskNodes graph, int position)
    {
        var image = graph.Images[position];
        var node = new Properties()
            .Text("node-name", image.FormatNode)
            .Flag("read-only", image.ReadOnly)
            .Text("discard", disk.Discard)
            .Text("detect-zeroes", position == 0 ? DetectZeroes(disk) : null)
            .Object("cache", Cache(disk));
        if (image.Format == DiskFormat.Raw)
            return node.Text("driver", "raw").Text("file", image.StorageNode);
        node.Text("driver", "qcow2").Text("file", image.StorageNode);
        // null forbids QEMU to follow a backing file name that the header may still have: the chain is ours to say.
        return position + 1 < graph.Images.Length ? node.Text("backing", graph.Images[position + 1].FormatNode) : node.Null("backing");
    }

    /// <summary>Zeroes can only become holes where holes are allowed.</summary>
    private static string? DetectZeroes(DiskSpec disk) =>
        disk.DetectZeroes == "unmap" && disk.Discard != "unmap" ? "on" : disk.DetectZeroes;

    private static Action<Properties>? Cache(DiskSpec disk) => CacheMode.Of(disk) is { } mode
        ? cache => cache.Flag("direct", mode.Direct).Flag("no-flush", mode.NoFlush)
        : null;
}
