using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Wherry.Errors;
using Wherry.Rpc.Client;
using Wherry.Rpc.Transports.Tls;
using Wherry.Testing;
using Wherry.Testing.Tls;

namespace Wherry.Rpc.Tests.Tls;

/// <summary>Both ends of TLS in one process. Against libvirt's own clients and servers: TlsTests of the interop project.</summary>
public sealed class TlsConnectionTests : IDisposable
{
    private static readonly TestAuthority Authority = new("Test CA");
    private static readonly TestAuthority Foreign = new("Foreign CA");
    private static readonly TestCertificate Good = Authority.Issue("CN=host1, O=Example, C=GB");

    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-tls-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task With_good_certificates_calls_are_answered_and_the_client_is_known_by_name()
    {
        await using var server = Serve();
        await using var client = await ConnectAsync(server, Good);
        Assert.Equal(7, (await client.CallAsync<TestNumber, TestNumber>(TestProgram.Number, TestProgram.Version, TestProgram.Echo, new(7), CancellationToken.None).Within()).Value);
        var identity = server.Program.Sessions.Last().Identity;
        Assert.Equal((true, false, "C=GB,O=Example,CN=host1"), (identity.IsEncrypted, identity.IsLocal, identity.CertificateName));
    }

    public static TheoryData<string, string> BadClients => new()
    {
        { "none", "No certificate was found" },
        { "foreign", "The certificate hasn't got a known issuer" },
        { "expired", "has expired" },
        { "not yet active", "not yet active" },
        { "for servers only", "purpose does not allow use for with a TLS client" },
        { "an authority's", "basic constraints show a CA" },
        { "for signing other certificates", "usage does not permit digital signature" },
        { "revoked", "has been revoked" },
        { "not on the list", "'C=GB,O=Example,CN=host1' is not on the list of allowed clients" },
    };

    [Theory]
    [MemberData(nameof(BadClients))]
    public async Task A_bad_client_certificate_is_refused_and_the_log_says_why(string which, string reason)
    {
        var certificate = which switch
        {
            "none" => null,
            "foreign" => Foreign.Issue("CN=host1"),
            "expired" => Authority.Issue("CN=host1", from: -10, until: -1),
            "not yet active" => Authority.Issue("CN=host1", from: 1, until: 10),
            "for servers only" => Authority.Issue("CN=host1", forClient: false),
            "an authority's" => Authority.Issue("CN=host1", isAuthority: true),
            "for signing other certificates" => Authority.Issue("CN=host1", usage: X509KeyUsageFlags.KeyEncipherment),
            _ => Good,
        };
        await using var server = Serve(
            allowed: which == "not on the list" ? ["CN=host1", "C=GB,*,CN=host2"] : null, revoked: which == "revoked" ? Good : null);
        // Our own check would refuse some of these before they are shown.
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync(server, certificate, "&no_sanity=1")).Within();
        Assert.Equal(ErrorCode.AuthFailed, thrown.Code);
        Assert.Contains("Server verification (of our certificate or IP address) failed", thrown.Message, StringComparison.Ordinal);
        await server.Logger.WaitForAsync(1014);
        Assert.Contains(reason, server.Logger.Lines.Single(line => line.Id == 1014).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_on_the_list_is_accepted()
    {
        await using var server = Serve(allowed: ["C=GB,*,CN=host?"]);
        await using var client = await ConnectAsync(server, Good);
    }

    [Fact]
    public async Task Whoever_connects_is_served_when_verification_is_off()
    {
        await using var server = Serve(verify: false);
        await using var client = await ConnectAsync(server, null);
        Assert.Null(server.Program.Sessions.LastOrDefault()?.Identity.CertificateName);
    }

    [Theory]
    [InlineData("another.example", "owner does not match the hostname localhost")]
    [InlineData("foreign", "hasn't got a known issuer")]
    [InlineData("for clients only", "purpose does not allow use for with a TLS server")]
    public async Task A_server_that_is_not_who_it_should_be_is_refused(string which, string reason)
    {
        var certificate = which switch
        {
            "foreign" => Foreign.Issue("CN=localhost"),
            "for clients only" => Authority.Issue("CN=localhost", forServer: false),
            var name => Authority.Issue($"CN={name}", names: [name]),
        };
        await using var server = Serve(certificate);
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync(server, Good)).Within();
        Assert.Equal(ErrorCode.AuthFailed, thrown.Code);
        Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        await using var trusting = await ConnectAsync(server, Good, "&no_verify=1");
    }

