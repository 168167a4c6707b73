using System.Collections.Immutable;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

/// <summary>What the names in QEMU's events stand for in one run of a domain.</summary>
/// <param name="Spec">The running definition; null for a domain that is going.</param>
/// <param name="Nodes">Block nodes by disk as QEMU was started with them, for the images below the top one; empty after a restart of ours.</param>
internal readonly record struct RunNames(DomainSpec? Spec, ImmutableArray<DiskNodes> Nodes)
{
    private const string DrivePrefix = "drive-";
    private const string BackendSuffix = "/virtio-backend";

    /// <summary>Those of a running domain as it is now: devices come and go.</summary>
    public static RunNames Of(DomainDefinition? live) => live is null
        ? new RunNames(null, [])
        : new RunNames(live.Spec, [.. live.Spec.Disks.Select(disk => new DiskNodes(disk.TargetDev, Images(live.Document, disk)))]);

    private static ImmutableArray<ImageNode> Images(DomainDocument document, DiskSpec disk) => disk is not { Source: { Index: { } index } source, Alias: { } alias }
        ? []
        : [
            new ImageNode(index, source.Path, disk.Format, source is DiskSource.Block, disk.ReadOnly),
            .. document.BackingImages(alias).Select(image => new ImageNode(image.Index, image.Source.Path, image.Format, image.Source is DiskSource.Block, ReadOnly: true)),
        ];

    /// <summary>Every power-off is to be a restart.</summary>
    public bool PowerOffRestarts => Spec?.OnPoweroff == LifecycleAction.Restart;

    /// <summary>QEMU counts RTC_CHANGE from the clock that it was started with; clients count from the host's.</summary>
    public long ClockAdjustmentSeconds => Spec?.Clock is { Offset: "variable" } clock ? clock.AdjustmentSeconds : 0;

    /// <summary>The disk of a device id, in any of the forms that QEMU has for one: alias, old drive name, path of its virtio back-end.</summary>
    public DiskSpec? DiskOfDevice(string? device)
    {
        if (device is null || Spec is null)
            return null;
        var alias = device.StartsWith(DrivePrefix, StringComparison.Ordinal) ? device[DrivePrefix.Length..] : device;
        if (alias.EndsWith(BackendSuffix, StringComparison.Ordinal))
            alias = Path.GetFileName(alias[..^BackendSuffix.Length]);
        return Spec.Disks.FirstOrDefault(disk => disk.Alias == alias);
    }

    /// <summary>The disk of a block node, the number and path of its image, and whether that is the one the guest writes to.</summary>
    public (DiskSpec Disk, int Index, string Path, bool IsTop)? DiskOfNode(string? node)
    {
        if (node is null || Spec is null)
            return null;
        foreach (var disk in Spec.Disks)
        {
            if (disk.Source is { Index: { } index } source && IsNodeOf(index, node))
                return (disk, index, source.Path, true);
            var images = Nodes.IsDefault ? [] : Nodes.FirstOrDefault(nodes => nodes.TargetDev == disk.TargetDev)?.Images ?? [];
            if (images.Skip(1).FirstOrDefault(image => IsNodeOf(image.Index, node)) is { } below)
                return (disk, below.Index, below.Path, false);
        }
        return null;
    }

    private static bool IsNodeOf(int index, string node) => node == $"libvirt-{index}-format" || node == $"libvirt-{index}-storage";
}
