using System.Collections.Immutable;

namespace Wherry.Qemu.Migration;

/// <summary>
/// The typed parameters of a migration call, already checked for type and range.
/// Names in the comments are libvirt's VIR_MIGRATE_PARAM_* values.
/// </summary>
public sealed record MigrationParameters
{
    /// <summary>Nothing asked for: QEMU's and libvirt's defaults.</summary>
    public static MigrationParameters Default { get; } = new();

    /// <summary>Where the memory stream goes (<c>migrate_uri</c>); null lets the destination choose.</summary>
    public string? MigrateUri { get; init; }

    /// <summary>The name at the destination (<c>destination_name</c>).</summary>
    public string? DestinationName { get; init; }

    /// <summary>The live definition to start at the destination (<c>destination_xml</c>).</summary>
    public string? DestinationXml { get; init; }

    /// <summary>The definition to persist at the destination (<c>persistent_xml</c>).</summary>
    public string? PersistentXml { get; init; }

    /// <summary>Limit of the memory stream and of each disk copy in MiB/s (<c>bandwidth</c>); 0 means unlimited.</summary>
    public ulong BandwidthMiBps { get; init; }

    /// <summary>Limit of the memory stream once the guest runs at the destination, in MiB/s (<c>bandwidth.postcopy</c>); 0 means unlimited.</summary>
    public ulong PostCopyBandwidthMiBps { get; init; }

    /// <summary>Graphics relocation target (<c>graphics_uri</c>); VNC cannot be relocated, so it is accepted and unused.</summary>
    public string? GraphicsUri { get; init; }

    /// <summary>The address the destination QEMU listens on (<c>listen_address</c>); null means every address.</summary>
    public string? ListenAddress { get; init; }

    /// <summary>Target names of the disks to copy (<c>migrate_disks</c>); empty means all writable, non-shared, non-empty disks.</summary>
    public ImmutableArray<string> MigrateDisks { get; init; } = [];

    /// <summary>TCP port of the destination's NBD server (<c>disks_port</c>); 0 lets the destination choose.</summary>
    public int DisksPort { get; init; }

    /// <summary>Explicit NBD endpoint (<c>disks_uri</c>).</summary>
    public string? DisksUri { get; init; }

    /// <summary>Initial vCPU throttle in percent (<c>auto_converge.initial</c>).</summary>
    public int? AutoConvergeInitial { get; init; }

    /// <summary>Step of the vCPU throttle in percent (<c>auto_converge.increment</c>).</summary>
    public int? AutoConvergeIncrement { get; init; }

    /// <summary>In the order given, each once (<c>compression</c>); empty: xbzrle, if the flag COMPRESSED is set.</summary>
    public ImmutableArray<CompressionMethod> Compression { get; init; } = [];

    /// <summary><c>compression.xbzrle.cache</c>, in bytes; QEMU takes a power of two that is at least a page.</summary>
    public ulong? XbzrleCacheBytes { get; init; }

    /// <summary><c>compression.mt.level</c>: 0 (none) to 9 (best).</summary>
    public int? CompressionLevel { get; init; }

    /// <summary><c>compression.mt.threads</c>, at the source.</summary>
    public int? CompressionThreads { get; init; }

    /// <summary><c>compression.mt.dthreads</c>, at the destination.</summary>
    public int? DecompressionThreads { get; init; }

    /// <summary>How many connections carry the memory (<c>parallel.connections</c>); null for QEMU's two.</summary>
    public int? ParallelConnections { get; init; }

    /// <summary>The name in the destination's certificate (<c>tls.destination</c>); null: that of the address.</summary>
    public string? TlsDestination { get; init; }
}

/// <summary>How memory is made smaller on its way.</summary>
public enum CompressionMethod
{
    /// <summary><c>xbzrle</c>: what changed of a page that was sent before.</summary>
    Xbzrle,

    /// <summary><c>mt</c>: zlib, in several threads. QEMU 9.1 and later do without.</summary>
    MultiThread,
}
