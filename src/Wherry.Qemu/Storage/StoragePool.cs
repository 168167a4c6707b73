using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Storage;

/// <summary>
/// A directory whose files clients use as disk images. Readers take <see cref="Now"/> and wait for nobody; who changes something has
/// <see cref="Turn"/>, which is this pool's alone: a file system that hangs delays no other pool.
/// </summary>
public sealed class StoragePool
{
    private volatile StoragePoolState _now;

    internal StoragePool(StoragePoolState now)
    {
        _now = now;
        (Name, Uuid) = (now.Spec.Name, now.Spec.Uuid);
    }

    public string Name { get; }

    public Guid Uuid { get; }

    public StoragePoolState Now => _now;

    internal SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>Only in one's turn.</summary>
    internal void Publish(StoragePoolState next) => _now = next;
}

/// <summary>A pool at one moment.</summary>
/// <param name="Spec">The definition; of an active pool the one that it was started with.</param>
/// <param name="Next">The stored definition; null: there is none, and the pool is forgotten when it stops.</param>
/// <param name="Sizes">As last looked; zeros while it is not active.</param>
/// <param name="Permissions">The directory's, as last looked; null while it has not been active.</param>
/// <param name="Volumes">By name; empty while the pool is not active.</param>
public sealed record StoragePoolState(
    StoragePoolSpec Spec,
    StoragePoolSpec? Next,
    bool IsActive,
    bool Autostart,
    PoolSizes Sizes,
    FilePermissions? Permissions,
    ImmutableSortedDictionary<string, StorageVolume> Volumes)
{
    public static ImmutableSortedDictionary<string, StorageVolume> NoVolumes { get; } =
        ImmutableSortedDictionary.Create<string, StorageVolume>(StringComparer.Ordinal);

    public bool IsPersistent => Next is not null;

    internal StoragePoolState Stopped() => this with { IsActive = false, Sizes = default, Volumes = NoVolumes, Spec = Next ?? Spec };
}

/// <summary>libvirt's numbers: VIR_STORAGE_POOL_EVENT_*.</summary>
public enum StoragePoolChange
{
    Defined = 0,
    Undefined = 1,
    Started = 2,
    Stopped = 3,
    Created = 4,
    Deleted = 5,

    /// <summary>An event of its own kind.</summary>
    Refreshed = -1,
}
