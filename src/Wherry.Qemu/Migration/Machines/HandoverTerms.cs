namespace Wherry.Qemu.Migration.Machines;

/// <summary>Who calls Prepare and Finish at the destination (migration.md A1).</summary>
public enum MigrationMode
{
    /// <summary>This daemon does, over its own connection to the destination.</summary>
    PeerToPeer,

    /// <summary>The client does, and carries the cookies.</summary>
    Managed,
}

/// <summary>What the other daemon is: known when its cookie has been seen.</summary>
public enum PeerKind
{
    /// <summary>It wrote or echoed a hand-over id: Resolve and Forget work, both sides follow part C.</summary>
    Wherry,

    /// <summary>A stock libvirtd: the rules of C7.</summary>
    Legacy,
}

/// <summary>Whether the guest's vCPUs ran, or shall run, as the user wants it.</summary>
public enum GuestRunState
{
    Running,
    Paused,
}

/// <summary>What the destination says about a hand-over id. Run and Abort are final.</summary>
public enum PeerAnswer
{
    /// <summary>The guest has been started there (or was, and crashed): the source copy is garbage.</summary>
    Run,

    /// <summary>It never ran there and never will: the source may run.</summary>
    Abort,

    /// <summary>Being decided (D4, D5, D7): ask again.</summary>
    Pending,
}

/// <summary>`query-migrate` status, as far as the machines tell them apart.</summary>
public enum StreamStatus
{
    /// <summary>No migration, or `setup`.</summary>
    None,
    Active,
    PreSwitchover,
    Device,
    Completed,
    Failed,
    Cancelled,

    /// <summary>The destination has all but some of the memory and may run; what it lacks comes from the source as it is touched.</summary>
    PostCopyActive,

    /// <summary>Post-copy without a connection. Both QEMUs wait for another one, for as long as it takes.</summary>
    PostCopyPaused,

    /// <summary>The other connection is there and post-copy is being taken up again.</summary>
    PostCopyRecovering,
}

/// <summary>A request of a user (any client) concerning the guest while it migrates. The machine admits or refuses it.</summary>
public enum UserCall
{
    AbortJob,
    Suspend,
    Resume,
    Destroy,

    /// <summary>virDomainMigrateStartPostCopy.</summary>
    StartPostCopy,

    /// <summary>virDomainAbortJobFlags with POSTCOPY: breaks the connection on purpose, and it stays broken until the user says otherwise.</summary>
    PausePostCopy,

    /// <summary>A migration with VIR_MIGRATE_POSTCOPY_RESUME.</summary>
    ResumePostCopy,
}

/// <summary>
/// A person's word that a host is off and stays off until its copies of the guest are out of the way. Nothing here can check it: a host
/// that does not answer may still run a guest. Kept in the hand-over's record.
/// </summary>
/// <param name="Host">The host that was powered off, by the name or UUID that it had in the hand-over.</param>
/// <param name="By">Who says so.</param>
/// <param name="At">When, by this host's clock; for people only.</param>
public sealed record FencingStatement(string Host, string By, DateTimeOffset At);

/// <summary>What QEMU itself says, asked once when the daemon comes back. Never taken from memory or events.</summary>
/// <param name="Alive">The process of the record exists: pid, start time and uuid match. False after a host reboot.</param>
/// <param name="Running">query-status.running; null when the monitor does not answer.</param>
/// <param name="Stream">query-migrate.status.</param>
public sealed record QemuEvidence(bool Alive, bool? Running, StreamStatus Stream)
{
    public static QemuEvidence Dead { get; } = new(Alive: false, Running: false, StreamStatus.None);
}
