using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Wherry.Errors;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>
/// A TCP port with TLS (libvirt's <c>listen_tls</c>).
/// <code>
///   accept -> handshake -> certificate looked at -> one byte 1, encrypted -> frames
///                                            \-> not good enough: closed without that byte, by which libvirt's clients know why
/// </code>
/// The handshake asks for the client's certificate and takes any; it is judged afterwards, because an alert in the middle of the handshake
/// would reach a TLS 1.3 client only when it reads, as a puzzle.
/// </summary>
public sealed class TlsListener : RpcListener
{
    private readonly TcpListener _listener;
    private readonly TlsServerOptions _options;
    private volatile TlsCredentials _credentials;

    private TlsListener(TcpListener listener, TlsServerOptions options)
    {
        _listener = listener;
        _options = options;
        _credentials = options.Load();
    }

    public override string Name => $"{_listener.Name} (TLS)";

    public override bool HasHandshake => true;

    /// <summary>What is bound: with port 0 asked for, the port that was chosen.</summary>
    public IPEndPoint EndPoint => _listener.EndPoint;

    /// <param name="address">Where to listen; null for everywhere.</param>
    /// <exception cref="WherryException">SYSTEM_ERROR: the port is in use, or a certificate cannot work, which the text names.</exception>
    public static TlsListener Bind(IPAddress? address, int port, TlsServerOptions options, int backlog = RpcServerOptions.DefaultMaxQueuedClients)
    {
        var listener = TcpListener.Bind(address, port, backlog);
        try
        {
            return new TlsListener(listener, options);
        }
        catch
        {
            // Nothing was accepted yet, so closing completes at once.
            listener.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>Reads the files again; connections that are open keep what they have (virt-admin srv-update-tls).</summary>
    /// <exception cref="WherryException">As at the start; the old credentials stay.</exception>
    public void Reload() => _credentials = _options.Load();

    public override ValueTask<RpcTransport> AcceptAsync(CancellationToken ct) => _listener.AcceptAsync(ct);

    /// <exception cref="AuthenticationException">The client does not speak TLS as we do, or its certificate is refused; the text says which.</exception>
    /// <exception cref="IOException">It went away.</exception>
    [SuppressMessage("Security", "CA5359", Justification = "The certificate is judged when the handshake is over, before a byte is taken or given.")]
    public override async Task<RpcTransport> HandshakeAsync(RpcTransport accepted, CancellationToken ct)
    {
        var credentials = _credentials;
        var stream = new TlsStream(accepted.Stream);
        try
        {
            await stream.AuthenticateAsServerAsync(
                (_, hello, _, _) => ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = credentials.Own,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = Version(credentials.Protocols, hello.SslProtocols),
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    AllowTlsResume = false, // each connection shows its certificate, also to a list that has changed
                    AllowRenegotiation = false,
                    RemoteCertificateValidationCallback = stream.Remember,
                }),
                state: null,
                ct).ConfigureAwait(false);
            var name = stream.PeerCertificate is { } certificate ? DistinguishedName.Format(certificate.SubjectName) : null;
            if (_options.VerifyClient && Refuse(credentials, stream, name) is { } reason) throw new AuthenticationException(reason);
            await stream.WriteAsync(TlsStream.Accepted, ct).ConfigureAwait(false);
            return new RpcTransport(stream, accepted.Peer with { IsEncrypted = true, CertificateName = name });
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override ValueTask DisposeAsync() => _listener.DisposeAsync();

    /// <summary>
    /// TLS 1.2 with a client that has it, unless <c>tls_priority</c> says otherwise. Why: docs/decisions/0010. After a TLS 1.3 handshake
    /// OpenSSL sends session tickets, which .NET cannot turn off, and libvirt's client, which reads once and expects the accepting byte, gives
    /// up when it finds one of those.
    /// </summary>
    private static SslProtocols Version(SslProtocols configured, SslProtocols offered) =>
        configured == SslProtocols.None && (offered & SslProtocols.Tls12) != 0 ? SslProtocols.Tls12 : configured;

    private string? Refuse(TlsCredentials credentials, TlsStream stream, string? name)
    {
        if (credentials.Refuse(stream.PeerCertificate, stream.PeerIntermediates) is { } reason) return reason;
        if (_options.AllowedNames is not { } allowed || allowed.Any(pattern => Wildcard.Matches(pattern, name!))) return null;
        return $"Client's Distinguished Name '{name}' is not on the list of allowed clients (tls_allowed_dn_list)";
    }
}

/// <summary>How a <see cref="TlsListener"/> treats its clients.</summary>
public sealed record TlsServerOptions
{
    /// <summary>Loads the credentials, at the start and for <see cref="TlsListener.Reload"/>.</summary>
    public required Func<TlsCredentials> Load { get; init; }

    /// <summary>False for <c>tls_no_verify_certificate</c>: whoever connects is served.</summary>
    public bool VerifyClient { get; init; } = true;

    /// <summary><c>tls_allowed_dn_list</c>, patterns for <see cref="Wildcard"/>. Null: any name; empty: none.</summary>
    public ImmutableArray<string>? AllowedNames { get; init; }
}
