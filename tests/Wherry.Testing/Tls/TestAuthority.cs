using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Wherry.Testing.Tls;

/// <summary>A certificate authority of a test: makes certificates, good ones unless told otherwise, and revokes them.</summary>
public sealed class TestAuthority
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _certificate;
    private readonly CertificateRevocationListBuilder _revoked = new();

    /// <summary>One that signs itself. It is valid from and until so many days from now.</summary>
    public TestAuthority(string name, int from = -400, int until = 400, bool isAuthority = true)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = DateTimeOffset.UtcNow;
        _certificate = request.CreateSelfSigned(now.AddDays(from), now.AddDays(until));
    }

    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>Valid for both ends of a connection to "localhost" and 127.0.0.1, where not told otherwise; times are days from now.</summary>
    public TestCertificate Issue(
        string subject, int from = -10, int until = 10, bool isAuthority = false, string[]? names = null, X509KeyUsageFlags? usage = null,
        bool forServer = true, bool forClient = true)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            usage ?? (X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment), critical: true));
        var purposes = new OidCollection();
        if (forServer) purposes.Add(new Oid(ServerAuthentication));
        if (forClient) purposes.Add(new Oid(ClientAuthentication));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, critical: true));
        var alternative = new SubjectAlternativeNameBuilder();
        foreach (var name in names ?? ["localhost", "127.0.0.1"])
        {
            if (System.Net.IPAddress.TryParse(name, out var address)) alternative.AddIpAddress(address);
            else alternative.AddDnsName(name);
        }

        request.CertificateExtensions.Add(alternative.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(
            _certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single()));
        var now = DateTimeOffset.UtcNow;
        using var issued = request.Create(
            _certificate.SubjectName, X509SignatureGenerator.CreateForRSA(_certificate.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1),
            now.AddDays(from), now.AddDays(until), RandomNumberGenerator.GetBytes(8));
        return new TestCertificate(issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Makes the directory what QEMU and libvirt read x509 from: this authority, and the certificate as a server's and a client's.</summary>
    public void Install(string directory, TestCertificate certificate)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "ca-cert.pem"), Pem);
        foreach (var end in (string[])["server", "client"])
        {
            File.WriteAllText(Path.Combine(directory, $"{end}-cert.pem"), certificate.Pem);
            File.WriteAllText(Path.Combine(directory, $"{end}-key.pem"), certificate.KeyPem);
        }
    }

    /// <summary>What a host needs for migrations over TLS, installed below its directory: the line of qemu.conf that says so.</summary>
    public string InstallForMigration(string hostDirectory, string hostName, string? certifiedName = null)
    {
        var directory = Path.Combine(hostDirectory, "migrate-tls");
        Install(directory, Issue($"CN={hostName}, O=Example, C=GB", names: [certifiedName ?? hostName]));
        return $"migrate_tls_x509_cert_dir = \"{directory}\"";
    }

    /// <summary>The revocation list as PEM, with this certificate and those of earlier calls.</summary>
    public string Revoke(TestCertificate certificate)
    {
        _revoked.AddEntry(X509Certificate2.CreateFromPem(certificate.Pem));
        var list = _revoked.Build(_certificate, 1, DateTimeOffset.UtcNow.AddDays(5), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return new string(PemEncoding.Write("X509 CRL", list));
    }
}

/// <summary>A certificate and its key, as PEM.</summary>
public sealed record TestCertificate(string Pem, string KeyPem)
{
    /// <summary>Writes both where libvirt looks for them under <paramref name="root"/>, beside the authority's; the role is "server" or "client".</summary>
    public void WriteTo(string root, string role, TestAuthority trusted)
    {
        Directory.CreateDirectory(Path.Combine(root, "CA"));
        Directory.CreateDirectory(Path.Combine(root, "libvirt", "private"));
        File.WriteAllText(Path.Combine(root, "CA", "cacert.pem"), trusted.Pem);
        File.WriteAllText(Path.Combine(root, "libvirt", $"{role}cert.pem"), Pem);
        File.WriteAllText(Path.Combine(root, "libvirt", "private", $"{role}key.pem"), KeyPem);
    }

    /// <summary>The same in one directory, as <c>?pkipath=</c> wants it.</summary>
    public void WriteFlatTo(string directory, string role, TestAuthority trusted)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "cacert.pem"), trusted.Pem);
        File.WriteAllText(Path.Combine(directory, $"{role}cert.pem"), Pem);
        File.WriteAllText(Path.Combine(directory, $"{role}key.pem"), KeyPem);
    }
}
