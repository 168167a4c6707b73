using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Wherry.Qmp.Values;

namespace Wherry.Qmp.Commands;

// Block nodes, their export over NBD, and what is known about drives. QEMU: qapi/block-core.json, block-export.json, block.json.

public sealed record QueryBlock() : QmpCommand<ImmutableArray<BlockInfo>>("query-block", BlockJson.Default.ImmutableArrayBlockInfo);

/// <param name="Device">Empty for a drive that a -device uses by node name; <paramref name="Qdev"/> names that then.</param>
public sealed record BlockInfo(
    string Device,
    string? Qdev,
    bool Removable,
    bool Locked,
    BlockDeviceInfo? Inserted,
    [property: JsonPropertyName("tray_open")] bool? TrayOpen,
    IoStatus? IoStatus);

public sealed record QueryNamedBlockNodes(bool Flat) : QmpCommand<ImmutableArray<BlockDeviceInfo>>(
    "query-named-block-nodes", BlockJson.Default.ImmutableArrayBlockDeviceInfo, BlockJson.Default.QueryNamedBlockNodes);

/// <param name="Active">False while the image belongs to the other side of a migration. Since QEMU 10.0; null before.</param>
public sealed record BlockDeviceInfo(
    string File,
    string? NodeName,
    bool Ro,
    string Drv,
    [property: JsonPropertyName("backing_file_depth")] int BackingFileDepth,
    [property: JsonPropertyName("write_threshold")] long WriteThreshold,
    bool? Active,
    ImageInfo Image);

/// <summary>Sizes in bytes.</summary>
public sealed record ImageInfo(string Filename, string Format, long VirtualSize, long? ActualSize, bool? DirtyFlag);

public sealed record QueryBlockstats() : QmpCommand<ImmutableArray<BlockStats>>(
    "query-blockstats", BlockJson.Default.ImmutableArrayBlockStats, BlockJson.Default.QueryBlockstats)
{
    /// <summary>One row per node instead of per drive.</summary>
    public bool? QueryNodes { get; init; }
}

/// <param name="Parent">Of a format node, the counters of the file below it: QEMU's word for what elsewhere is called the child.</param>
/// <param name="Backing">Of the image below; not with <see cref="QueryBlockstats.QueryNodes"/>.</param>
public sealed record BlockStats(string? Device, string? Qdev, string? NodeName, BlockDeviceStats Stats, BlockStats? Parent, BlockStats? Backing);

/// <summary>Since the start of QEMU: bytes, requests and nanoseconds.</summary>
public sealed record BlockDeviceStats(
    [property: JsonPropertyName("rd_bytes")] long RdBytes,
    [property: JsonPropertyName("wr_bytes")] long WrBytes,
    [property: JsonPropertyName("rd_operations")] long RdOperations,
    [property: JsonPropertyName("wr_operations")] long WrOperations,
    [property: JsonPropertyName("flush_operations")] long FlushOperations,
    [property: JsonPropertyName("rd_total_time_ns")] long RdTotalTimeNs,
    [property: JsonPropertyName("wr_total_time_ns")] long WrTotalTimeNs,
    [property: JsonPropertyName("flush_total_time_ns")] long FlushTotalTimeNs,
    [property: JsonPropertyName("wr_highest_offset")] long WrHighestOffset);

public sealed record BlockdevAdd(BlockdevOptions Options) : QmpCommand<QmpEmpty>("blockdev-add", BlockJson.Default.QmpEmpty, BlockJson.Default.BlockdevOptions)
{
    internal override object ArgumentsObject => Options;
}

/// <summary>A block node to create: the members of the drivers that we add to a running QEMU (nbd, raw, file, qcow2).</summary>
/// <param name="NodeName">At most 31 bytes.</param>
public sealed record BlockdevOptions(string Driver, string NodeName)
{
    public bool? ReadOnly { get; init; }

    public bool? AutoReadOnly { get; init; }

    /// <summary>"unmap" or "ignore".</summary>
    public string? Discard { get; init; }

    /// <summary>"on", "off" or "unmap".</summary>
    public string? DetectZeroes { get; init; }

    public BlockdevCacheOptions? Cache { get; init; }

    /// <summary>raw, qcow2: the node name below.</summary>
    public string? File { get; init; }

    /// <summary>file: the path.</summary>
    public string? Filename { get; init; }

    /// <summary>nbd.</summary>
    public SocketAddress? Server { get; init; }

    /// <summary>nbd: the export's name.</summary>
    public string? Export { get; init; }

    public string? TlsCreds { get; init; }

    public string? TlsHostname { get; init; }
}

public sealed record BlockdevCacheOptions(bool? Direct, bool? NoFlush);

