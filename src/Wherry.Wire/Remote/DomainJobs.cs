using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// The long job of a domain (a migration, mostly), and the limits of a migration that may change while it runs.

[XdrStruct]
public readonly partial record struct DomainGetJobInfoArgs(NonnullDomain Dom);

/// <param name="Type">VIR_DOMAIN_JOB_*: 0 none, 1 bounded, 2 unbounded, 3 completed, 4 failed, 5 cancelled.</param>
/// <param name="TimeElapsed">Milliseconds.</param>
/// <param name="TimeRemaining">Milliseconds; only for bounded jobs.</param>
/// <param name="DataTotal">Bytes; data is memory and files together.</param>
[XdrStruct]
public readonly partial record struct DomainGetJobInfoRet(
    int Type,
    ulong TimeElapsed,
    ulong TimeRemaining,
    ulong DataTotal,
    ulong DataProcessed,
    ulong DataRemaining,
    ulong MemTotal,
    ulong MemProcessed,
    ulong MemRemaining,
    ulong FileTotal,
    ulong FileProcessed,
    ulong FileRemaining);

/// <param name="Flags">1 the job that completed last, 2 keep its statistics.</param>
[XdrStruct]
public readonly partial record struct DomainGetJobStatsArgs(NonnullDomain Dom, uint Flags);

/// <param name="Type">As in DomainGetJobInfoRet.</param>
[XdrStruct]
public readonly partial record struct DomainGetJobStatsRet(
    int Type,
    [XdrMax(RemoteLimits.DomainJobStats)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct DomainAbortJobArgs(NonnullDomain Dom);

/// <param name="Flags">1 interrupt post-copy, leaving it to be resumed.</param>
[XdrStruct]
public readonly partial record struct DomainAbortJobFlagsArgs(NonnullDomain Dom, uint Flags);

/// <param name="Downtime">Milliseconds.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateSetMaxDowntimeArgs(NonnullDomain Dom, ulong Downtime, uint Flags);

[XdrStruct]
public readonly partial record struct DomainMigrateGetMaxDowntimeArgs(NonnullDomain Dom, uint Flags);

/// <param name="Downtime">Milliseconds.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateGetMaxDowntimeRet(ulong Downtime);

/// <param name="Bandwidth">MiB/s.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateSetMaxSpeedArgs(NonnullDomain Dom, ulong Bandwidth, uint Flags);

[XdrStruct]
public readonly partial record struct DomainMigrateGetMaxSpeedArgs(NonnullDomain Dom, uint Flags);

/// <param name="Bandwidth">MiB/s.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateGetMaxSpeedRet(ulong Bandwidth);

/// <param name="CacheSize">Bytes.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateSetCompressionCacheArgs(
    NonnullDomain Dom,
    ulong CacheSize,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainMigrateGetCompressionCacheArgs(NonnullDomain Dom, uint Flags);

/// <param name="CacheSize">Bytes.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateGetCompressionCacheRet(ulong CacheSize);

[XdrStruct]
public readonly partial record struct DomainMigrateStartPostCopyArgs(NonnullDomain Dom, uint Flags);
