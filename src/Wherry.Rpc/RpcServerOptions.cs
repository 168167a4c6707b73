namespace Wherry.Rpc;

/// <summary>Limits of an <see cref="RpcServer"/>. Names and defaults are libvirtd.conf's where it has the setting.</summary>
public sealed record RpcServerOptions
{
    public const int DefaultMaxQueuedClients = 1000;

    /// <summary>Connections at a time (<c>max_clients</c>); beyond that they wait in the listeners' backlogs.</summary>
    public int MaxClients { get; init; } = 5000;

    /// <summary>Connections that have not authenticated yet (<c>max_anonymous_clients</c>); 0 means no limit of their own.</summary>
    public int MaxAnonymousClients { get; init; } = 20;

    /// <summary>For a client's TLS handshake. It holds one of the anonymous clients' places until then.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Calls of one client in progress, from their start until their reply is on the wire (<c>max_client_requests</c>). Priority calls
    /// have as many places of their own.
    /// </summary>
    public int MaxClientRequests { get; init; } = 5;

    /// <summary>
    /// Calls read ahead while those are busy, so that keepalive behind them is seen and answered. Libvirt reads none, and then cannot
    /// answer a PING.
    /// </summary>
    public int MaxReadAheadRequests { get; init; } = 64;

    /// <summary>Bytes of calls read ahead; one call is always taken, whatever its size.</summary>
    public int MaxReadAheadBytes { get; init; } = 1 << 20;

    /// <summary>Events waiting for a slow client before it is cut off.</summary>
    public int MaxQueuedEvents { get; init; } = 1024;

    /// <summary>Bytes of those events.</summary>
    public int MaxQueuedEventBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Between PINGs to a silent client (<c>keepalive_interval</c>, 5 s). Zero or less: never sent, a client's own are still answered.
    /// </summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Unanswered PINGs before a client is closed (<c>keepalive_count</c>); 0 closes it after one silent interval.</summary>
    public int KeepAliveCount { get; init; } = 5;
}
