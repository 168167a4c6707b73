namespace Wherry.Qemu.Domains.Jobs;

/// <summary>libvirt's virDomainJobType.</summary>
public enum JobType
{
    None = 0,
    Bounded = 1,
    Unbounded = 2,
    Completed = 3,
    Failed = 4,
    Cancelled = 5,
}

/// <summary>libvirt's virDomainJobOperation.</summary>
public enum JobOperation
{
    Unknown = 0,
    Start = 1,
    Save = 2,
    Restore = 3,
    MigrationIn = 4,
    MigrationOut = 5,
    Snapshot = 6,
    SnapshotRevert = 7,
    Dump = 8,
    Backup = 9,
    SnapshotDelete = 10,
}

/// <summary>
/// Progress of a long operation, as <c>virsh domjobinfo</c> shows it. Published by whoever runs the operation, read by anyone.
/// A null number is one that libvirt leaves out of the list as well.
/// </summary>
public sealed record JobStats
{
    public required JobType Type { get; init; }
    public required JobOperation Operation { get; init; }

    /// <summary>Milliseconds since the operation began.</summary>
    public ulong TimeElapsedMs { get; init; }

    /// <summary>The same without the difference of the two hosts' clocks (destination only).</summary>
    public ulong? TimeElapsedNetMs { get; init; }

    /// <summary>Estimate; only bounded jobs have one.</summary>
    public ulong? TimeRemainingMs { get; init; }

    /// <summary>How long the guest stood (completed jobs), or is expected to stand (running ones).</summary>
    public ulong? DowntimeMs { get; init; }

    public ulong? DowntimeNetMs { get; init; }
    public ulong? SetupTimeMs { get; init; }

    public TransferStats? Memory { get; init; }
    public TransferStats? Disk { get; init; }
    public MemoryDetail? MemoryDetail { get; init; }
    public CompressionStats? Compression { get; init; }

    /// <summary>Auto-converge throttling, percent of guest CPU time taken away.</summary>
    public int? AutoConvergeThrottle { get; init; }

    /// <summary>Why a completed job failed.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>Why a job does not come to its end, as long as it does not (<c>wherry.concern</c>); null otherwise.</summary>
    public string? Concern { get; init; }

    /// <summary>How the hand-over of a migration stands (<c>wherry.handover</c>): the job is not over whatever the numbers say.</summary>
    public HandOverReport? HandOver { get; init; }
}

/// <summary>Bytes of one kind of data.</summary>
/// <param name="BytesPerSecond">Present rate; null when the source of the numbers does not say.</param>
public sealed record TransferStats(ulong Total, ulong Processed, ulong Remaining, ulong? BytesPerSecond = null);

/// <summary>Page counts of a memory migration, as query-migrate's ram member has them.</summary>
public sealed record MemoryDetail
{
    public ulong ConstantPages { get; init; }
    public ulong NormalPages { get; init; }
    public ulong NormalBytes { get; init; }

    /// <summary>Pages dirtied per second.</summary>
    public ulong DirtyRate { get; init; }

    public ulong Iteration { get; init; }
    public ulong PostcopyRequests { get; init; }
    public ulong PageSize { get; init; }
}

/// <summary>XBZRLE numbers, present when the capability is on.</summary>
public sealed record CompressionStats(ulong Cache, ulong Bytes, ulong Pages, ulong CacheMisses, ulong Overflow);
