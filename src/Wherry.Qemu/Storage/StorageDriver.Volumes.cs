using System.Globalization;
using Wherry.Xml;

namespace Wherry.Qemu.Storage;

// Disk images in pools.
public sealed partial class StorageDriver
{
    private const string ImageTool = "/usr/bin/qemu-img";

    /// <summary>libvirt's, where the XML leaves it open: an image is its owner's alone.</summary>
    private const int ModeOfVolumes = 0b110_000_000;

    /// <summary>A volume of an active pool by its path, which is its key as well.</summary>
    public (StoragePool Pool, StorageVolume Volume)? FindVolume(string path)
    {
        foreach (var pool in Pools)
        {
            foreach (var volume in pool.Now.Volumes.Values)
            {
                if (volume.Path == path)
                    return (pool, volume);
            }
        }
        return null;
    }

    /// <summary>The volume with its sizes of this moment.</summary>
    public static Task<StorageVolume> LookAsync(StorageVolume volume, CancellationToken ct) => Task.Run(() => PoolDirectory.Update(volume), ct);

    /// <summary>virsh vol-create.</summary>
    /// <param name="allocateMetadata">Writes all of a qcow2 image's tables at once, and reserves all of its space where the XML asks for that.</param>
    /// <exception cref="WherryException">StorageVolExist: the pool has one of that name; SystemError and OperationFailed: the host refuses.</exception>
    public async Task<StorageVolume> CreateVolumeAsync(StoragePool pool, string xml, bool allocateMetadata, CancellationToken ct)
    {
        await pool.Turn.WaitAsync(ct);
        try
        {
            CheckActive(pool);
            var spec = StorageVolumeSpec.Parse(xml);
            if (pool.Now.Volumes.ContainsKey(spec.Name))
                throw new WherryException(ErrorCode.StorageVolExist, $"'{spec.Name}'", ErrorDomain.Storage);
            if (spec.Name.Contains('/', StringComparison.Ordinal))
                throw Invalid($"volume name '{spec.Name}' cannot contain '/'");
            var path = Path.Combine(pool.Now.Spec.TargetPath, spec.Name);
            if (spec.Name is "." or ".." || spec.Name.Contains('\n', StringComparison.Ordinal) || Path.Exists(path))
                throw new WherryException(ErrorCode.OperationFailed, $"volume target path '{path}' already exists", ErrorDomain.Storage);
            await MakeImageAsync(path, spec, allocateMetadata, ct);
            var volume = await Task.Run(() => Made(pool, spec), CancellationToken.None);
            StorageLog.VolumeCreated(logger, path, volume.Capacity);
            return volume;
        }
        finally
        {
            pool.Turn.Release();
        }
    }

    /// <summary>virsh vol-delete.</summary>
    public Task DeleteVolumeAsync(StoragePool pool, string name, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        CheckActive(pool);
        var volume = pool.Now.Volumes.GetValueOrDefault(name)
            ?? throw new WherryException(ErrorCode.NoStorageVol, $"no storage vol with matching name '{name}'", ErrorDomain.Storage);
        try
        {
            if (volume.Kind == StorageVolumeKind.Directory)
                Directory.Delete(volume.Path);
            else
                File.Delete(volume.Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var what = volume.Kind == StorageVolumeKind.Directory ? $"cannot remove directory '{volume.Path}'" : $"cannot unlink file '{volume.Path}'";
            throw new WherryException(ErrorCode.SystemError, $"{what}: {PoolDirectory.Words(e)}", ErrorDomain.Storage, e);
        }
        pool.Publish(PoolDirectory.Measure(pool.Now with { Volumes = pool.Now.Volumes.Remove(name) }));
        StorageLog.VolumeDeleted(logger, volume.Path);
    }, ct);

    private async Task MakeImageAsync(string path, StorageVolumeSpec spec, bool allocateMetadata, CancellationToken ct)
    {
        try
        {
            if (spec is { Format: DiskFormat.Raw, BackingPath: null })
                await Task.Run(() => MakeRaw(path, spec), ct);
            else
                await tools.RunAsync(ImageTool, Arguments(path, spec, allocateMetadata), ct);
            File.SetUnixFileMode(path, (UnixFileMode)(spec.Permissions?.Mode ?? ModeOfVolumes));
            FileStatus.ChangeOwner(path, spec.Permissions?.Owner, spec.Permissions?.Group);
        }
        catch (Exception e)
        {
            File.Delete(path);
            if (e is IOException or UnauthorizedAccessException)
                throw new WherryException(ErrorCode.SystemError, $"cannot create path '{path}': {PoolDirectory.Words(e)}", ErrorDomain.Storage, e);
            throw;
        }
    }

    private static IEnumerable<string> Arguments(string path, StorageVolumeSpec spec, bool allocateMetadata)
    {
        if (spec.Format == DiskFormat.Raw)
            throw new WherryException(ErrorCode.ConfigUnsupported, "a raw volume has no backing store", ErrorDomain.Storage);
        List<string> options = [];
        if (spec.Compat is { } compat)
            options.Add($"compat={compat}");
        if (allocateMetadata)
            options.Add(spec.Capacity > spec.Allocation ? "preallocation=metadata" : "preallocation=falloc");
        string[] backing = spec.BackingPath is { } below ? ["-b", below, "-F", spec.BackingFormat == DiskFormat.Qcow2 ? "qcow2" : "raw"] : [];
        string[] chosen = options.Count > 0 ? ["-o", string.Join(',', options)] : [];
        // Nothing that the client wrote is an option to the tool: the path begins with the pool's, which is absolute.
        return ["create", "-q", "-f", "qcow2", .. backing, .. chosen, path, spec.Capacity.Bytes.ToString(CultureInfo.InvariantCulture)];
    }

    private static void MakeRaw(string path, StorageVolumeSpec spec)
    {
        using var image = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            PreallocationSize = (long)Math.Min(spec.Allocation.Bytes, spec.Capacity.Bytes),
        });
        image.SetLength((long)spec.Capacity.Bytes);
    }

    private static StorageVolume Made(StoragePool pool, StorageVolumeSpec spec)
    {
        var found = PoolDirectory.Probe(pool.Now.Spec.TargetPath, spec.Name)
            ?? throw new WherryException(ErrorCode.InternalError, $"volume '{spec.Name}' is not there after it was made", ErrorDomain.Storage);
        // Until the pool is looked into again a volume shows what was asked for, as libvirt's do.
        var volume = found with
        {
            Compat = spec.Compat,
            ClusterBytes = null,
            Backing = spec.BackingPath is { } below ? PoolDirectory.Backing(below, spec.BackingFormat) : null,
        };
        pool.Publish(PoolDirectory.Measure(pool.Now with { Volumes = pool.Now.Volumes.SetItem(volume.Name, volume) }));
        return volume;
    }
}
