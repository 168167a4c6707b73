using System.Collections.Immutable;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;

namespace Wherry.Qemu.Migration.Source;

/// <summary>What was asked for at Begin and decided there; constant for the whole attempt.</summary>
internal sealed record OutgoingOrder
{
    public required HandoverId Id { get; init; }
    public required MigrationMode Mode { get; init; }
    public required MigrationFlags Flags { get; init; }
    public required MigrationParameters Parameters { get; init; }

    /// <summary>Peer-to-peer: the destination daemon's URI. Managed: learnt from its cookie.</summary>
    public string? PeerUri { get; init; }

    /// <summary>After a restart: which host the destination is, from the record.</summary>
    public Guid? PeerHostUuid { get; init; }

    /// <summary>The same, by name.</summary>
    public string? PeerHost { get; init; }

    /// <summary>After a restart: when the record was last written.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>What is asked of the memory stream.</summary>
    public required StreamSettings Stream { get; init; }

    /// <summary>Credentials of an encrypted migration; null for one in the clear.</summary>
    public MigrationTls? Tls { get; init; }

    /// <summary>The live definition for the destination.</summary>
    public required string DestinationXml { get; init; }

    /// <summary>The definition for the destination to keep; null unless asked for.</summary>
    public string? PersistentXml { get; init; }

    /// <summary>The disks that are copied while the guest runs.</summary>
    public ImmutableArray<MirroredDisk> CopiedDisks { get; init; } = [];

    /// <summary>QEMU's migration parameters before we touch them; null after a restart from a record without them.</summary>
    public string? SavedParameters { get; init; }

    /// <summary>How much memory QEMU may lock when it is not sent without copying; null when that was not asked for, or no limit counts.</summary>
    public LockedMemory? SavedLockedMemory { get; init; }

    /// <summary>Whether the guest ran when the migration began.</summary>
    public required GuestRunState PreState { get; init; }

    /// <summary>What a record still tells of it, for a daemon that comes back. The definition has long been at the destination.</summary>
    public static OutgoingOrder From(HandoverRecord record, SourceRecord source) => new()
    {
        Id = source.Id,
        Mode = source.Mode,
        Flags = (MigrationFlags)record.Flags,
        Parameters = record.Target?.ToParameters() ?? MigrationParameters.Default,
        Stream = StreamSettings.From(MigrationParty.Source, (MigrationFlags)record.Flags, MigrationParameters.Default),
        PeerUri = record.Peer.Uri,
        PeerHostUuid = record.Peer.HostUuid,
        PeerHost = record.Peer.HostName,
        Since = record.Created,
        DestinationXml = "",
        CopiedDisks = [.. record.Disks.Select(disk => new MirroredDisk(disk.Target, (disk.JobId ?? "").Replace("drive-", "", StringComparison.Ordinal), disk.Node, CapacityBytes: 0) { IsRaw = disk.IsRaw ?? true })],
        SavedParameters = record.SavedParameters,
        SavedLockedMemory = record.SavedLockedMemory,
        PreState = source.PreState,
    };

    /// <summary>Flags as they go to the destination: a paused guest stays paused there.</summary>
    public MigrationFlags DestinationFlags =>
        (PreState == GuestRunState.Paused ? Flags | MigrationFlags.Paused : Flags).ForDestination();
}
