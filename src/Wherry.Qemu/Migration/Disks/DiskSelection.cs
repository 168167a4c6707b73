using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Migration.Disks;

/// <summary>Which disks are copied, and whether those that are not may be left behind. Source: migration.md A3, qemu_migration.c.</summary>
internal static class DiskSelection
{
    /// <summary>The disks to copy, in the order of the definition.</summary>
    public static ImmutableArray<DiskSpec> Choose(DomainSpec spec, MigrationFlags flags, ImmutableArray<string> asked)
    {
        if (!flags.CopiesDisks())
            return [];

        return [.. spec.Disks.Where(disk => asked.IsEmpty ? IsCopiedByDefault(disk) : asked.Contains(disk.TargetDev, StringComparer.Ordinal))];
    }

    /// <summary>Refuses to copy what is not there.</summary>
    /// <exception cref="WherryException">InvalidArg naming a target that the domain does not have; OperationUnsupported naming one that cannot be copied.</exception>
    public static void RequireKnown(DomainSpec spec, ImmutableArray<string> asked)
    {
        foreach (var target in asked)
        {
            var disk = spec.Disks.FirstOrDefault(d => d.TargetDev == target)
                ?? throw new WherryException(ErrorCode.InvalidArg, $"disk target {target} not found in domain '{spec.Name}'");
            if (disk.Source is null || disk.ReadOnly)
                throw new WherryException(ErrorCode.OperationUnsupported, $"Cannot migrate empty or read-only disk {target}");
        }
    }

    /// <summary>Refuses to leave behind disks that the destination cannot see or that caches could corrupt.</summary>
    /// <exception cref="WherryException">MigrateUnsafe, with libvirt's words.</exception>
    public static void RequireSafe(DomainSpec spec, ImmutableArray<DiskSpec> copied)
    {
        foreach (var disk in spec.Disks)
        {
            if (disk.Source is null || disk.ReadOnly || copied.Contains(disk))
                continue;

            // Block devices are taken for shared, as libvirt does. A file has to be on a file system that two hosts can see.
            // A cache is no danger: every QEMU we support drops it at the hand-over, which libvirt too takes for safe.
            if (disk.Source is DiskSource.File file && !SharedFileSystem.IsShared(file.Path))
                throw new WherryException(ErrorCode.MigrateUnsafe, $"Migration without shared storage is unsafe");
        }
    }

    private static bool IsCopiedByDefault(DiskSpec disk) => disk is { Source: not null, ReadOnly: false, Shareable: false };
}
