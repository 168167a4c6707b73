namespace Wherry.Qemu.Domains.Jobs;

/// <summary>Short operations: at most one at a time per domain.</summary>
public enum JobKind
{
    /// <summary>Asks QEMU and changes nothing.</summary>
    Query,

    /// <summary>Ends the domain. No async job can refuse it.</summary>
    Destroy,

    /// <summary>Stops the CPUs.</summary>
    Suspend,

    /// <summary>Changes the domain.</summary>
    Modify,

    /// <summary>Aborts the async job.</summary>
    Abort,

    /// <summary>Tunes a running migration (bandwidth, downtime).</summary>
    MigrationOperation,

    /// <summary>Our own reaction to an event, harmless to a migration.</summary>
    ModifyMigrationSafe,

    /// <summary>Starts the CPUs again.</summary>
    Resume,
}

/// <summary>Long operations made of several steps (and, for migration, of several RPC calls).</summary>
public enum AsyncJobKind
{
    MigrationOut,
    MigrationIn,
    Save,
    Dump,
    Snapshot,
    Start,
    Backup,
}

/// <summary>Which short operations an async job lets in.</summary>
[Flags]
public enum JobMask
{
    None = 0,
    Query = 1 << JobKind.Query,
    Destroy = 1 << JobKind.Destroy,
    Suspend = 1 << JobKind.Suspend,
    Modify = 1 << JobKind.Modify,
    Abort = 1 << JobKind.Abort,
    MigrationOperation = 1 << JobKind.MigrationOperation,
    ModifyMigrationSafe = 1 << JobKind.ModifyMigrationSafe,
    Resume = 1 << JobKind.Resume,

    /// <summary>What libvirt admits beside any async job unless it says otherwise.</summary>
    Default = Query | Destroy | Abort,
}
