using System.Collections.Immutable;

namespace Wherry.Qemu.Migration;

/// <summary>
/// The destination daemon as the source daemon of a peer-to-peer migration sees it: its calls and one fact.
/// The daemon implements it over the remote protocol; tests implement it in memory.
/// </summary>
/// <remarks>
/// A call ends in one of three ways, and the difference decides who may run the guest:
/// it returns (the peer answered), it throws <see cref="WherryException"/> (the peer answered with an error), or it throws
/// <see cref="PeerLostException"/> (nobody knows what the peer did).
/// </remarks>
public interface IMigrationPeer : IAsyncDisposable
{
    /// <summary>The URI this connection was made to.</summary>
    string Uri { get; }

    /// <summary>The connection does not leave this host: the peer's local addresses are ours, as far as can be told.</summary>
    bool IsLocal { get; }

    /// <summary>Completes when the connection is gone, for whatever reason; never faults.</summary>
    Task Closed { get; }

    /// <summary>True when the peer offers <c>feature</c> (numbers of CONNECT_SUPPORTS_FEATURE).</summary>
    Task<bool> SupportsAsync(MigrationFeature feature, CancellationToken ct);

    /// <summary>Which host it is, by its capabilities; null when it does not say.</summary>
    Task<Guid?> HostUuidAsync(CancellationToken ct);

    Task<PrepareReply> PrepareAsync(PhaseCall call, CancellationToken ct);

    /// <summary>Prepare of a tunnelled migration: the memory goes over a stream of this connection.</summary>
    Task<(PrepareReply Reply, IMigrationTunnel Tunnel)> PrepareTunnelAsync(PhaseCall call, CancellationToken ct);

    /// <summary>Finish. Asking to cancel and being told that everything was cleaned up returns normally.</summary>
    Task<FinishReply> FinishAsync(PhaseCall call, bool cancelled, CancellationToken ct);

    /// <summary>Asks a wherry peer what became of a hand-over; never sent to a stock daemon.</summary>
    /// <param name="handoverId">The attempt.</param>
    /// <param name="domainUuid">The guest.</param>
    /// <param name="hostUuid">The host that is meant; a daemon of another host refuses, because its "unknown" would read as ABORT.</param>
    /// <param name="startPaused">Whether the guest shall stay paused there, as its user wants it by now.</param>
    /// <param name="ct">Stops waiting.</param>
    Task<ResolveAnswer> ResolveAsync(Guid handoverId, Guid domainUuid, Guid hostUuid, bool startPaused, CancellationToken ct);

    /// <summary>Takes back what a wherry peer has not decided yet, and asks what became of the hand-over; see <see cref="ResolveAsync"/>.</summary>
    Task<ResolveAnswer> WithdrawAsync(Guid handoverId, Guid domainUuid, Guid hostUuid, CancellationToken ct);

    /// <summary>Tells a wherry peer that this connection takes the place of the lost one.</summary>
    Task AttachAsync(Guid handoverId, CancellationToken ct);

    /// <summary>Tells a wherry peer that its RUN record is no longer needed.</summary>
    Task ForgetAsync(Guid handoverId, CancellationToken ct);

    /// <summary>Looks the domain up as any client would: all that a stock daemon can be asked after Finish's answer was lost.</summary>
    Task<PeerDomain> LookAsync(Guid domainUuid, CancellationToken ct);
}

/// <summary>The stream that carries the memory of a tunnelled migration. Its errors are a peer's: <see cref="WherryException"/> or
/// <see cref="PeerLostException"/>.</summary>
public interface IMigrationTunnel
{
    int MaxPacketBytes { get; }

    /// <summary>Returns when the bytes are on the wire.</summary>
    Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct);

    /// <summary>All was sent; returns when the destination's QEMU has it.</summary>
    Task FinishAsync(CancellationToken ct);

    /// <summary>No more will come, and it was not all. Does not fail when the connection has.</summary>
    Task AbortAsync(string why, CancellationToken ct);
}

/// <summary>Makes connections to other daemons.</summary>
public interface IMigrationPeerDialer
{
    /// <exception cref="WherryException">The URI is bad, or the peer refused; text names the host and the cause.</exception>
    Task<IMigrationPeer> DialAsync(string uri, CancellationToken ct);

    /// <summary>Returns when somebody has accepted a TCP connection there, which is closed again at once.</summary>
    /// <exception cref="IOException">Nobody has; text names the place and the cause.</exception>
    Task RequireListenerAsync(string host, int port, CancellationToken ct);
}

/// <summary>Features a source asks a destination for. Source: migration.md A1, libvirt_internal.h.</summary>
public enum MigrationFeature
{
    PeerToPeer = 4,
    MigrationV3 = 6,
    Offline = 12,
    Parameters = 13,
}

/// <summary>What every phase call carries.</summary>
/// <param name="Parameters">Typed parameters, already as this phase needs them.</param>
/// <param name="Cookie">Opaque bytes, trailing NUL included; empty when there is none.</param>
/// <param name="Flags">Flags for the destination.</param>
public sealed record PhaseCall(MigrationParameters Parameters, ImmutableArray<byte> Cookie, MigrationFlags Flags);

/// <param name="Cookie">The destination's cookie.</param>
/// <param name="UriOut">The data URI chosen by the destination; null when the caller's is used.</param>
public sealed record PrepareReply(ImmutableArray<byte> Cookie, string? UriOut);

/// <param name="Cookie">The destination's cookie for Confirm.</param>
public sealed record FinishReply(ImmutableArray<byte> Cookie);

/// <summary>The destination's word about a hand-over id. Values are those of the private peer program.</summary>
public enum ResolveAnswer
{
    Run = 1,
    Abort = 2,
    Pending = 3,
}

/// <summary>What a look at the peer's domain showed.</summary>
public enum PeerDomain
{
    /// <summary>No such domain, or it is shut off.</summary>
    Absent,
    Running,

    /// <summary>Active and not running: an incoming copy that is being finished or torn down.</summary>
    Incoming,
}

/// <summary>The connection to a peer was lost while an answer was outstanding, or could not be made. Says nothing about what the peer did.</summary>
public sealed class PeerLostException(string message, Exception? inner = null) : Exception(message, inner);
