using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qmp.Values;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>What Prepare was asked for; constant for the whole attempt.</summary>
internal sealed record IncomingOrder
{
    /// <summary>The source's id, or one of ours if the source is a stock daemon.</summary>
    public required HandoverId Id { get; init; }
    public required MigrationMode Mode { get; init; }
    public required PeerKind Kind { get; init; }
    /// <summary>The guest as the source described it; null when it is gone already as the daemon comes back.</summary>
    public required DomainDefinition? Definition { get; init; }
    public required MigrationFlags Flags { get; init; }
    public required MigrationParameters Parameters { get; init; }

    /// <summary>What is asked of the memory stream.</summary>
    public required StreamSettings Stream { get; init; }

    /// <summary>Credentials of an encrypted migration; null for one in the clear.</summary>
    public MigrationTls? Tls { get; init; }

    /// <summary>The source's cookie; null when it sent none.</summary>
    public MigrationCookie? Cookie { get; init; }

    /// <summary>The source's daemon and host, as far as it has said.</summary>
    public required HandoverPeer Source { get; init; }

    /// <summary>What QEMU listens on for the memory, and tells the source.</summary>
    public required MigrationUri ListenUri { get; init; }

    /// <summary>The data URI for the source when it was chosen here; null when the caller's is used as it is.</summary>
    public string? UriOut { get; init; }

    /// <summary>The definition to persist as the source's Prepare gave it; the Perform cookie may bring a newer one.</summary>
    public string? PersistentXml { get; init; }

    /// <summary>The definition stored here will be this attempt's, and goes with it if it does not succeed.</summary>
    public bool DefinitionAdded { get; init; }

    /// <summary>Where the NBD server listens; null when no disk is copied.</summary>
    public SocketAddress? NbdServer { get; init; }

    /// <summary>Its port, which the source is told; 0 when it has none.</summary>
    public int NbdPort { get; init; }

    /// <summary>Target names of the disks that are copied.</summary>
    public ImmutableArray<string> CopiedDisks { get; init; } = [];

    /// <summary>One keepalive round trip to whoever called Prepare; null after a restart, when there is nobody.</summary>
    public Func<CancellationToken, Task<bool>>? PingSource { get; init; }

    /// <summary>Ports, given back when the attempt is over.</summary>
    public ImmutableArray<IDisposable> Resources { get; init; } = [];

    /// <summary>QEMU's migration parameters as it came up with them; null when this daemon has launched it and knows them itself.</summary>
    public string? SavedParameters { get; init; }

    /// <summary>Images made for this attempt, by target, removed if it does not succeed.</summary>
    public ImmutableDictionary<string, string> CreatedImages { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>What a record still tells of it, for a daemon that comes back; the guest itself is found as it was re-attached.</summary>
    public static IncomingOrder From(HandoverRecord record, DestinationRecord destination, DomainDefinition? definition) => new()
    {
        Id = destination.Id,
        Mode = destination.Mode,
        Kind = destination.Peer,
        Definition = definition,
        Flags = (MigrationFlags)record.Flags,
        Parameters = MigrationParameters.Default,
        Stream = StreamSettings.From(MigrationParty.Destination, (MigrationFlags)record.Flags, MigrationParameters.Default),
        ListenUri = new MigrationUri("tcp", "", 0, "", WellFormed: false),
        Source = record.Peer,
        PersistentXml = record.PersistentXml,
        DefinitionAdded = record.DefinitionAdded,
        SavedParameters = record.SavedParameters,
        CopiedDisks = [.. record.Disks.Select(disk => disk.Target)],
        CreatedImages = record.Disks.Where(disk => disk.CreatedImage is not null).ToImmutableDictionary(disk => disk.Target, disk => disk.CreatedImage!),
    };
}
