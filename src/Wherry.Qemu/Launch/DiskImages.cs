using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// The disk images of a domain as they are on this host at start.
/// <code>
///   disk source --exists?--&gt; qcow2: follow the header's backing file, and its, ... --&gt; Backing (top image excluded)
///        | missing: startupPolicy says            raw: stands alone
///        '--&gt; error, or a drive without medium
/// </code>
/// The chain is read here, not by QEMU: node names are numbered over it, and QEMU is told explicitly what lies below what.
/// </summary>
public sealed record DiskImages(ImmutableDictionary<string, ImmutableArray<ChainImage>> Backing, ImmutableHashSet<string> Ejected)
{
    /// <summary>ENOENT, the same on every Linux.</summary>
    internal const int NoSuchFile = 2;

    /// <summary>libvirt's own limit for the depth of a chain.</summary>
    private const int MaxChain = 200;

    /// <param name="accessedAs">User and group of QEMU, for the error, as libvirt names them: " (as uid:0, gid:0)"; empty in session mode.</param>
    /// <param name="coldBoot">A start from nothing: then startupPolicy "requisite" insists on its medium, as "mandatory" always does.</param>
    /// <exception cref="WherryException">SystemError in the storage domain: an image that the domain needs cannot be read.</exception>
    public static DiskImages Inspect(DomainSpec spec, bool coldBoot, string accessedAs = "")
    {
        var backing = ImmutableDictionary.CreateBuilder<string, ImmutableArray<ChainImage>>(StringComparer.Ordinal);
        var ejected = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var disk in spec.Disks)
        {
            if (disk.Source is not { } source)
                continue;
            if (!File.Exists(source.Path) && !Directory.Exists(source.Path))
            {
                if (!MayBeMissing(disk, coldBoot))
                    throw WherryException.FromErrno(NoSuchFile, $"Cannot access storage file '{source.Path}'{accessedAs}", ErrorDomain.Storage);
                ejected.Add(disk.TargetDev);
                continue;
            }
            var chain = Follow(source.Path, disk.Format, accessedAs);
            if (!chain.IsEmpty)
                backing[disk.TargetDev] = chain;
        }
        return new DiskImages(backing.ToImmutable(), ejected.ToImmutable());
    }

    /// <summary>The spec as it starts: drives whose optional medium is missing are empty, and hard disks of that kind are not there at all.</summary>
    public DomainSpec Apply(DomainSpec spec) => Ejected.IsEmpty
        ? spec
        : spec with
        {
            Disks = [.. spec.Disks
                .Where(disk => !Ejected.Contains(disk.TargetDev) || disk.Device != DiskDevice.Disk)
                .Select(disk => Ejected.Contains(disk.TargetDev) ? disk with { Source = null } : disk)],
        };

    private static bool MayBeMissing(DiskSpec disk, bool coldBoot) => disk.Source?.StartupPolicy switch
    {
        "optional" => true,
        "requisite" => !coldBoot,
        _ => false,
    };

    private static ImmutableArray<ChainImage> Follow(string top, DiskFormat format, string accessedAs)
    {
        var chain = ImmutableArray.CreateBuilder<ChainImage>();
        var path = top;
        while (format == DiskFormat.Qcow2 && Qcow2Header.Read(path) is { BackingFile: { } name } header)
        {
            var below = Resolve(name, path);
            if (!File.Exists(below))
                throw WherryException.FromErrno(NoSuchFile, $"Cannot access backing file '{below}' of storage file '{path}'{accessedAs}", ErrorDomain.Storage);
            if (below == top || chain.Any(image => image.Path == below) || chain.Count == MaxChain)
                throw new WherryException(ErrorCode.InternalError, $"backing store for {top} is self-referential or too deep", ErrorDomain.Storage);
            format = header.BackingFormat ?? ProbedFormat(below, path);
            chain.Add(new ChainImage(below, format, BlockDevice(below) is not null));
            path = below;
        }
        return chain.ToImmutable();
    }

    private static string Resolve(string name, string image)
    {
        if (name.StartsWith("json:", StringComparison.Ordinal) || name.Contains("://", StringComparison.Ordinal))
            throw new WherryException(ErrorCode.ConfigUnsupported, $"backing file '{name}' of '{image}' is not a local file", ErrorDomain.Storage);
        return Path.GetFullPath(name, Path.GetDirectoryName(Path.GetFullPath(image))!);
    }

    /// <summary>
    /// An unnamed format may only be raw. Guessing anything else would let a guest that can write to its raw disk make it look like qcow2 with
    /// a backing file of its choice, and read that file of the host at its next start.
    /// </summary>
    private static DiskFormat ProbedFormat(string below, string image) => Qcow2Header.Read(below) is null
        ? DiskFormat.Raw
        : throw new WherryException(
            ErrorCode.OperationInvalid,
            $"format of backing image '{below}' of image '{image}' was not specified in the image metadata "
            + "(See https://libvirt.org/kbase/backing_chains.html for troubleshooting)",
            ErrorDomain.Storage);

    /// <summary>Where the kernel describes a block device: it lists each by its name in /dev. Links such as /dev/mapper/NAME lead to one. Null: it is none.</summary>
    internal static string? BlockDevice(string path)
    {
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var entry = $"/sys/class/block/{Path.GetFileName(target)}";
        return target.StartsWith("/dev/", StringComparison.Ordinal) && Directory.Exists(entry) ? entry : null;
    }
}