    [Fact]
    public async Task A_client_that_never_shakes_hands_delays_nobody_and_is_given_up()
    {
        var time = new ManualTimeProvider();
        await using var server = Serve(time: time);
        using var silent = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await silent.ConnectAsync(IPAddress.Loopback, server.Port);
        await using (await ConnectAsync(server, Good))
        {
        }

        time.Advance(new RpcServerOptions().HandshakeTimeout);
        await server.Logger.WaitForAsync(1014);
        Assert.Contains("no handshake within 30 s", server.Logger.Lines.Single(line => line.Id == 1014).Text, StringComparison.Ordinal);
        Assert.Equal(0, await silent.ReceiveAsync(new byte[1]).Within());
    }

    [Fact]
    public async Task Plain_bytes_on_the_TLS_port_end_that_connection_only()
    {
        await using var server = Serve();
        using var plain = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await plain.ConnectAsync(IPAddress.Loopback, server.Port);
        await plain.SendAsync(RawClient.Call(TestProgram.Echo, 1, 1));
        await server.Logger.WaitForAsync(1014);
        await using var client = await ConnectAsync(server, Good);
    }

    [Fact]
    public async Task Reloaded_files_count_for_new_connections_and_bad_ones_change_nothing()
    {
        await using var server = Serve();
        await using var before = await ConnectAsync(server, Good);
        File.WriteAllText(Path.Combine(_directory, "pki", "CA", "cacrl.pem"), new TestAuthority("Test CA").Revoke(Good));
        File.WriteAllText(Path.Combine(_directory, "pki", "libvirt", "servercert.pem"), "nonsense");
        Assert.Throws<WherryException>(server.Tls.Reload);
        await using var unchanged = await ConnectAsync(server, Good);

        File.WriteAllText(Path.Combine(_directory, "pki", "libvirt", "servercert.pem"), server.Certificate.Pem);
        server.Tls.Reload();
        await Assert.ThrowsAsync<WherryException>(() => ConnectAsync(server, Good)).Within();
        await before.CallAsync<TestNumber, TestNumber>(TestProgram.Number, TestProgram.Version, TestProgram.Echo, new(7), CancellationToken.None).Within();
    }

    private TlsTestServer Serve(
        TestCertificate? certificate = null, ImmutableArray<string>? allowed = null, TestCertificate? revoked = null, bool verify = true,
        TimeProvider? time = null)
    {
        var shown = certificate ?? Authority.Issue("CN=localhost");
        var root = Path.Combine(_directory, "pki");
        shown.WriteTo(root, "server", Authority);
        if (revoked is not null) File.WriteAllText(Path.Combine(root, "CA", "cacrl.pem"), Authority.Revoke(revoked));
        var logger = new ListLogger();
        var tls = TlsListener.Bind(IPAddress.Loopback, port: 0, new TlsServerOptions
        {
            Load = () => TlsCredentials.Load(
                TlsFiles.InSystemLayout(root, TlsRole.Server), TlsRole.Server, sanityCheck: certificate is null, priority: null, TimeProvider.System, logger),
            VerifyClient = verify,
            AllowedNames = allowed,
        });
        return new TlsTestServer(new TestServer(time: time, also: new HandshakeProgram(), more: tls), tls, shown);
    }

    private async Task<ClientConnection> ConnectAsync(TlsTestServer server, TestCertificate? certificate, string parameters = "")
    {
        var pki = Directory.CreateDirectory(Path.Combine(_directory, Guid.NewGuid().ToString("N"))).FullName;
        if (certificate is null) File.WriteAllText(Path.Combine(pki, "cacert.pem"), Authority.Pem);
        else certificate.WriteFlatTo(pki, "client", Authority);
        var endpoint = (RpcEndpoint.Tls)RpcEndpoint.Parse($"qemu+tls://localhost:{server.Port}/system?pkipath={pki}{parameters}");
        return await ClientConnection.ConnectAsync(endpoint, new ClientConnectionOptions(), TimeProvider.System, new ListLogger(), CancellationToken.None).Within();
    }

    private sealed class TlsTestServer(TestServer server, TlsListener tls, TestCertificate certificate) : IAsyncDisposable
    {
        public TlsListener Tls { get; } = tls;

        public TestCertificate Certificate { get; } = certificate;

        public int Port => Tls.EndPoint.Port;

        public ListLogger Logger => server.Logger;

        public TestProgram Program => server.Program;

        public ValueTask DisposeAsync() => server.DisposeAsync();
    }
}
