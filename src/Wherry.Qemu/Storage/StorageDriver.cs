using System.Collections.Immutable;
using System.Text;
using Microsoft.Extensions.Logging;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Storage;

/// <summary>
/// Directories as storage pools: what virt-install and virt-manager need to make, find and remove disk images. libvirt's other kinds of pool
/// are refused. Errors are <see cref="WherryException"/> with libvirt's code and words.
/// </summary>
/// <remarks>
/// <code>
///   define -> inactive -> start (look into the directory) -> active: refresh, volumes -> stop -> undefine
///   create  ------------------------------------------------> active ---------------> stop: forgotten
/// </code>
/// Rules of every operation: take the pool's turn, look again, act, write, publish, tell.
/// </remarks>
public sealed partial class StorageDriver(
    StorageFiles files, ToolRunner tools, Action<StoragePool, StoragePoolChange> announce, ILogger logger)
{
    private readonly Lock _gate = new();
    private volatile ImmutableDictionary<Guid, StoragePool> _pools = ImmutableDictionary<Guid, StoragePool>.Empty;

    public IEnumerable<StoragePool> Pools => _pools.Values;

    public StoragePool? Find(Guid uuid) => _pools.GetValueOrDefault(uuid);

    public StoragePool? Find(string name) => _pools.Values.FirstOrDefault(pool => pool.Name == name);

    /// <summary>Reads what is stored. Pools that were active stay so; the others start if they are to start with the daemon.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        foreach (var name in files.Definitions.Names())
        {
            if (Load(files.Definitions, name) is { } spec)
                Add(Stopped(spec, spec, files.IsAutostart(name)));
        }
        foreach (var name in files.Active.Names())
        {
            if (Load(files.Active, name) is not { } spec)
                continue;
            var pool = Find(name) ?? Add(Stopped(spec, next: null, autostart: false));
            await ResumeAsync(pool, spec, ct);
        }
        foreach (var pool in _pools.Values.Where(pool => pool.Now is { Autostart: true, IsActive: false }))
            await ResumeAsync(pool, pool.Now.Spec, ct);
    }

    /// <summary>virsh pool-define.</summary>
    /// <exception cref="WherryException">OperationFailed: name, UUID or directory is another pool's.</exception>
    public Task<StoragePool> DefineAsync(string xml, CancellationToken ct)
    {
        var spec = StoragePoolSpec.Parse(xml);
        var pool = GetOrAdd(Stopped(spec, next: null, autostart: false), out var added);
        return InTurnAsync(pool, () =>
        {
            try
            {
                files.Definitions.Write(spec.Name, Text(spec));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (added)
                    Remove(pool);
                throw new WherryException(ErrorCode.SystemError, $"cannot write config file '{files.Definitions.PathOf(spec.Name)}': {e.Message}", ErrorDomain.Storage, e);
            }
            var now = pool.Now;
            pool.Publish(now with { Next = spec, Spec = now.IsActive ? now.Spec : spec });
            Tell(pool, StoragePoolChange.Defined);
            return pool;
        }, ct);
    }

    /// <summary>virsh pool-create: a pool without a definition, started.</summary>
    /// <param name="build">Makes the directory first.</param>
    public async Task<StoragePool> CreateAsync(string xml, bool build, CancellationToken ct)
    {
        var spec = StoragePoolSpec.Parse(xml);
        var pool = GetOrAdd(Stopped(spec, next: null, autostart: false), out var added);
        try
        {
            await StartAsync(pool, build, ct);
            return pool;
        }
        catch when (added)
        {
            Remove(pool);
            throw;
        }
    }

    /// <summary>virsh pool-start.</summary>
    public Task StartAsync(StoragePool pool, bool build, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        if (pool.Now.IsActive)
            throw Invalid($"storage pool '{pool.Name}' is already active");
        if (build)
            Build(pool.Now.Spec);
        pool.Publish(Started(pool.Now));
        Tell(pool, StoragePoolChange.Started);
    }, ct);

    /// <summary>virsh pool-build: makes the directory, and leaves one that is there as it is.</summary>
    public Task BuildAsync(StoragePool pool, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        if (pool.Now.IsActive)
            throw Invalid($"storage pool '{pool.Name}' is already active");
        Build(pool.Now.Spec);
        Tell(pool, StoragePoolChange.Created);
    }, ct);

    /// <summary>virsh pool-destroy: the pool is not used any more; its files stay.</summary>
    public Task StopAsync(StoragePool pool, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        CheckActive(pool);
        files.Active.Delete(pool.Name);
        pool.Publish(pool.Now.Stopped());
        if (!pool.Now.IsPersistent)
            Remove(pool);
        Tell(pool, StoragePoolChange.Stopped);
    }, ct);

    /// <summary>virsh pool-delete: removes the directory, which must be empty.</summary>
    public Task DeleteAsync(StoragePool pool, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        if (pool.Now.IsActive)
            throw Invalid($"storage pool '{pool.Name}' is still active");
        var path = pool.Now.Spec.TargetPath;
        try
        {
            Directory.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var isFull = Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any();
            throw new WherryException(
                ErrorCode.SystemError, $"failed to remove pool '{path}': {(isFull ? "Directory not empty" : PoolDirectory.Words(e))}", ErrorDomain.Storage, e);
        }
        Tell(pool, StoragePoolChange.Deleted);
    }, ct);

    /// <summary>virsh pool-undefine.</summary>
    public Task UndefineAsync(StoragePool pool, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        if (pool.Now.IsActive)
            throw Invalid($"storage pool '{pool.Name}' is still active");
        files.SetAutostart(pool.Name, false);
        files.Definitions.Delete(pool.Name);
        Remove(pool);
        Tell(pool, StoragePoolChange.Undefined);
    }, ct);

    /// <summary>virsh pool-refresh.</summary>
    public Task RefreshAsync(StoragePool pool, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        CheckActive(pool);
        try
        {
            pool.Publish(PoolDirectory.Look(pool.Now));
        }
        catch (WherryException)
        {
            // As libvirt has it: a pool that cannot be looked into is none.
            files.Active.Delete(pool.Name);
            pool.Publish(pool.Now.Stopped());
            if (!pool.Now.IsPersistent)
                Remove(pool);
            Tell(pool, StoragePoolChange.Stopped);
            throw;
        }
        Tell(pool, StoragePoolChange.Refreshed);
    }, ct);

    public Task SetAutostartAsync(StoragePool pool, bool autostart, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        if (!pool.Now.IsPersistent)
            throw new WherryException(ErrorCode.InternalError, "pool has no config file", ErrorDomain.Storage);
        if (pool.Now.Autostart == autostart)
            return;
        files.SetAutostart(pool.Name, autostart);
        pool.Publish(pool.Now with { Autostart = autostart });
    }, ct);

    internal static void CheckActive(StoragePool pool)
    {
        if (!pool.Now.IsActive)
            throw NotActive(pool);
    }

    public static WherryException NotActive(StoragePool pool) => Invalid($"storage pool '{pool.Name}' is not active");

    private static WherryException Invalid(string text) => new(ErrorCode.OperationInvalid, text, ErrorDomain.Storage);

    private static StoragePoolState Stopped(StoragePoolSpec spec, StoragePoolSpec? next, bool autostart) =>
        new(spec, next, IsActive: false, autostart, Sizes: default, Permissions: null, StoragePoolState.NoVolumes);

    private StoragePoolState Started(StoragePoolState pool)
    {
        var started = PoolDirectory.Look(pool);
        files.Active.Write(pool.Spec.Name, Text(pool.Spec));
        return started;
    }

    private async Task ResumeAsync(StoragePool pool, StoragePoolSpec spec, CancellationToken ct)
    {
        try
        {
            await InTurnAsync(pool, () => pool.Publish(Started(pool.Now with { Spec = spec })), ct);
        }
        catch (WherryException e)
        {
            StorageLog.NotStarted(logger, pool.Name, e.Message);
            files.Active.Delete(pool.Name);
            if (!pool.Now.IsPersistent)
                Remove(pool);
        }
    }

    private static void Build(StoragePoolSpec spec)
    {
        const int ModeOfPools = 0b111_001_001; // libvirt's, where the XML leaves it open
        try
        {
            if (Directory.Exists(spec.TargetPath))
                return;
            if (Path.GetDirectoryName(spec.TargetPath) is { } parent)
                Directory.CreateDirectory(parent);
            Directory.CreateDirectory(spec.TargetPath);
            File.SetUnixFileMode(spec.TargetPath, (UnixFileMode)(spec.Permissions?.Mode ?? ModeOfPools));
            FileStatus.ChangeOwner(spec.TargetPath, spec.Permissions?.Owner, spec.Permissions?.Group);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"failed to create directory '{spec.TargetPath}': {PoolDirectory.Words(e)}", ErrorDomain.Storage, e);
        }
    }

    private StoragePoolSpec? Load(State.StateDirectory directory, string name)
    {
        var spec = directory.Load(name, content => StoragePoolSpec.Parse(Encoding.UTF8.GetString(content)), out var damage);
        if (damage is not null)
            StorageLog.Damaged(logger, damage);
        return spec;
    }

    private static byte[] Text(StoragePoolSpec spec) => Encoding.UTF8.GetBytes(spec.ToXml(default));

    private StoragePool Add(StoragePoolState state)
    {
        var pool = new StoragePool(state);
        lock (_gate)
            _pools = _pools.SetItem(pool.Uuid, pool);
        return pool;
    }

    private StoragePool GetOrAdd(StoragePoolState state, out bool added)
    {
        var spec = state.Spec;
        lock (_gate)
        {
            added = false;
            if (_pools.TryGetValue(spec.Uuid, out var existing))
                return existing.Name == spec.Name
                    ? existing
                    : throw Clash($"pool '{existing.Name}' is already defined with uuid {spec.Uuid}");
            if (Find(spec.Name) is { } namesake)
                throw Clash($"pool '{spec.Name}' already exists with uuid {namesake.Uuid}");
            if (_pools.Values.FirstOrDefault(other => other.Now.Spec.TargetPath == spec.TargetPath) is { } neighbour)
                throw Clash($"Storage source conflict with pool: '{neighbour.Name}'");
            added = true;
            var pool = new StoragePool(state);
            _pools = _pools.Add(pool.Uuid, pool);
            return pool;
        }
    }

    private static WherryException Clash(string text) => new(ErrorCode.OperationFailed, text, ErrorDomain.Storage);

    private void Remove(StoragePool pool)
    {
        lock (_gate)
        {
            if (_pools.GetValueOrDefault(pool.Uuid) == pool)
                _pools = _pools.Remove(pool.Uuid);
        }
    }

    private void Tell(StoragePool pool, StoragePoolChange change)
    {
        StorageLog.Changed(logger, pool.Name, pool.Uuid, change);
        announce(pool, change);
    }

    private Task InTurnAsync(StoragePool pool, Action act, CancellationToken ct) => InTurnAsync(pool, () =>
    {
        act();
        return true;
    }, ct);

    /// <summary>Off the caller's thread, for file systems take what time they like; not cancelled once begun.</summary>
    private async Task<T> InTurnAsync<T>(StoragePool pool, Func<T> act, CancellationToken ct)
    {
        await pool.Turn.WaitAsync(ct);
        try
        {
            if (_pools.GetValueOrDefault(pool.Uuid) != pool)
                throw new WherryException(ErrorCode.NoStoragePool, $"no storage pool with matching uuid '{pool.Uuid}' ({pool.Name})", ErrorDomain.Storage);
            return await Task.Run(act, CancellationToken.None);
        }
        finally
        {
            pool.Turn.Release();
        }
    }
}
