using System.Collections.Immutable;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Storage;

/// <summary>Looks at a directory as libvirt's driver for such pools does.</summary>
internal static class PoolDirectory
{
    /// <summary>More than virsh could list.</summary>
    private const int MaxVolumes = 16_384;

    /// <returns>The pool with what is in the directory now.</returns>
    /// <exception cref="WherryException">SystemError: it cannot be read; InternalError: too many files.</exception>
    public static StoragePoolState Look(StoragePoolState pool)
    {
        var path = pool.Spec.TargetPath;
        try
        {
            var volumes = ImmutableSortedDictionary.CreateBuilder<string, StorageVolume>(StringComparer.Ordinal);
            foreach (var entry in Directory.EnumerateFileSystemEntries(path))
            {
                if (volumes.Count == MaxVolumes)
                    throw new WherryException(ErrorCode.InternalError, $"more than {MaxVolumes} volumes in '{path}'", ErrorDomain.Storage);
                if (Probe(path, Path.GetFileName(entry)) is { } volume)
                    volumes.Add(volume.Name, volume);
            }
            return Measure(pool with { IsActive = true, Volumes = volumes.ToImmutable() });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"cannot open directory '{path}': {Words(e)}", ErrorDomain.Storage, e);
        }
    }

    /// <summary>Only the space, not the files.</summary>
    public static StoragePoolState Measure(StoragePoolState pool)
    {
        var drive = new DriveInfo(pool.Spec.TargetPath);
        var (total, free) = ((ulong)drive.TotalSize, (ulong)drive.TotalFreeSpace);
        return pool with
        {
            Sizes = new PoolSizes(total, total - free, free),
            Permissions = FileStatus.Read(pool.Spec.TargetPath)?.Permissions,
        };
    }

    /// <summary>The volume with the sizes and times that it has by now; unchanged where it is gone.</summary>
    public static StorageVolume Update(StorageVolume volume)
    {
        if (FileStatus.Read(volume.Path) is not { } status || volume.Kind != StorageVolumeKind.File)
            return volume;
        return volume with
        {
            Capacity = volume.Format == DiskFormat.Raw ? status.Size : volume.Capacity,
            Allocation = status.Allocation,
            Physical = status.Size,
            Permissions = status.Permissions,
            Times = status.Times,
        };
    }

    /// <summary>null for what is no disk image: sockets, pipes, devices, links that lead nowhere, and names that no line can hold.</summary>
    public static StorageVolume? Probe(string directory, string name)
    {
        var path = Path.Combine(directory, name);
        if (name.Contains('\n', StringComparison.Ordinal) || FileStatus.Read(path) is not { } status)
            return null;
        if (status.Type == FileStatus.Directory)
        {
            return new StorageVolume(
                name, path, StorageVolumeKind.Directory, 0, 0, 0, DiskFormat.Raw, status.Permissions, Times: null, Backing: null, Compat: null, ClusterBytes: null);
        }
        if (status.Type != FileStatus.Regular)
            return null;
        var header = HeaderOf(path);
        return new StorageVolume(
            name,
            path,
            StorageVolumeKind.File,
            header?.VirtualSize ?? status.Size,
            status.Allocation,
            status.Size,
            header is null ? DiskFormat.Raw : DiskFormat.Qcow2,
            status.Permissions,
            status.Times,
            header?.BackingFile is { } below ? Backing(Path.GetFullPath(below, directory), header.BackingFormat) : null,
            header?.Compat,
            header?.ClusterBytes);
    }

    public static BackingVolume Backing(string path, DiskFormat? format)
    {
        var status = FileStatus.Read(path);
        return new BackingVolume(path, format ?? DiskFormat.Raw, status?.Permissions, status?.Times);
    }

    /// <summary>A file that nobody may read, or with a header that makes no sense, is listed all the same: as bytes.</summary>
    private static Qcow2Header? HeaderOf(string path)
    {
        try
        {
            return Qcow2Header.Read(path);
        }
        catch (Exception e) when (e is WherryException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The system's words, where the runtime has replaced them by its own.</summary>
    public static string Words(Exception e) => e switch
    {
        DirectoryNotFoundException or FileNotFoundException => "No such file or directory",
        UnauthorizedAccessException => "Permission denied",
        _ => e.Message,
    };
}
