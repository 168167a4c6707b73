using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>A TLS stream that keeps what the other end showed, so that it can be judged when the handshake is over.</summary>
internal sealed class TlsStream(Stream inner) : SslStream(inner, leaveInnerStreamOpen: false)
{
    /// <summary>What a server sends, encrypted, when it has accepted the client's certificate. Source: virNetServerClientCheckAccess.</summary>
    public static ReadOnlyMemory<byte> Accepted { get; } = new byte[] { 1 };

    public X509Certificate2? PeerCertificate { get; private set; }

    public X509Certificate2Collection PeerIntermediates { get; } = [];

    /// <summary>The validation callback. The caller judges after the handshake, before a byte is taken from or given to the other end.</summary>
    public bool Remember(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null) return true;
        // Copies: what we are given is disposed of with the handshake.
        PeerCertificate = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        foreach (var extra in chain?.ChainPolicy.ExtraStore ?? [])
            PeerIntermediates.Add(X509CertificateLoader.LoadCertificate(extra.RawDataMemory.Span));
        return true;
    }
}
