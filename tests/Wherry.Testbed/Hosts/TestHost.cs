using System.Diagnostics;

namespace Wherry.Testbed.Hosts;

/// <summary>
/// A host of the testbed. As root it is a set of namespaces that makes one machine look like another: its own processes (whose init reaps at
/// once: a machine's process 1 may be slow, and a dead QEMU would count as alive for seconds), mounts, host name and network.
/// <code>
///   HOST/images  is seen as  RUN/images     so that both hosts have "the same" local disk path, and different files behind it
///   /etc/libvirt /run/libvirt /var/{lib,log,cache}/libvirt     are its own, empty, so that a stock libvirtd believes that it is alone
///   /etc/passwd /etc/group   know the users that libvirtd and sshd ask for whatever their configurations say: who made them here would be
///                            libvirt-daemon-system and openssh-server, which also start servers on this machine
/// </code>
/// Without root it is only a directory and a name, and everything runs on the machine itself.
/// </summary>
public sealed class TestHost : IAsyncDisposable
{
    // Reads a line that never comes; its end means that this process is gone, and with the init the kernel kills all that it holds.
    private const string Init = """
        set -e
        hostname "$1"
        ip link set lo up
        mount --bind "$2/images" "$3/images"
        for d in /etc/libvirt /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
            mkdir -p $d
            mount -t tmpfs tmpfs $d
        done
        cat /etc/passwd > "$2/passwd"
        cat /etc/group > "$2/group"
        for user in libvirt-qemu:x:64055 sshd:x:64056; do
            grep -q "^${user%%:*}:" "$2/passwd" || echo "$user:${user##*:}::/:/bin/false" >> "$2/passwd"
            grep -q "^${user%%:*}:" "$2/group" || echo "$user:" >> "$2/group"
        done
        for f in passwd group; do mount --bind "$2/$f" /etc/$f; done
        echo ready
        read -r _ || true
        """;

    private readonly Process? _init;
    private readonly int _initPid;

    private TestHost(RunDirectory run, string name, Process? init, int initPid)
    {
        Run = run;
        Name = name;
        Directory = run.File(name);
        _init = init;
        _initPid = initPid;
    }

    public RunDirectory Run { get; }

    public string Name { get; }

    public Guid Uuid { get; } = Guid.NewGuid();

    /// <summary>The host's own files; every host can see them.</summary>
    public string Directory { get; }

    /// <summary>Where the host's disk images are, as its own processes see it.</summary>
    public string Images => IsIsolated ? Run.File("images") : System.IO.Path.Combine(Directory, "images");

    /// <summary>Where they are seen from outside, by the test that prepares and checks them.</summary>
    public string ImagesOutside => System.IO.Path.Combine(Directory, "images");

    /// <summary>Address of the control link; that of the data link is <see cref="DataAddress"/>.</summary>
    public string ControlAddress { get; internal set; } = "127.0.0.1";

    public string DataAddress { get; internal set; } = "127.0.0.1";

    /// <summary>The same as IPv6.</summary>
    public string DataAddress6 { get; internal set; } = "::1";

    public bool IsIsolated => _init is not null;

    /// <summary>Why hosts cannot be isolated here, or null when they can. Tests pass it to <c>Assert.SkipWhen</c>.</summary>
    public static string? IsolationMissing { get; } =
        !Environment.IsPrivilegedProcess ? "namespaces need root"
        : Executables.Find("ip") is null ? "iproute2 is not installed"
        : Executables.Find("unshare") is null ? "util-linux is not installed"
        : null;