public sealed record BlockdevDel(string NodeName) : QmpCommand<QmpEmpty>("blockdev-del", BlockJson.Default.QmpEmpty, BlockJson.Default.BlockdevDel);

/// <summary>Takes images back or gives them up by hand. Since QEMU 10.0.</summary>
public sealed record BlockdevSetActive(bool Active) : QmpCommand<QmpEmpty>("blockdev-set-active", BlockJson.Default.QmpEmpty, BlockJson.Default.BlockdevSetActive)
{
    /// <summary>Null for all nodes.</summary>
    public string? NodeName { get; init; }
}

/// <summary>Copies a node to another and keeps it in step until the job ends.</summary>
/// <param name="Device">The source's node name or drive.</param>
/// <param name="Target">The destination's node name.</param>
public sealed record BlockdevMirror(string JobId, string Device, string Target, MirrorSyncMode Sync)
    : QmpCommand<QmpEmpty>("blockdev-mirror", BlockJson.Default.QmpEmpty, BlockJson.Default.BlockdevMirror)
{
    /// <summary>Bytes per second; 0 or null for no limit.</summary>
    public long? Speed { get; init; }

    public long? Granularity { get; init; }

    public MirrorCopyMode? CopyMode { get; init; }

    public BlockdevOnError? OnSourceError { get; init; }

    /// <summary>With <c>stop</c> the job is paused and does not end: io-status in query-block-jobs tells.</summary>
    public BlockdevOnError? OnTargetError { get; init; }

    public bool? AutoFinalize { get; init; }

    /// <summary>False keeps the ended job with its error in query-jobs until job-dismiss, so that no event need be seen.</summary>
    public bool? AutoDismiss { get; init; }
}

public sealed record NbdServerStart(SocketAddressLegacy Addr) : QmpCommand<QmpEmpty>("nbd-server-start", BlockJson.Default.QmpEmpty, BlockJson.Default.NbdServerStart)
{
    public string? TlsCreds { get; init; }

    public int? MaxConnections { get; init; }
}

public sealed record NbdServerStop() : QmpCommand<QmpEmpty>("nbd-server-stop", BlockJson.Default.QmpEmpty);

/// <summary>Exports a node over NBD, and activates it by that.</summary>
public sealed record BlockExportAdd(string Type, string Id, string NodeName)
    : QmpCommand<QmpEmpty>("block-export-add", BlockJson.Default.QmpEmpty, BlockJson.Default.BlockExportAdd)
{
    /// <summary>An NBD export under the name that the client asks for.</summary>
    public static BlockExportAdd Nbd(string id, string name, string nodeName, bool writable) => new("nbd", id, nodeName) { Name = name, Writable = writable };

    public string? Name { get; init; }

    public bool? Writable { get; init; }
}

public sealed record BlockExportDel(string Id) : QmpCommand<QmpEmpty>("block-export-del", BlockJson.Default.QmpEmpty, BlockJson.Default.BlockExportDel)
{
    /// <summary>"hard" also when clients are connected; "safe", the default, refuses then.</summary>
    public string? Mode { get; init; }
}

public sealed record QueryBlockExports()
    : QmpCommand<ImmutableArray<BlockExportInfo>>("query-block-exports", BlockJson.Default.ImmutableArrayBlockExportInfo);

public sealed record BlockExportInfo(string Id, string Type, string NodeName, bool ShuttingDown);

/// <summary>Tells by BLOCK_WRITE_THRESHOLD, once, when a write goes beyond an offset.</summary>
/// <param name="WriteThreshold">Bytes; zero: never.</param>
public sealed record BlockSetWriteThreshold(string NodeName, long WriteThreshold)
    : QmpCommand<QmpEmpty>("block-set-write-threshold", BlockJson.Default.QmpEmpty, BlockJson.Default.BlockSetWriteThreshold);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpEmpty))]
[JsonSerializable(typeof(ImmutableArray<BlockInfo>))]
[JsonSerializable(typeof(QueryNamedBlockNodes))]
[JsonSerializable(typeof(ImmutableArray<BlockDeviceInfo>))]
[JsonSerializable(typeof(QueryBlockstats))]
[JsonSerializable(typeof(ImmutableArray<BlockStats>))]
[JsonSerializable(typeof(BlockdevOptions))]
[JsonSerializable(typeof(BlockdevDel))]
[JsonSerializable(typeof(BlockdevSetActive))]
[JsonSerializable(typeof(BlockdevMirror))]
[JsonSerializable(typeof(NbdServerStart))]
[JsonSerializable(typeof(BlockExportAdd))]
[JsonSerializable(typeof(BlockExportDel))]
[JsonSerializable(typeof(BlockSetWriteThreshold))]
[JsonSerializable(typeof(ImmutableArray<BlockExportInfo>))]
internal sealed partial class BlockJson : JsonSerializerContext;
