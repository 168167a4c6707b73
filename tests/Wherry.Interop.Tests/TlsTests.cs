using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testing.Tls;

namespace Wherry.Interop.Tests;

/// <summary>
/// The distribution's virsh over TLS, to ours and to stock libvirtd with the same certificates: who gets in must be the same, and what the
/// others are told.
/// </summary>
[Collection(nameof(OneAtATime))]
public sealed class TlsTests
{
    private const int StockPort = 16514;
    private const int OwnPort = 16515;

    private static readonly TestAuthority Authority = new("Test CA");
    private static readonly TestCertificate Good = Authority.Issue("CN=host1, O=Example, C=GB");

    [Fact]
    public async Task Clients_get_in_or_are_refused_as_with_stock()
    {
        await using var hosts = await TlsHost.StartAsync("""tls_allowed_dn_list = [ "CN=somebody else", "C=GB,*,CN=host?" ]""");
        var foreign = new TestAuthority("Foreign CA");
        await hosts.CompareAsync("good", Good, succeeds: true);
        await hosts.CompareAsync("without a certificate", null);
        await hosts.CompareAsync("foreign", foreign.Issue("CN=host1, O=Example, C=GB"), parameters: "&no_sanity=1");
        await hosts.CompareAsync("expired", Authority.Issue("CN=host1, O=Example, C=GB", until: -1), parameters: "&no_sanity=1");
        await hosts.CompareAsync("not yet active", Authority.Issue("CN=host1, O=Example, C=GB", from: 1), parameters: "&no_sanity=1");
        await hosts.CompareAsync("an authority's", Authority.Issue("CN=host1, O=Example, C=GB", isAuthority: true), parameters: "&no_sanity=1");
        await hosts.CompareAsync("for servers only", Authority.Issue("CN=host1, O=Example, C=GB", forClient: false), parameters: "&no_sanity=1");
        await hosts.CompareAsync("not on the list", Authority.Issue("CN=host12, O=Example, C=GB"));
        await hosts.CompareAsync("in another order than on the list", Authority.Issue("C=GB, O=Example, CN=host1"));
        await hosts.CompareAsync("revoked", hosts.Revoked);
        await hosts.CompareAsync("by an address that is in the server's certificate", Good, host: "127.0.0.1", succeeds: true);
        await hosts.CompareAsync("by a name that is not", Good, host: "ip6-localhost");
        await hosts.CompareAsync("by that name, not caring", Good, host: "ip6-localhost", parameters: "&no_verify=1", succeeds: true);
        await hosts.CompareAsync("TLS 1.2", Good, parameters: "&tls_priority=NORMAL:-VERS-ALL:%2BVERS-TLS1.2", succeeds: true);
        await hosts.CompareAsync("read-only", Good, command: ["-r", "list", "--all"], succeeds: true);
    }

    [Fact]
    public async Task Whoever_asks_is_served_when_nothing_is_verified()
    {
        await using var hosts = await TlsHost.StartAsync("tls_no_verify_certificate = 1");
        await hosts.CompareAsync("without a certificate", null, succeeds: true);
        await hosts.CompareAsync("foreign", new TestAuthority("Foreign CA").Issue("CN=me"), parameters: "&no_sanity=1", succeeds: true);
    }

