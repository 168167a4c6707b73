using System.Collections.Immutable;
using Wherry.Qmp.Values;
using QmpParameters = Wherry.Qmp.Commands.MigrationParameters;

namespace Wherry.Qemu.Migration;

/// <summary>Which half of a migration a QEMU is.</summary>
internal enum MigrationParty
{
    Source,
    Destination,
}

/// <summary>
/// What is asked of one memory stream, in QEMU's capabilities and parameters (migration.md B1). Pure: made from the caller's flags and
/// parameters, on both sides in the same way, because some capabilities count only when both have them.
/// </summary>
internal sealed record StreamSettings
{
    // What libvirt sends for "no limit": the largest multiple of 1 MiB that QEMU takes (requirement S0.16).
    internal const long Unlimited = 9_223_372_036_853_727_232;
    private const ulong MiB = 1024 * 1024;

    private MigrationFlags _flags;
    private MigrationParameters _parameters = MigrationParameters.Default;
    private ImmutableArray<CompressionMethod> _compression = [];

    /// <summary>Limit of pre-copy in MiB/s; 0 for none.</summary>
    public ulong BandwidthMiBps { get; init; }

    /// <summary>The memory goes through the daemons' connection, which is one way only.</summary>
    public bool Tunnelled => _flags.HasFlag(MigrationFlags.Tunnelled);

    public bool PostCopy => _flags.HasFlag(MigrationFlags.PostCopy);

    public bool Tls => _flags.HasFlag(MigrationFlags.Tls);

    /// <summary>The name that the destination's certificate has to carry; null: that of the address QEMU connects to.</summary>
    public string? TlsHostName => _parameters.TlsDestination;

    /// <param name="party">Whose call it is: a destination is told the source's parameters too, and not the flags that turn them on.</param>
    /// <param name="flags">The call's.</param>
    /// <param name="parameters">The call's.</param>
    /// <param name="domainLimitMiBps">The domain's own limit (migrate-setspeed), for a call without one; 0 for none.</param>
    /// <exception cref="WherryException">InvalidArg: a parameter of something that is not turned on, or two that exclude each other.</exception>
    public static StreamSettings From(MigrationParty party, MigrationFlags flags, MigrationParameters parameters, ulong domainLimitMiBps = 0)
    {
        if (party == MigrationParty.Source
            && (parameters.AutoConvergeInitial ?? parameters.AutoConvergeIncrement) is not null
            && !flags.HasFlag(MigrationFlags.AutoConverge))
        {
            throw new WherryException(ErrorCode.InvalidArg, "Turn auto convergence on to tune it");
        }

        if (parameters.ParallelConnections is not null && !flags.HasFlag(MigrationFlags.Parallel))
            throw new WherryException(ErrorCode.InvalidArg, "Turn parallel migration on to tune it");

        if (flags.HasFlag(MigrationFlags.Tunnelled) && (parameters.MigrateUri ?? parameters.ListenAddress) is not null)
            throw new WherryException(ErrorCode.ArgumentUnsupported, "a tunnelled migration takes the daemons' connection, and no 'migrate_uri' or 'listen_address'");

        if (parameters is { DisksUri: not null, DisksPort: not 0 })
            throw new WherryException(ErrorCode.InvalidArg, "Both port and URI requested for disk migration while being mutually exclusive");

        if (parameters.ListenAddress is not null && parameters.MigrateUri is { } uri && uri.StartsWith("unix:", StringComparison.Ordinal))
            throw new WherryException(ErrorCode.InvalidArg, "Usage of listen-address is forbidden when migration URI uses UNIX transport method");

        var compression = parameters.Compression;
        if ((parameters.CompressionLevel ?? parameters.CompressionThreads ?? parameters.DecompressionThreads) is not null
            && !compression.Contains(CompressionMethod.MultiThread))
        {
            throw new WherryException(ErrorCode.InvalidArg, "Turn multithread compression on to tune it");
        }

        if (parameters.XbzrleCacheBytes is not null && !compression.Contains(CompressionMethod.Xbzrle))
            throw new WherryException(ErrorCode.InvalidArg, "Turn xbzrle compression on to tune it");

        if (compression.IsEmpty && flags.HasFlag(MigrationFlags.Compressed))
            compression = [CompressionMethod.Xbzrle];

        return new StreamSettings
        {
            _flags = flags,
            _parameters = parameters,
            _compression = compression,
            BandwidthMiBps = parameters.BandwidthMiBps != 0 ? parameters.BandwidthMiBps : domainLimitMiBps,
        };
    }

    public ImmutableArray<MigrationCapability> Capabilities(MigrationParty party)
    {
        var source = party == MigrationParty.Source;
        return
        [
            MigrationCapability.Events,
            .. When(source, MigrationCapability.PauseBeforeSwitchover),

            // The images stay the source's until our cont, whatever the stream says.
            .. When(!source, MigrationCapability.LateBlockActivate),

            // Without it the source says "completed" although the destination has loaded nothing and may be dead.
            .. When(!Tunnelled, MigrationCapability.ReturnPath),
            .. When(PostCopy, MigrationCapability.PostcopyRam),
            .. When(_flags.HasFlag(MigrationFlags.Parallel), MigrationCapability.Multifd),
            .. When(_compression.Contains(CompressionMethod.Xbzrle), MigrationCapability.Xbzrle),
            .. When(_compression.Contains(CompressionMethod.MultiThread), MigrationCapability.Compress),
            .. When(source && _flags.HasFlag(MigrationFlags.AutoConverge), MigrationCapability.AutoConverge),
            .. When(source && _flags.HasFlag(MigrationFlags.ZeroCopy), MigrationCapability.ZeroCopySend),
        ];
    }

    /// <param name="party">Whose.</param>
    /// <param name="tlsCredentials">The id of the credentials, if the stream is to be encrypted.</param>
    public QmpParameters Parameters(MigrationParty party, string? tlsCredentials)
    {
        var both = new QmpParameters
        {
            MaxPostcopyBandwidth = (long)(_parameters.PostCopyBandwidthMiBps * MiB),
            MultifdChannels = _parameters.ParallelConnections,
            XbzrleCacheSize = (long?)_parameters.XbzrleCacheBytes,
            CompressLevel = _parameters.CompressionLevel,
            CompressThreads = _parameters.CompressionThreads,
            DecompressThreads = _parameters.DecompressionThreads,
            TlsCreds = tlsCredentials ?? "",
            TlsHostname = "",
        };
        return party == MigrationParty.Destination
            ? both
            : both with
            {
                MaxBandwidth = BandwidthMiBps == 0 ? Unlimited : (long)(BandwidthMiBps * MiB),
                CpuThrottleInitial = _parameters.AutoConvergeInitial,
                CpuThrottleIncrement = _parameters.AutoConvergeIncrement,
                TlsHostname = tlsCredentials is null ? "" : TlsHostName ?? "",
            };
    }

    private static ImmutableArray<MigrationCapability> When(bool wanted, MigrationCapability capability) => wanted ? [capability] : [];
}
