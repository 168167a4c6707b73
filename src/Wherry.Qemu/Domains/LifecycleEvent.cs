namespace Wherry.Qemu.Domains;

// Numbers are libvirt's public ones (virDomainEventType and its details, libvirt-domain.h).

public enum LifecycleEventType
{
    Defined = 0,
    Undefined = 1,
    Started = 2,
    Suspended = 3,
    Resumed = 4,
    Stopped = 5,
    Shutdown = 6,
    PmSuspended = 7,
    Crashed = 8,
}

public enum DefinedDetail
{
    Added = 0,
    Updated = 1,
    Renamed = 2,
    FromSnapshot = 3,
}

public enum StartedDetail
{
    Booted = 0,
    Migrated = 1,
    Restored = 2,
    FromSnapshot = 3,
    Wakeup = 4,
}

public enum SuspendedDetail
{
    Paused = 0,
    Migrated = 1,
    IoError = 2,
    Watchdog = 3,
    Restored = 4,
    FromSnapshot = 5,
    ApiError = 6,
    Postcopy = 7,
    PostcopyFailed = 8,
}

public enum ResumedDetail
{
    Unpaused = 0,
    Migrated = 1,
    FromSnapshot = 2,
    Postcopy = 3,
    PostcopyFailed = 4,
}

public enum StoppedDetail
{
    Shutdown = 0,
    Destroyed = 1,
    Crashed = 2,
    Migrated = 3,
    Saved = 4,
    Failed = 5,
    FromSnapshot = 6,
}

public enum ShutdownDetail
{
    /// <summary>Nobody said who asked (QEMU without the <c>guest</c> member in SHUTDOWN).</summary>
    Finished = 0,
    Guest = 1,
    Host = 2,
}

/// <summary>One line of <c>virsh event --event lifecycle</c>.</summary>
public readonly record struct LifecycleEvent(LifecycleEventType Type, int Detail)
{
    /// <summary>VIR_DOMAIN_EVENT_UNDEFINED_RENAMED.</summary>
    private const int UndefinedByRename = 1;

    public static LifecycleEvent Defined(DefinedDetail detail) => new(LifecycleEventType.Defined, (int)detail);
    public static LifecycleEvent Undefined() => new(LifecycleEventType.Undefined, 0);

    /// <summary>A rename is told as the end of one name and the beginning of another.</summary>
    /// <param name="type">Undefined or Defined.</param>
    public static LifecycleEvent Renamed(LifecycleEventType type) =>
        new(type, type == LifecycleEventType.Defined ? (int)DefinedDetail.Renamed : UndefinedByRename);

    public static LifecycleEvent Started(StartedDetail detail) => new(LifecycleEventType.Started, (int)detail);
    public static LifecycleEvent Suspended(SuspendedDetail detail) => new(LifecycleEventType.Suspended, (int)detail);
    public static LifecycleEvent Resumed(ResumedDetail detail) => new(LifecycleEventType.Resumed, (int)detail);
    public static LifecycleEvent Stopped(StoppedDetail detail) => new(LifecycleEventType.Stopped, (int)detail);
    public static LifecycleEvent Shutdown(ShutdownDetail detail) => new(LifecycleEventType.Shutdown, (int)detail);
}
