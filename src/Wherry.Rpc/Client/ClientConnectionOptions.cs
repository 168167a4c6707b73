using Wherry.Rpc.Transports.Tls;

namespace Wherry.Rpc.Client;

/// <summary>How a <see cref="ClientConnection"/> behaves.</summary>
public sealed record ClientConnectionOptions
{
    /// <summary>For everything until the connection can be used: name resolution, connecting, the answers of the handshake.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Our certificate and the authorities that we trust, for servers reached over TLS whose URI has no <c>pkipath</c>.</summary>
    public TlsFiles TlsFiles { get; init; } = TlsFiles.InSystemLayout("/etc/pki", TlsRole.Client);

    /// <summary>Nobody is there whom ssh could ask for a password.</summary>
    public bool IsUnattended { get; init; }

    /// <summary>Between PINGs to a silent server; zero or less: none are sent. libvirt's default for daemon to daemon is 5 s.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Unanswered PINGs before the server is given up; 0 gives it up after one silent interval.</summary>
    public int KeepAliveCount { get; init; } = 5;

    /// <summary>Events that may wait to be read; when there are more, the connection ends rather than lose one.</summary>
    public int MaxQueuedEvents { get; init; } = 1024;
}
