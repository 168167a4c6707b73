using System.Collections.Immutable;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Chaos;

/// <summary>A guest, and how such a guest may be migrated.</summary>
/// <param name="Name">In the report.</param>
/// <param name="Options">What goes aboard.</param>
/// <param name="Ways">Flags of virsh migrate beyond <c>--live</c> and those for its disks.</param>
internal sealed record Guest(string Name, PassageOptions Options, ImmutableArray<Way> Ways)
{
    private static readonly Way Managed = new("managed");
    private static readonly Way PeerToPeer = new("p2p", "--p2p");
    private static readonly Way Parallel = new("p2p parallel", "--p2p", "--parallel", "--parallel-connections", "2");
    private static readonly Way Compressed = new("managed xbzrle", "--compressed", "--comp-methods", "xbzrle");
    private static readonly Way AutoConverge = new("p2p auto-converge", "--p2p", "--auto-converge");
    private static readonly Way Tunnelled = new("p2p tunnelled", "--p2p", "--tunnelled");
    private static readonly Way PostCopy = new("p2p post-copy", "--p2p", "--postcopy", "--bandwidth", "24", "--postcopy-bandwidth", "24", "--timeout", "1", "--timeout-postcopy");
    private static readonly Way ManagedPostCopy = PostCopy with { Name = "managed post-copy", Flags = [.. PostCopy.Flags.Where(flag => flag != "--p2p")] };
    private static readonly Way Slow = new("p2p slow", "--p2p", "--bandwidth", "40");
    private static readonly Way Synchronous = new("p2p synchronous writes", "--p2p", "--copy-storage-synchronous-writes");

    public static readonly ImmutableArray<Guest> All =
    [
        new("idle", new PassageOptions(), [Managed, PeerToPeer, Parallel, Compressed, Tunnelled, Slow]),
        new("dirtying", new PassageOptions { Load = new GuestLoad(DirtyMiBps: 30, TouchMiB: 48) }, [PeerToPeer, AutoConverge, PostCopy, ManagedPostCopy, Compressed]),
        new("two copied disks", PassageOptions.TwoWrittenDisks, [Managed, PeerToPeer, Synchronous, Slow]),
        new("copied qcow2", PassageOptions.TwoWrittenDisks with { Disks = 1, Format = "qcow2" }, [Managed, PeerToPeer]),
        new("shared disks", PassageOptions.TwoWrittenDisks with { SharedStorage = true }, [Managed, PeerToPeer, Tunnelled, Parallel]),
    ];
}

/// <summary>A kind of migration.</summary>
internal sealed record Way(string Name, params ImmutableArray<string> Flags)
{
    public bool IsManaged => !Flags.Contains("--p2p");

    public bool IsPostCopy => Flags.Contains("--postcopy");

    /// <summary>The memory goes over the data link, unless the daemons carry it.</summary>
    public IEnumerable<string> FlagsTowards(DaemonRunner destination) =>
        Flags.Contains("--tunnelled") ? Flags : [.. Flags, "--migrateuri", $"tcp://{destination.Host.DataAddress}"];
}
