using System.Collections.Immutable;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;

namespace Wherry.Qemu.Migration.Journal;

/// <summary>
/// Everything a successor of this process needs to finish or undo one hand-over (migration.md C2). One JSON file per id. What decides
/// about the guest is in <see cref="Source"/> or <see cref="Destination"/>; the rest tells where to look and what to clean up.
/// </summary>
internal sealed record HandoverRecord
{
    /// <summary>Grows when the meaning of a field changes. A file with a higher one is of a newer daemon and is set aside, not guessed at.</summary>
    public const int CurrentSchema = 1;

    public int Schema { get; init; } = CurrentSchema;
    public required Guid DomainUuid { get; init; }
    public required string DomainName { get; init; }

    /// <summary>Counts the writes of this id; <see cref="HandoverJournal.Write"/> sets it. Evidence older than the newest is stale.</summary>
    public long Seq { get; init; }

    /// <summary>Wall clock, for people only; nothing is decided by it.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>Attempts of this domain in a row, this one included.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>virDomainMigrateFlags of the call.</summary>
    public uint Flags { get; init; }

    /// <summary>Source: what of the call is needed again after a restart; null where nothing was given.</summary>
    public HandoverTarget? Target { get; init; }

    /// <summary>Boot id of this host when the record was made: another one now means that QEMU is gone with the reboot.</summary>
    public required string BootId { get; init; }

    public required HandoverPeer Peer { get; init; }

    /// <summary>Null before QEMU was started (destination).</summary>
    public HandoverQemu? Qemu { get; init; }

    /// <summary>Reply of query-migrate-parameters before we touched them, as JSON text; put back on every exit.</summary>
    public string? SavedParameters { get; init; }

    /// <summary>Source, zero-copy: how much memory QEMU might lock before we let it lock more; put back when the guest stays.</summary>
    public LockedMemory? SavedLockedMemory { get; init; }

    public ImmutableArray<HandoverDisk> Disks { get; init; } = [];

    /// <summary>TCP ports reserved for this hand-over (migration, NBD).</summary>
    public ImmutableArray<int> Ports { get; init; } = [];

    /// <summary>Destination: the persistent definition is of this hand-over, and goes if the guest never runs here.</summary>
    public bool DefinitionAdded { get; init; }

    /// <summary>Destination: the definition to keep, as Prepare gave it.</summary>
    public string? PersistentXml { get; init; }

    public string? LastError { get; init; }

    /// <summary>Set on the source.</summary>
    public SourceRecord? Source { get; init; }

    /// <summary>Set on the destination.</summary>
    public DestinationRecord? Destination { get; init; }

    public HandoverId Id => Source?.Id ?? Destination?.Id ?? default;

    /// <summary>
    /// The right to run is open or being taken: create, resume, restore, autostart and another migration of this UUID are refused (rule 12). A
    /// RELEASED or RAN record is settled; it only waits for FORGET.
    /// </summary>
    public bool IsUnresolved =>
        Source is { Phase: not (SourcePhase.Released or SourcePhase.Closed) } ||
        Destination is { Phase: DestinationPhase.Prepared or DestinationPhase.Intent };

    /// <summary>Nothing depends on this record any more.</summary>
    public bool IsClosed => Source is { Phase: SourcePhase.Closed, FarewellOwed: false };
}

/// <summary>The other daemon, from its cookie.</summary>
/// <param name="Uri">How it is reached, such as qemu+tls://bravo/system; null if it did not say (stock, managed).</param>
/// <param name="HostName">How an operator calls it who says that he has powered it off.</param>
internal sealed record HandoverPeer(string? Uri, Guid? HostUuid, string? BootId, string? HostName = null);

/// <summary>How the destination is to be used, in the words of the call: a post-copy that is taken up again goes the way that it went first.</summary>
/// <param name="DomainName"><c>destination_name</c>.</param>
/// <param name="MigrateUri"><c>migrate_uri</c>.</param>
/// <param name="ListenAddress"><c>listen_address</c>.</param>
internal sealed record HandoverTarget(string? DomainName, string? MigrateUri, string? ListenAddress)
{
    /// <summary>Null when nothing was given.</summary>
    public static HandoverTarget? From(MigrationParameters asked) => asked is { DestinationName: null, MigrateUri: null, ListenAddress: null }
        ? null
        : new(asked.DestinationName, asked.MigrateUri, asked.ListenAddress);

    public MigrationParameters ToParameters() =>
        MigrationParameters.Default with { DestinationName = DomainName, MigrateUri = MigrateUri, ListenAddress = ListenAddress };
}

/// <summary>Identifies the process beyond its reusable number, and its monitor.</summary>
/// <param name="StartTime">Field 22 of /proc/PID/stat, clock ticks since boot.</param>
internal sealed record HandoverQemu(int Pid, ulong StartTime, string MonitorPath);

/// <summary>A copied disk.</summary>
/// <param name="Target">vda.</param>
/// <param name="Node">Source: the mirrored node. Destination: the exported one.</param>
/// <param name="JobId">Source: the mirror's.</param>
/// <param name="IsRaw">Source: the image's format is raw, which decides how it is mirrored.</param>
/// <param name="CreatedImage">Destination: path of an image that Prepare made, and that an abort removes.</param>
internal sealed record HandoverDisk(string Target, string Node, string? JobId = null, bool? IsRaw = null, string? CreatedImage = null);