    [Theory]
    [Trait("req", "S2.5")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_moves_peer_to_peer_over_TLS_and_a_host_that_is_not_the_one_meant_gets_nothing(bool toStock)
    {
        await using var pair = await RealHosts.PairAsync(
            (host, port) =>
            {
                var daemon = new Wherryd(host, port) { MoreArguments = ["--listen", $"tls://[::]:{StockPort}"] };
                WriteBoth(host, Path.Combine(daemon.ConfigDirectory, "pki"));
                return daemon;
            },
            peer: toStock ? StockWithTls : null);
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { SharedStorage = true });

        var refused = await MoveAsync(pair.Bravo.Host.ControlAddress); // bravo's certificate is for its name only
        Assert.Contains("owner does not match the hostname", refused.Error, StringComparison.Ordinal);
        Assert.Empty(await passage.JudgeAsync(pair.Alpha));

        await MoveAsync("bravo").Checked();
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));

        static void WriteBoth(TestHost host, string pki)
        {
            var certificate = Authority.Issue($"CN={host.Name}", names: [host.Name]);
            foreach (var role in new[] { "server", "client" }) certificate.WriteTo(pki, role, Authority);
        }

        static DaemonRunner StockWithTls(TestHost host, int port)
        {
            var pki = Path.Combine(host.Directory, "pki");
            WriteBoth(host, pki);
            return new StockLibvirtd(host)
            {
                MoreConfiguration = $"""
                    listen_tls = 1
                    tls_port = "{StockPort}"
                    ca_file = "{pki}/CA/cacert.pem"
                    cert_file = "{pki}/libvirt/servercert.pem"
                    key_file = "{pki}/libvirt/private/serverkey.pem"
                    """,
            };
        }

        Task<CommandResult> MoveAsync(string bravo) => pair.Alpha.Virsh.RunAsync(
            "migrate", "--live", "--p2p", "--unsafe", passage.Domain.Name, $"qemu+tls://{bravo}:{StockPort}/system");
    }

    [Fact]
    public async Task A_daemon_with_a_bad_certificate_does_not_start_and_names_the_file()
    {
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "alpha", isolated: false);
        await using var daemon = new Wherryd(host, null) { MoreArguments = ["--listen", $"tls://127.0.0.1:{OwnPort}"] };
        var pki = Path.Combine(daemon.ConfigDirectory, "pki");
        Authority.Issue("CN=localhost", until: -1).WriteTo(pki, "server", Authority);
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => daemon.StartAsync());
        Assert.Contains($"wherryd: The server certificate {pki}/libvirt/servercert.pem has expired", thrown.Message, StringComparison.Ordinal);
    }

    /// <summary>Both daemons on one host, each with the same files.</summary>
    private sealed class TlsHost(RunDirectory run, TestHost host, Wherryd own, StockLibvirtd stock, TestCertificate revoked) : IAsyncDisposable
    {
        public TestCertificate Revoked { get; } = revoked;

        public static async Task<TlsHost> StartAsync(string configuration)
        {
            Assert.SkipWhen(StockLibvirtd.Missing is not null, StockLibvirtd.Missing ?? "");
            var run = RunDirectory.Create();
            var host = await TestHost.CreateAsync(run, "alpha", isolated: true);
            var pki = Path.Combine(host.Directory, "pki");
            Authority.Issue("CN=alpha", names: ["localhost", "127.0.0.1"]).WriteTo(pki, "server", Authority);
            var revoked = Authority.Issue("CN=host2, O=Example, C=GB");
            File.WriteAllText(Path.Combine(pki, "CA", "cacrl.pem"), Authority.Revoke(revoked));
            var files = $"""
                listen_tls = 1
                ca_file = "{pki}/CA/cacert.pem"
                crl_file = "{pki}/CA/cacrl.pem"
                cert_file = "{pki}/libvirt/servercert.pem"
                key_file = "{pki}/libvirt/private/serverkey.pem"
                {configuration}
                """;
            var conf = Path.Combine(host.Directory, "wherryd.conf");
            File.WriteAllText(conf, $"{files}\ntls_port = \"{OwnPort}\"\n");
            var hosts = Path.Combine(host.Directory, "hosts");
            await File.WriteAllTextAsync(hosts, "127.0.0.1 localhost ip6-localhost\n");
            await host.RunAsync("mount", "--bind", hosts, "/etc/hosts").Checked();
            // Without its own --listen, so that the file's listen_tls counts.
            var own = new Wherryd(host, null) { MoreArguments = ["--config", conf] };
            var stock = new StockLibvirtd(host) { MoreConfiguration = $"{files}\ntls_port = \"{StockPort}\"" };
            await own.StartAsync();
            await stock.StartAsync();
            return new TlsHost(run, host, own, stock, revoked);
        }

        public async Task CompareAsync(
            string which, TestCertificate? client, string host = "localhost", string parameters = "", string[]? command = null, bool succeeds = false)
        {
            var pki = Path.Combine(Host.Directory, $"client-{Guid.NewGuid():N}");
            Directory.CreateDirectory(pki);
            if (client is null) File.WriteAllText(Path.Combine(pki, "cacert.pem"), Authority.Pem);
            else client.WriteFlatTo(pki, "client", Authority);

            var ours = await AskAsync(OwnPort);
            var theirs = await AskAsync(StockPort);
            Assert.True(ours == theirs, $"{which}:\n ours: {ours}\nstock: {theirs}\n{own.LogTail(20)}");
            Assert.True(succeeds == ours.Succeeded, $"{which}: {ours}");

            async Task<(bool Succeeded, string Output, string Error)> AskAsync(int port)
            {
                var result = await Host.RunAsync(
                    ["virsh", "-q", "-c", $"qemu+tls://{host}:{port}/system?pkipath={pki}{parameters}", .. command ?? ["list", "--all"]]);
                // virsh logs a server that it refuses, with the time.
                var error = string.Join('\n', result.Error.Split('\n').Where(line => line.StartsWith("error:", StringComparison.Ordinal)));
                return (result.Succeeded, result.Output, error.Replace($"{port}", "PORT", StringComparison.Ordinal));
            }
        }

        public async ValueTask DisposeAsync()
        {
            await own.DisposeAsync();
            await stock.DisposeAsync();
            await host.DisposeAsync();
            await run.DisposeAsync();
        }

        private TestHost Host => host;
    }
}
