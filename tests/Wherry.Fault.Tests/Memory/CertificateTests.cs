using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testing.Tls;

namespace Wherry.Fault.Tests.Memory;

/// <summary>TLS for memory and disks with something wrong at the destination: told before the guest stops, and nothing is left.</summary>
public sealed class CertificateTests(ITestOutputHelper output)
{
    private static readonly TestAuthority Ours = new("Migration CA"), Theirs = new("Another CA");

    [Fact(Explicit = true)]
    [Fault(85)]
    public async Task Certificates_that_are_expired_foreign_unreadable_or_not_there_are_named_and_the_guest_is_not_disturbed()
    {
        await using var pair = await RealHosts.PairAsync((host, port) => new Wherryd(host, port)
        {
            MoreQemuConfiguration = $"migrate_tls_x509_cert_dir = \"{Directory(host)}\"",
        });
        Write(pair.Alpha.Host, Ours, Ours.Issue("CN=alpha", names: ["alpha"]));
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var bravo = pair.Bravo.Host;
        var good = Ours.Issue("CN=bravo", names: ["bravo"]);
        foreach (var (what, spoil, words) in ((string, Action, string[])[])
        [
            ("none", () => { }, ["bravo"]),
            ("expired", () => Write(bravo, Ours, Ours.Issue("CN=bravo", from: -20, until: -10, names: ["bravo"])), ["expired"]),
            ("foreign", () => Write(bravo, Theirs, Theirs.Issue("CN=bravo", names: ["bravo"])), ["ertificate"]),
            ("key of another", () => Write(bravo, Ours, good with { KeyPem = Ours.Issue("CN=bravo").KeyPem }), ["key"]),
            ("unreadable", () => Write(bravo, Ours, good with { KeyPem = "not a key" }), ["server-key.pem"]),
        ])
        {
            System.IO.Directory.CreateDirectory(Directory(bravo));
            spoil();
            var began = System.Diagnostics.Stopwatch.GetTimestamp();
            var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--tls"]);
            output.WriteLine($"{what}: {moved}; silent for {passage.Timeline.LongestSilence(began).TotalMilliseconds:0} ms");
            Aftermath.Refused(moved, pair, [.. words.Where(word => word != "bravo")]);
            await Aftermath.RunsAsync(passage, pair, pair.Alpha, what);
            await Aftermath.GoneAsync(pair.Bravo, passage);
            Assert.DoesNotContain("objlibvirt_migrate_tls0", await pair.Alpha.Virsh.AskAsync(
                "qemu-monitor-command", passage.Domain.Name, """{"execute":"qom-list","arguments":{"path":"/objects"}}"""), StringComparison.Ordinal);
        }

        Write(bravo, Ours, good);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha, "--tls");
    }

    private static string Directory(TestHost host) => Path.Combine(host.Directory, "migrate-tls");

    private static void Write(TestHost host, TestAuthority authority, TestCertificate certificate) => authority.Install(Directory(host), certificate);
}
