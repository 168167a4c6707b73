using System.Security.Cryptography.X509Certificates;
using Wherry.Errors;
using Wherry.Rpc.Transports.Tls;
using Wherry.Testing;
using Wherry.Testing.Tls;

namespace Wherry.Rpc.Tests.Tls;

/// <summary>Certificates that cannot work are refused when they are loaded, by the name of their file. The texts are libvirt's.</summary>
public sealed class TlsPreflightTests : IDisposable
{
    private static readonly TestAuthority Authority = new("Test CA");

    private readonly string _root = Directory.CreateTempSubdirectory("wherry-tls-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Good_files_are_loaded_without_a_complaint()
    {
        Write(Authority.Issue("CN=localhost"));
        Assert.Empty(Load().Lines);
    }

    public static TheoryData<string, string> BadFiles => new()
    {
        { "no CA", "Cannot read CA certificate '{CA}': No such file or directory" },
        { "no certificate", "Cannot read certificate '{CERT}': No such file or directory" },
        { "no key", "Cannot read private key '{KEY}': No such file or directory" },
        { "expired", "The server certificate {CERT} has expired" },
        { "not yet active", "The server certificate {CERT} is not yet active" },
        { "expired CA", "The CA certificate {CA} has expired" },
        { "a CA's", "The certificate {CERT} basic constraints show a CA, but we need one for a server" },
        { "no CA's", "The certificate {CA} basic constraints do not show a CA" },
        { "usage", "Certificate {CERT} usage does not permit key encipherment" },
        { "purpose", "Certificate {CERT} purpose does not allow use for with a TLS server" },
        { "foreign", "Our own certificate {CERT} failed validation against {CA}: The certificate hasn't got a known issuer." },
        { "wrong pair", "Unable to set x509 key and certificate: {KEY}, {CERT}: " },
        { "nonsense", "Unable to import server certificate {CERT}: " },
        { "no list", "Unable to set x509 certificate revocation list: {CRL}: " },
    };

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void A_bad_file_is_named(string which, string expected)
    {
        var files = TlsFiles.InSystemLayout(_root, TlsRole.Server);
        var authority = which switch
        {
            "expired CA" => new TestAuthority("Old CA", until: -1),
            "no CA's" => new TestAuthority("No CA", isAuthority: false),
            _ => Authority,
        };
        Write(which switch
        {
            "expired" => Authority.Issue("CN=a", until: -1),
            "not yet active" => Authority.Issue("CN=a", from: 1),
            "a CA's" => Authority.Issue("CN=a", isAuthority: true),
            "usage" => Authority.Issue("CN=a", usage: X509KeyUsageFlags.DigitalSignature),
            "purpose" => Authority.Issue("CN=a", forServer: false),
            "foreign" => new TestAuthority("Foreign CA").Issue("CN=a"),
            "wrong pair" => Authority.Issue("CN=a") with { KeyPem = Authority.Issue("CN=b").KeyPem },
            _ => Authority.Issue("CN=a"),
        }, authority);
        switch (which)
        {
            case "no CA": File.Delete(files.CaCertificates); break;
            case "no certificate": File.Delete(files.Certificate); break;
            case "no key": File.Delete(files.Key); break;
            case "nonsense": File.WriteAllText(files.Certificate, "nonsense"); break;
            case "no list": File.WriteAllText(files.RevocationList, "nonsense"); break;
        }

        var thrown = Assert.Throws<WherryException>(() => Load());
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Rpc), (thrown.Code, thrown.Domain));
        Assert.StartsWith(
            expected.Replace("{CA}", files.CaCertificates, StringComparison.Ordinal).Replace("{CERT}", files.Certificate, StringComparison.Ordinal)
                .Replace("{KEY}", files.Key, StringComparison.Ordinal).Replace("{CRL}", files.RevocationList, StringComparison.Ordinal),
            thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_sanity_check_an_expired_certificate_is_loaded_all_the_same()
    {
        Write(Authority.Issue("CN=a", until: -1));
        Load(sanityCheck: false);
    }

    [Fact]
    public void A_client_may_do_without_a_certificate_and_a_user_has_files_of_his_own()
    {
        Write(Authority.Issue("CN=localhost"));
        var home = Path.Combine(_root, "home");
        Authority.Issue("CN=me").WriteFlatTo(Path.Combine(home, ".pki", "libvirt"), "client", Authority);
        var mine = TlsFiles.Usual(_root, home, TlsRole.Client);
        Assert.Equal(Path.Combine(home, ".pki", "libvirt", "clientcert.pem"), mine.Certificate);
        File.Delete(mine.Key);
        Assert.Equal(TlsFiles.InSystemLayout(_root, TlsRole.Client).Certificate, TlsFiles.Usual(_root, home, TlsRole.Client).Certificate);
        TlsCredentials.Load(TlsFiles.Usual(_root, home, TlsRole.Client), TlsRole.Client, true, null, TimeProvider.System, new ListLogger());
    }

    private ListLogger Load(bool sanityCheck = true)
    {
        var logger = new ListLogger();
        TlsCredentials.Load(TlsFiles.InSystemLayout(_root, TlsRole.Server), TlsRole.Server, sanityCheck, null, TimeProvider.System, logger);
        return logger;
    }

    private void Write(TestCertificate certificate, TestAuthority? authority = null) => certificate.WriteTo(_root, "server", authority ?? Authority);
}