    public static async Task<TestHost> CreateAsync(RunDirectory run, string name, bool isolated)
    {
        run.CreateDirectory(name, "images");
        if (!isolated)
            return new TestHost(run, name, null, 0);
        run.CreateDirectory("images");
        var init = Process.Start(new ProcessStartInfo("unshare",
            ["--fork", "--kill-child", "--pid", "--mount-proc", "--mount", "--uts", "--ipc", "--net", "--propagation", "private",
             "bash", "-c", Init, "host-init", name, run.File(name), run.Path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        if (await init.StandardOutput.ReadLineAsync() != "ready")
            throw new InvalidOperationException($"host {name} could not be set up in namespaces");
        return new TestHost(run, name, init, ChildOf(init.Id));
    }

    /// <summary>Its network's tables in /proc, such as "tcp"; null when it shares this machine's.</summary>
    internal string? NetworkTables => IsIsolated ? $"/proc/{_initPid}/net" : null;

    /// <summary>The command as it has to be started so that it runs inside this host.</summary>
    public string[] Enter(params IEnumerable<string> command) => IsIsolated
        ? ["nsenter", "--target", $"{_initPid}", "--mount", "--uts", "--ipc", "--net", "--pid", .. command]
        : [.. command];

    /// <summary>Runs a command inside this host.</summary>
    public Task<CommandResult> RunAsync(params IEnumerable<string> command) => Command.RunAsync(Enter(command));

    /// <summary>The process that <see cref="Enter"/> started, seen from outside: nsenter forks to enter the process namespace.</summary>
    internal int PidInside(Process entered) => IsIsolated ? ChildOf(entered.Id) : entered.Id;

    /// <summary>Lets the kernel treat this host's packets by nft's rules, such as "oifname ctl drop", until <see cref="MendAsync"/>.</summary>
    /// <param name="sent">For what it sends.</param>
    /// <param name="received">For what comes to it.</param>
    public Task CutAsync(IEnumerable<string> sent, params IEnumerable<string> received) => RunAsync("nft", "add table inet cut; "
        + Chain("output", sent) + Chain("input", received)).Checked();

    public Task MendAsync() => RunAsync("nft", "delete table inet cut").Checked();

    private static string Chain(string hook, IEnumerable<string> rules) =>
        $"add chain inet cut {hook} {{ type filter hook {hook} priority 0; }}; {string.Concat(rules.Select(rule => $"add rule inet cut {hook} {rule}; "))}";

    /// <summary>Joins two hosts by two cables, so that tests can cut the control link and the data link apart.</summary>
    public static async Task ConnectAsync(TestHost a, TestHost b)
    {
        foreach (var (link, subnet) in new[] { ("ctl", "10.71.1"), ("dat", "10.71.2") })
        {
            // Only a's network is entered: its processes could not name b's init.
            await Command.RunAsync(["nsenter", "--target", $"{a._initPid}", "--net",
                "ip", "link", "add", link, "type", "veth", "peer", "name", link, "netns", $"{b._initPid}"]).Checked();
            await a.RunAsync("sh", "-c", $"ip addr add {subnet}.1/24 dev {link} && ip link set {link} up").Checked();
            await b.RunAsync("sh", "-c", $"ip addr add {subnet}.2/24 dev {link} && ip link set {link} up").Checked();
        }

        (a.ControlAddress, a.DataAddress, a.DataAddress6) = ("10.71.1.1", "10.71.2.1", "fd71::1");
        (b.ControlAddress, b.DataAddress, b.DataAddress6) = ("10.71.1.2", "10.71.2.2", "fd71::2");
        foreach (var host in new[] { a, b })
            await host.RunAsync("ip", "addr", "add", $"{host.DataAddress6}/64", "dev", "dat", "nodad").Checked();

        foreach (var host in new[] { a, b })
        {
            var hosts = System.IO.Path.Combine(host.Directory, "hosts");
            await File.WriteAllTextAsync(hosts, $"127.0.0.1 localhost\n{a.ControlAddress} {a.Name}\n{b.ControlAddress} {b.Name}\n");
            await host.RunAsync("mount", "--bind", hosts, "/etc/hosts").Checked();
        }
    }

    /// <summary>
    /// Puts a router into the control cable of two hosts, with interfaces "to-alpha" and "to-bravo" towards them. What is queued in it is beyond the sender's
    /// own flow control, as in a switch; on the sender itself Linux keeps a connection's queue short.
    /// </summary>
    public static async Task InterposeAsync(TestHost a, TestHost b, TestHost router)
    {
        await a.RunAsync("ip", "link", "del", "ctl").Checked();
        foreach (var (host, end) in new[] { (a, $"to-{a.Name}"), (b, $"to-{b.Name}") })
        {
            await Command.RunAsync(["nsenter", "--target", $"{host._initPid}", "--net",
                "ip", "link", "add", "ctl", "type", "veth", "peer", "name", end, "netns", $"{router._initPid}"]).Checked();
            await host.RunAsync("sh", "-c", $"ip addr add {host.ControlAddress}/24 dev ctl && ip link set ctl up").Checked();
            await router.RunAsync("sh", "-c", $"ip addr add 10.71.1.254/32 dev {end} && ip link set {end} up && ip route add {host.ControlAddress}/32 dev {end} "
                + $"&& sysctl -q -w net.ipv4.conf.{end}.proxy_arp=1 net.ipv4.ip_forward=1").Checked();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_init is null)
            return;
        _init.StandardInput.Close();
        await _init.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        _init.Dispose();
    }

    private static int ChildOf(int pid)
    {
        // The kernel lists a child as soon as fork returns in the parent; nsenter forks within its first milliseconds.
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < TimeSpan.FromSeconds(10))
        {
            var children = File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (children.Length > 0)
                return int.Parse(children[0]);
            Thread.Yield();
        }

        throw new TimeoutException($"process {pid} has no child");
    }
}
