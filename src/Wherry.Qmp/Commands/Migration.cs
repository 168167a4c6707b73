using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Wherry.Qmp.Values;

namespace Wherry.Qmp.Commands;

// Migration and yank. QEMU: qapi/migration.json, yank.json.

/// <summary>Starts an outgoing migration; answers before it has got anywhere.</summary>
/// <param name="Uri">"tcp:host:port", "unix:path" or "fd:name" of an earlier getfd.</param>
public sealed record Migrate(string Uri) : QmpCommand<QmpEmpty>("migrate", MigrationJson.Default.QmpEmpty, MigrationJson.Default.Migrate)
{
    /// <summary>Of a post-copy that is paused.</summary>
    public bool? Resume { get; init; }
}

/// <summary>Starts to listen, after <c>-incoming defer</c>.</summary>
public sealed record MigrateIncoming(string Uri) : QmpCommand<QmpEmpty>("migrate-incoming", MigrationJson.Default.QmpEmpty, MigrationJson.Default.MigrateIncoming)
{
    /// <summary>False keeps a failed QEMU with its error-desc instead of ending it. Since QEMU 9.1: probe.</summary>
    public bool? ExitOnError { get; init; }
}

/// <summary>Asks for the end. The end may still be completed or failed: query. Never in postcopy-paused, which it would freeze for ever.</summary>
public sealed record MigrateCancel() : QmpCommand<QmpEmpty>("migrate_cancel", MigrationJson.Default.QmpEmpty);

/// <summary>Leaves the state, which must be the present one: pre-switchover.</summary>
public sealed record MigrateContinue(MigrationStatus State)
    : QmpCommand<QmpEmpty>("migrate-continue", MigrationJson.Default.QmpEmpty, MigrationJson.Default.MigrateContinue);

/// <summary>Breaks a post-copy stream on purpose; may go out of band.</summary>
public sealed record MigratePause() : QmpCommand<QmpEmpty>("migrate-pause", MigrationJson.Default.QmpEmpty);

/// <summary>Destination of a paused post-copy: listens anew; may go out of band.</summary>
public sealed record MigrateRecover(string Uri)
    : QmpCommand<QmpEmpty>("migrate-recover", MigrationJson.Default.QmpEmpty, MigrationJson.Default.MigrateRecover);

public sealed record MigrateStartPostcopy() : QmpCommand<QmpEmpty>("migrate-start-postcopy", MigrationJson.Default.QmpEmpty);

public sealed record QueryMigrateCapabilities() : QmpCommand<ImmutableArray<MigrationCapabilityStatus>>(
    "query-migrate-capabilities", MigrationJson.Default.ImmutableArrayMigrationCapabilityStatus);

/// <summary>Only those named change. QEMU keeps them from one migration to the next.</summary>
public sealed record MigrateSetCapabilities(ImmutableArray<MigrationCapabilityStatus> Capabilities)
    : QmpCommand<QmpEmpty>("migrate-set-capabilities", MigrationJson.Default.QmpEmpty, MigrationJson.Default.MigrateSetCapabilities);

public sealed record MigrationCapabilityStatus(MigrationCapability Capability, bool State);

public sealed record QueryMigrateParameters()
    : QmpCommand<MigrationParameters>("query-migrate-parameters", MigrationJson.Default.MigrationParameters);

/// <summary>Only those that are not null change.</summary>
public sealed record MigrateSetParameters(MigrationParameters Parameters)
    : QmpCommand<QmpEmpty>("migrate-set-parameters", MigrationJson.Default.QmpEmpty, MigrationJson.Default.MigrationParameters)
{
    internal override object ArgumentsObject => Parameters;
}

/// <summary>The parameters we set, and save to restore. One that a QEMU lacks is null in its answer, and must not be sent to it.</summary>
public sealed record MigrationParameters
{
    /// <summary>Bytes per second.</summary>
    public long? MaxBandwidth { get; init; }

    /// <summary>Bytes per second, once post-copy runs; 0 for no limit.</summary>
    public long? MaxPostcopyBandwidth { get; init; }

    /// <summary>Bytes per second that the downtime is estimated by. Since QEMU 8.2.</summary>
    public long? AvailSwitchoverBandwidth { get; init; }

    /// <summary>Milliseconds.</summary>
    public long? DowntimeLimit { get; init; }

    /// <summary>Percent, as the next two.</summary>
    public int? CpuThrottleInitial { get; init; }

    public int? CpuThrottleIncrement { get; init; }

    public int? MaxCpuThrottle { get; init; }

    public int? MultifdChannels { get; init; }

    /// <summary>"none", "zlib" or "zstd".</summary>
    public string? MultifdCompression { get; init; }

    public int? MultifdZlibLevel { get; init; }

