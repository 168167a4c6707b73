using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// The block graph nodes of one disk: for each image a protocol node (<c>libvirt-N-storage</c>) below a format node (<c>libvirt-N-format</c>).
/// Clients see N as <c>&lt;source index=…/&gt;</c> and name images by it (<c>vda[N]</c>).
/// </summary>
/// <param name="TargetDev">The disk, such as <c>vda</c>.</param>
/// <param name="Images">Top image first; empty for a drive without medium.</param>
public sealed record DiskNodes(string TargetDev, ImmutableArray<ImageNode> Images)
{
    /// <summary>N of the top image; null without medium.</summary>
    public int? Index => Images.IsEmpty ? null : Images[0].Index;

    /// <summary>What the live XML shows of the images below the top one.</summary>
    public ImmutableArray<BackingImage> BackingImages =>
        [.. Images.Skip(1).Select(image => new BackingImage(image.Index, image.IsBlockDevice ? new DiskSource.Block(image.Path) : new DiskSource.File(image.Path), image.Format))];

    /// <summary>The highest number that a launch with these disks has used up; what is plugged in later goes on from there.</summary>
    internal static int LastNumber(ImmutableArray<DiskNodes> disks) =>
        Math.Max(disks.Length, disks.SelectMany(disk => disk.Images).Select(image => image.Index).DefaultIfEmpty(0).Max());

    /// <summary>The nodes of a disk that is plugged into a running QEMU, or of a medium that is put into its drive.</summary>
    /// <param name="next">The first number that is free.</param>
    internal static DiskNodes Plugged(DiskSpec disk, ImmutableArray<ChainImage> backing, int next) => new(
        disk.TargetDev,
        disk.Source is not { } source
            ? []
            : [
                new ImageNode(next, source.Path, disk.Format, source is DiskSource.Block, disk.ReadOnly),
                .. backing.Select((image, below) => new ImageNode(next + 1 + below, image.Path, image.Format, image.IsBlockDevice, ReadOnly: true)),
            ]);

    /// <summary>
    /// libvirt counts from the last disk to the first, an empty drive too, and only then, again from last to first, the backing images it
    /// found in the image headers.
    /// </summary>
    internal static ImmutableArray<DiskNodes> Number(DomainSpec spec, LaunchContext context)
    {
        var next = 1;
        var images = new ImmutableArray<ImageNode>[spec.Disks.Length];
        for (var i = spec.Disks.Length - 1; i >= 0; i--)
        {
            var disk = spec.Disks[i];
            images[i] = disk.Source is { } source
                ? [new ImageNode(next, source.Path, disk.Format, source is DiskSource.Block, disk.ReadOnly)]
                : [];
            next++;
        }
        for (var i = spec.Disks.Length - 1; i >= 0; i--)
        {
            if (!images[i].IsEmpty && context.BackingImages.TryGetValue(spec.Disks[i].TargetDev, out var backing))
                images[i] = [.. images[i], .. backing.Select(image => new ImageNode(next++, image.Path, image.Format, image.IsBlockDevice, ReadOnly: true))];
        }
        return [.. spec.Disks.Zip(images, (disk, nodes) => new DiskNodes(disk.TargetDev, nodes))];
    }
}

/// <summary>One image and its two nodes.</summary>
public sealed record ImageNode(int Index, string Path, DiskFormat Format, bool IsBlockDevice, bool ReadOnly)
{
    public string StorageNode => $"libvirt-{Index}-storage";

    public string FormatNode => $"libvirt-{Index}-format";
}
