namespace Wherry.Qemu.Domains;

// Numbers are libvirt's public ones (virDomainState and the reason enums, libvirt-domain.h): they go over the wire as they are.

/// <summary>What a domain is doing.</summary>
public enum DomainState
{
    NoState = 0,
    Running = 1,
    Blocked = 2,
    Paused = 3,

    /// <summary>The guest has shut itself down; QEMU still exists for a moment.</summary>
    Shutdown = 4,

    /// <summary>No QEMU.</summary>
    Shutoff = 5,
    Crashed = 6,
    PmSuspended = 7,
}

/// <summary>Why a domain is running.</summary>
public enum RunningReason
{
    Unknown = 0,
    Booted = 1,
    Migrated = 2,
    Restored = 3,
    FromSnapshot = 4,
    Unpaused = 5,
    MigrationCanceled = 6,
    SaveCanceled = 7,
    Wakeup = 8,
    Crashed = 9,
    Postcopy = 10,
    PostcopyFailed = 11,
}

/// <summary>Why a domain is paused.</summary>
public enum PausedReason
{
    Unknown = 0,
    User = 1,
    Migration = 2,
    Save = 3,
    Dump = 4,
    IoError = 5,
    Watchdog = 6,
    FromSnapshot = 7,
    ShuttingDown = 8,
    Snapshot = 9,
    Crashed = 10,
    StartingUp = 11,
    Postcopy = 12,
    PostcopyFailed = 13,
}

/// <summary>Why there is no QEMU.</summary>
public enum ShutoffReason
{
    Unknown = 0,
    Shutdown = 1,
    Destroyed = 2,
    Crashed = 3,
    Migrated = 4,
    Saved = 5,
    Failed = 6,
    FromSnapshot = 7,

    /// <summary>The daemon found it gone when it started.</summary>
    Daemon = 8,
}

/// <summary>State with its reason; the reason's enum depends on the state.</summary>
public readonly record struct DomainStatus(DomainState State, int Reason)
{
    public static DomainStatus Running(RunningReason reason) => new(DomainState.Running, (int)reason);
    public static DomainStatus Paused(PausedReason reason) => new(DomainState.Paused, (int)reason);
    public static DomainStatus Shutoff(ShutoffReason reason) => new(DomainState.Shutoff, (int)reason);

    /// <summary>A guest whose CPUs are meant to run.</summary>
    public bool IsRunning => State == DomainState.Running;

    public bool IsPausedFor(PausedReason reason) => State == DomainState.Paused && Reason == (int)reason;

    public override string ToString() => State switch
    {
        DomainState.Running => $"running ({(RunningReason)Reason})",
        DomainState.Paused => $"paused ({(PausedReason)Reason})",
        DomainState.Shutoff => $"shut off ({(ShutoffReason)Reason})",
        _ => $"{State} ({Reason})",
    };
}
