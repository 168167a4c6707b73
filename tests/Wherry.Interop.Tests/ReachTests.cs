using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>The ways to a daemon that libvirt's clients find by themselves: over ssh, and as a plain user.</summary>
[Collection(nameof(OneAtATime))]
public sealed class ReachTests
{
    /// <summary>What ssh does, without a network: it drops its options and the host, and a shell runs the rest.</summary>
    private const string Ssh = """
        #!/bin/sh
        echo "$@" >> "$(dirname "$0")/ssh.log"
        case "$*" in *"-l ours"*) PATH="$(dirname "$0")/bin:$PATH" ;; esac
        while [ "$1" != -- ]; do shift; done
        shift 2
        exec sh -c "$*"
        """;

    private const string Ours = " (ours)";

    private const string Definition = """
        <domain type='qemu'>
          <name>reached</name>
          <memory unit='MiB'>32</memory>
          <vcpu>1</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
        </domain>
        """;

    [Fact]
    [Trait("req", "S2.5")]
    public async Task Virsh_reaches_the_daemon_over_ssh_through_netcat_and_through_the_native_helper()
    {
        Assert.SkipWhen(TestHost.IsolationMissing is not null, TestHost.IsolationMissing ?? "");
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "alpha", isolated: true);
        // libvirt's own places, which --libvirt-sockets takes too: what runs at the far end of ssh looks for no others.
        await using var daemon = new Wherryd(host, null) { MoreArguments = ["--unix-socket-dir", "/run/libvirt"] };
        await daemon.StartAsync();
        var ssh = Path.Combine(host.Directory, "ssh");
        await File.WriteAllTextAsync(ssh, Ssh);
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var xml = Path.Combine(host.Directory, "reached.xml");
        await File.WriteAllTextAsync(xml, Definition);

        List<string> proxies = [];
        if (Executables.Find("nc") is not null) proxies.AddRange(["&proxy=netcat", "&proxy=netcat&socket=/run/libvirt/libvirt-sock"]);
        if (Executables.Find("virt-ssh-helper") is not null) proxies.AddRange(["&proxy=native", "&proxy=auto"]);
        // Ours, which stands before libvirt's in the PATH of one of the ssh commands.
        var helper = Path.Combine(host.Directory, "bin", "virt-ssh-helper");
        Directory.CreateDirectory(Path.GetDirectoryName(helper)!);
        await File.WriteAllTextAsync(helper, $"#!/bin/sh\necho \"$@\" >>'{helper}.log'\nexec '{Repository.Daemon}' ssh-helper \"$@\"\n");
        File.SetUnixFileMode(helper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        proxies.AddRange([$"&proxy=native{Ours}", $"&proxy=auto{Ours}"]);
        foreach (var proxy in proxies)
        {
            await VirshAsync(proxy, "define", xml).Checked();
            Assert.Equal("reached", (await VirshAsync(proxy, "list", "--all", "--name").Checked()).Output.Trim());
            await VirshAsync(proxy, "undefine", "reached").Checked();
        }

        foreach (var proxy in proxies.Where(proxy => !proxy.Contains("socket=", StringComparison.Ordinal)))
        {
            var refused = await host.RunAsync("virsh", "-q", "-r", "-c", Uri(proxy), "define", xml);
            Assert.Contains("read only access prevents virDomainDefineXML", refused.Error, StringComparison.Ordinal);
            if (proxy.EndsWith(Ours, StringComparison.Ordinal))
                Assert.Contains("-r qemu:///system", await File.ReadAllTextAsync($"{helper}.log"), StringComparison.Ordinal);
            Assert.Contains(proxy.Contains("netcat", StringComparison.Ordinal) ? "libvirt-sock-ro" : "-r", await File.ReadAllTextAsync(Path.Combine(host.Directory, "ssh.log")), StringComparison.Ordinal);
        }

        string Uri(string proxy) => $"qemu+ssh://{(proxy.EndsWith(Ours, StringComparison.Ordinal) ? "ours" : "somebody")}@elsewhere/system?command={ssh}{proxy.Replace(Ours, "", StringComparison.Ordinal)}";

        Task<CommandResult> VirshAsync(string proxy, params string[] command) => host.RunAsync(["virsh", "-q", "-c", Uri(proxy), .. command]);
    }

    [Fact]
    public async Task A_plain_user_runs_a_daemon_of_his_own_and_virsh_finds_it()
    {
        Assert.SkipWhen(Executables.Find("qemu-system-x86_64") is null, "qemu-system-x86_64 is not installed");
        Assert.SkipWhen(!(await Command.RunAsync([.. AsUser("/", "/"), "true"])).Succeeded, "no user namespaces here");
        await using var run = RunDirectory.Create();
        var (home, runtime) = (run.CreateDirectory("home"), run.CreateDirectory("runtime"));
        await using var daemon = new SessionWherryd(await TestHost.CreateAsync(run, "alpha", isolated: false), home, runtime);
        await daemon.StartAsync();
        var xml = run.File("reached.xml");
        await File.WriteAllTextAsync(xml, Definition);

        await VirshAsync("define", xml).Checked();
        await VirshAsync("start", "reached").Checked();
        Assert.Equal("reached", (await VirshAsync("list", "--name").Checked()).Output.Trim());
        Assert.Equal("qemu:///session", (await VirshAsync("uri").Checked()).Output.Trim());
        Assert.Contains("uuid", (await VirshAsync("dumpxml", "reached").Checked()).Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(home, ".config/wherry/qemu/reached.xml")));
        Assert.True(File.Exists(Path.Combine(runtime, "libvirt/libvirt-sock")));

        // As with libvirt, a user's daemon has no system to offer.
        var system = await Command.RunAsync([.. AsUser(home, runtime), "virsh", "-q", "-c", $"qemu+unix:///system?socket={runtime}/libvirt/libvirt-sock", "list"]);
        Assert.Contains("unexpected qemu URI path '/system', try qemu:///session", system.Error, StringComparison.Ordinal);
        await VirshAsync("destroy", "reached").Checked();
        await VirshAsync("undefine", "reached").Checked();

        Task<CommandResult> VirshAsync(params string[] command) =>
            Command.RunAsync([.. AsUser(home, runtime), "virsh", "-q", "-c", "qemu:///session", .. command]);
    }

    // A name space in which we are user 1000; outside of it the files belong to whoever runs the test, so no other user has to exist.
    private static string[] AsUser(string home, string runtime) =>
    [
        "unshare", "--user", "--map-user=1000", "--map-group=1000",
        "env", "-u", "XDG_CONFIG_HOME", "-u", "XDG_STATE_HOME", "-u", "XDG_CACHE_HOME", $"HOME={home}", $"XDG_RUNTIME_DIR={runtime}",
    ];

    private sealed class SessionWherryd(TestHost host, string home, string runtime) : DaemonRunner(host)
    {
        public override string Name => "wherryd";

        public override string Uri => "qemu:///session";

        public override string PeerUri => Uri;

        protected override IEnumerable<string> CommandLine() => [.. AsUser(home, runtime), Repository.Daemon, "--libvirt-sockets"];
    }
}
