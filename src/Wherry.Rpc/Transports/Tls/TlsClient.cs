using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Wherry.Errors;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>The client's side of TLS with another daemon: handshake, the server's certificate and name, and the byte that accepts ours.</summary>
internal static class TlsClient
{
    /// <param name="host">As in the URI: the server's certificate must be for this name or address.</param>
    /// <param name="verify">False for <c>no_verify</c>.</param>
    /// <exception cref="WherryException">AUTH_FAILED: either side's certificate is refused. SYSTEM_ERROR: the handshake failed.</exception>
    [SuppressMessage("Security", "CA5359", Justification = "The certificate is judged when the handshake is over, before a byte is taken or given.")]
    public static async Task<TlsStream> HandshakeAsync(Stream connected, string host, TlsCredentials credentials, bool verify, CancellationToken ct)
    {
        var stream = new TlsStream(connected);
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = host,
                    ClientCertificateContext = credentials.Own,
                    EnabledSslProtocols = credentials.Protocols,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    AllowTlsResume = false,
                    AllowRenegotiation = false,
                    RemoteCertificateValidationCallback = stream.Remember,
                },
                ct).ConfigureAwait(false);
            if (verify && Refuse(credentials, stream, host) is { } reason)
                throw Refused($"Failed to verify peer's certificate: {reason}");
            await ExpectAcceptedAsync(stream, ct).ConfigureAwait(false);
            return stream;
        }
        catch (AuthenticationException e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new WherryException(ErrorCode.SystemError, $"TLS handshake failed: {e.InnerException?.Message ?? e.Message}", ErrorDomain.Rpc, e);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static string? Refuse(TlsCredentials credentials, TlsStream stream, string host) =>
        credentials.Refuse(stream.PeerCertificate, stream.PeerIntermediates)
        ?? (stream.PeerCertificate!.MatchesHostname(host, allowWildcards: true, allowCommonName: true) // Refuse has seen that there is one
            ? null
            : $"Certificate [session] owner does not match the hostname {host}");

    private static async Task ExpectAcceptedAsync(TlsStream stream, CancellationToken ct)
    {
        var answer = new byte[1];
        int count;
        try
        {
            count = await stream.ReadAsync(answer, ct).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw Refused($"Server verification (of our certificate or IP address) failed: {e.Message}", e);
        }

        if (count != 1 || answer[0] != TlsStream.Accepted.Span[0])
            throw Refused("Server verification (of our certificate or IP address) failed");
    }

    private static WherryException Refused(string message, Exception? inner = null) =>
        new(ErrorCode.AuthFailed, message, ErrorDomain.Rpc, inner);
}