    public int? MultifdZstdLevel { get; init; }

    /// <summary>Bytes.</summary>
    public long? XbzrleCacheSize { get; init; }

    /// <summary>Gone since QEMU 9.1, as the next two.</summary>
    public int? CompressLevel { get; init; }

    public int? CompressThreads { get; init; }

    public int? DecompressThreads { get; init; }

    /// <summary>The id of a tls-creds object; empty for none.</summary>
    public string? TlsCreds { get; init; }

    public string? TlsHostname { get; init; }

    public string? TlsAuthz { get; init; }

    /// <summary>As QEMU writes them; for keeping them on a disk.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, MigrationJson.Default.MigrationParameters);

    /// <exception cref="JsonException">It is none of ours.</exception>
    public static MigrationParameters FromJson(string json) =>
        JsonSerializer.Deserialize(json, MigrationJson.Default.MigrationParameters) ?? throw new JsonException("no migration parameters");
}

public sealed record QueryMigrate() : QmpCommand<MigrationInfo>("query-migrate", MigrationJson.Default.MigrationInfo);

/// <summary>The truth about the stream. Everything is null on a QEMU that never migrated. Times in milliseconds.</summary>
/// <param name="Status">Null also on a destination that still waits for its source.</param>
/// <param name="TotalTime">Since the start; to the end once completed.</param>
/// <param name="ExpectedDowntime">While it runs.</param>
/// <param name="Downtime">Once completed, source only.</param>
/// <param name="CpuThrottlePercentage">Only while auto-converge holds the guest back.</param>
/// <param name="ErrorDesc">Why it failed.</param>
/// <param name="BlockedReasons">Why it could not even begin.</param>
/// <param name="SocketAddress">Where a destination listens, with the port that was chosen.</param>
public sealed record MigrationInfo(
    MigrationStatus? Status,
    MigrationStats? Ram,
    MigrationStats? Disk,
    long? TotalTime,
    long? SetupTime,
    long? ExpectedDowntime,
    long? Downtime,
    int? CpuThrottlePercentage,
    string? ErrorDesc,
    ImmutableArray<string>? BlockedReasons,
    ImmutableArray<SocketAddress>? SocketAddress,
    XbzrleCacheStats? XbzrleCache);

/// <summary>Bytes where nothing else is said.</summary>
/// <param name="Duplicate">Pages that were all zero.</param>
/// <param name="Normal">Pages sent whole.</param>
/// <param name="DirtyPagesRate">Pages the guest dirties in a second.</param>
/// <param name="Mbps">Megabits per second.</param>
/// <param name="DirtySyncCount">Passes over the memory: libvirt's "iteration".</param>
public sealed record MigrationStats(
    long Transferred,
    long Remaining,
    long Total,
    long Duplicate,
    long Normal,
    long NormalBytes,
    long DirtyPagesRate,
    double Mbps,
    long DirtySyncCount,
    long PostcopyRequests,
    long PageSize,
    long MultifdBytes,
    long PagesPerSecond,
    long PrecopyBytes,
    long DowntimeBytes,
    long PostcopyBytes);

public sealed record XbzrleCacheStats(long CacheSize, long Bytes, long Pages, long CacheMiss, long Overflow);

/// <summary>Cuts connections that hang; may go out of band, and is made for it.</summary>
public sealed record Yank(ImmutableArray<YankInstance> Instances) : QmpCommand<QmpEmpty>("yank", MigrationJson.Default.QmpEmpty, MigrationJson.Default.Yank);

public sealed record QueryYank() : QmpCommand<ImmutableArray<YankInstance>>("query-yank", MigrationJson.Default.ImmutableArrayYankInstance);

/// <param name="NodeName">Of a block-node.</param>
/// <param name="Id">Of a chardev.</param>
public sealed record YankInstance(YankInstanceType Type, string? NodeName = null, string? Id = null)
{
    public static readonly YankInstance Migration = new(YankInstanceType.Migration);

    public static YankInstance BlockNode(string nodeName) => new(YankInstanceType.BlockNode, nodeName);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpEmpty))]
[JsonSerializable(typeof(Migrate))]
[JsonSerializable(typeof(MigrateIncoming))]
[JsonSerializable(typeof(MigrateContinue))]
[JsonSerializable(typeof(MigrateRecover))]
[JsonSerializable(typeof(MigrateSetCapabilities))]
[JsonSerializable(typeof(ImmutableArray<MigrationCapabilityStatus>))]
[JsonSerializable(typeof(MigrationParameters))]
[JsonSerializable(typeof(MigrationInfo))]
[JsonSerializable(typeof(Yank))]
[JsonSerializable(typeof(ImmutableArray<YankInstance>))]
internal sealed partial class MigrationJson : JsonSerializerContext;
