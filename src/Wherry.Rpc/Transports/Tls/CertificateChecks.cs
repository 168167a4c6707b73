using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Wherry.Errors;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>
/// What a certificate says of itself, against what it is used for: its time, whether it is a CA's, its key usage and its purpose. What is
/// not marked critical is only warned about, as in libvirt. Texts: virnettlscontext.c.
/// </summary>
internal sealed class CertificateChecks(TimeProvider time, ILogger logger)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string AnyPurpose = "2.5.29.37.0";

    /// <summary>A certificate that a server or a client shows.</summary>
    /// <param name="file">Its file, for the text; "[session]" for one that came over the network.</param>
    /// <exception cref="WherryException">SYSTEM_ERROR.</exception>
    public void CheckOwn(X509Certificate2 certificate, string file, TlsRole role)
    {
        var word = role == TlsRole.Server ? "server" : "client";
        CheckTimes(certificate, file, word);
        if (Find<X509BasicConstraintsExtension>(certificate) is { CertificateAuthority: true })
            throw Wrong($"The certificate {file} basic constraints show a CA, but we need one for a {word}");
        CheckKeyUsage(certificate, file);
        CheckPurpose(certificate, file, role, word);
    }

    /// <summary>A certificate that signs others.</summary>
    /// <exception cref="WherryException">SYSTEM_ERROR.</exception>
    public void CheckAuthority(X509Certificate2 certificate, string file)
    {
        CheckTimes(certificate, file, "CA");
        switch (Find<X509BasicConstraintsExtension>(certificate))
        {
            case null: throw Wrong($"The certificate {file} is missing basic constraints for a CA");
            case { CertificateAuthority: false }: throw Wrong($"The certificate {file} basic constraints do not show a CA");
        }

        if (Find<X509KeyUsageExtension>(certificate) is { } usage && (usage.KeyUsages & X509KeyUsageFlags.KeyCertSign) == 0)
            Complain(usage.Critical, $"Certificate {file} usage does not permit certificate signing");
    }

    private void CheckTimes(X509Certificate2 certificate, string file, string word)
    {
        var now = time.GetUtcNow().UtcDateTime;
        if (certificate.NotAfter.ToUniversalTime() < now) throw Wrong($"The {word} certificate {file} has expired");
        if (certificate.NotBefore.ToUniversalTime() > now) throw Wrong($"The {word} certificate {file} is not yet active");
    }

    private void CheckKeyUsage(X509Certificate2 certificate, string file)
    {
        if (Find<X509KeyUsageExtension>(certificate) is not { } usage) return;
        if ((usage.KeyUsages & X509KeyUsageFlags.DigitalSignature) == 0)
            Complain(usage.Critical, $"Certificate {file} usage does not permit digital signature");
        // Only RSA keys ever encipher keys; libvirt 9.0 asks it of others too, and later versions do not.
        const string rsa = "1.2.840.113549.1.1.1";
        if (certificate.GetKeyAlgorithm() == rsa && (usage.KeyUsages & X509KeyUsageFlags.KeyEncipherment) == 0)
            Complain(usage.Critical, $"Certificate {file} usage does not permit key encipherment");
    }

    private void CheckPurpose(X509Certificate2 certificate, string file, TlsRole role, string word)
    {
        if (Find<X509EnhancedKeyUsageExtension>(certificate) is not { } purposes) return;
        var wanted = role == TlsRole.Server ? ServerAuthentication : ClientAuthentication;
        foreach (var purpose in purposes.EnhancedKeyUsages)
        {
            if (purpose.Value == wanted || purpose.Value == AnyPurpose) return;
        }

        Complain(purposes.Critical, $"Certificate {file} purpose does not allow use for with a TLS {word}");
    }

    private void Complain(bool critical, string message)
    {
        if (critical) throw Wrong(message);
        RpcLog.CertificateDoubtful(logger, message);
    }

    private static T? Find<T>(X509Certificate2 certificate)
        where T : X509Extension =>
        certificate.Extensions.OfType<T>().FirstOrDefault();

    private static WherryException Wrong(string message) => new(ErrorCode.SystemError, message, ErrorDomain.Rpc);
}
