using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// Everything a command line depends on besides the domain's hardware: paths, ports and descriptors of this host and this start. Two starts
/// with equal specs may differ in here only, and nothing in here is visible to the guest except the clock.
/// </summary>
public sealed record LaunchContext
{
    /// <summary>The domain's private directory, such as <c>/var/lib/libvirt/qemu/domain-3-web1</c>: QEMU's HOME, and its VNC socket.</summary>
    public required string DomainDirectory { get; init; }

    /// <summary>Where sockets of channels without a path of their own are made (libvirt's <c>channel/target/domain-3-web1</c>).</summary>
    public required string ChannelDirectory { get; init; }

    /// <summary>A listening unix socket that QEMU inherits as its monitor. We listen before QEMU starts, so connecting can never be too early.</summary>
    public required int MonitorFd { get; init; }

    public required EmulatorFeatures Features { get; init; }

    /// <summary>Start as the destination of a migration: <c>-incoming defer</c>, told where to listen by <c>migrate-incoming</c>.</summary>
    public bool Incoming { get; init; }

    /// <summary>The VNC port for a domain that wants one chosen (<c>autoport</c>); null when it does not.</summary>
    public int? VncPort { get; init; }

    /// <summary>The VNC websocket port, likewise.</summary>
    public int? VncWebSocketPort { get; init; }

    /// <summary>Where VNC listens when the XML names no address: qemu.conf's <c>vnc_listen</c>.</summary>
    public string VncListen { get; init; } = "127.0.0.1";

    /// <summary>Host ends of bridge and ethernet interfaces, by alias.</summary>
    public ImmutableDictionary<string, TapDescriptors> Taps { get; init; } = ImmutableDictionary<string, TapDescriptors>.Empty;

    /// <summary>The images below each disk, by target (<c>vda</c>), as found in the image headers; none means that the top image stands alone.</summary>
    public ImmutableDictionary<string, ImmutableArray<ChainImage>> BackingImages { get; init; } =
        ImmutableDictionary<string, ImmutableArray<ChainImage>>.Empty;

    /// <summary>Now, for clocks with an offset.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>qemu.conf's <c>dump_guest_core</c>.</summary>
    public bool DumpGuestCore { get; init; }

    /// <summary>qemu.conf's <c>seccomp_sandbox</c>.</summary>
    public bool Sandbox { get; init; } = true;

    /// <summary>Whether the daemon runs as the system's: then QEMU gets a home of its own instead of the user's.</summary>
    public bool Privileged { get; init; } = true;
}

/// <summary>What we must know of a QEMU binary to write its command line, as probed; see the constructor's caller for where each comes from.</summary>
public sealed record EmulatorFeatures
{
    /// <summary>QOM id of the machine's RAM (<c>query-machines</c>: <c>default-ram-id</c>); part of the migration stream, so never invented.</summary>
    public string DefaultRamId { get; init; } = "pc.ram";

    /// <summary><c>-sandbox</c> is compiled in.</summary>
    public bool Sandbox { get; init; } = true;

    /// <summary>Chardev sockets take <c>reconnect-ms</c>; the older <c>reconnect</c>, in seconds, is on its way out.</summary>
    public bool ReconnectMs { get; init; }
}

/// <summary>Descriptors of one tap interface, in QEMU's numbering: a queue each. No vhost descriptors: packets are handled by QEMU itself.</summary>
public sealed record TapDescriptors(ImmutableArray<int> Queues, ImmutableArray<int> Vhost);

/// <summary>An image below a disk's top image. Always opened read-only.</summary>
public sealed record ChainImage(string Path, DiskFormat Format, bool IsBlockDevice);
