using System.Net.Sockets;

namespace Wherry.Testbed.Hosts;

/// <summary>
/// The distribution's own libvirtd, in a host of its own (it needs the host's private directories, so it only runs isolated): the
/// peer that ours must work with, and the measure of what clients expect.
/// </summary>
public sealed class StockLibvirtd(TestHost host) : DaemonRunner(host)
{
    private const int Port = 16509;

    /// <summary>Why it cannot run here, or null when it can. Tests pass it to <c>Assert.SkipWhen</c>.</summary>
    public static string? Missing { get; } =
        TestHost.IsolationMissing ?? (Executables.Find("libvirtd") is null ? "libvirtd is not installed" : null);

    /// <summary>Why its answers of today cannot be those on record, which it gave with QEMU 7.2; null when they can.</summary>
    public static async Task<string?> RecordsMissingAsync()
    {
        if (Missing is not null)
            return Missing;
        var version = (await Command.RunAsync(["qemu-system-x86_64", "--version"]).Checked()).Output.Split('\n')[0];
        return version.StartsWith("QEMU emulator version 7.2.", StringComparison.Ordinal) ? null : $"recorded with QEMU 7.2, here is {version}";
    }

    public override string Name => "libvirtd";

    public override string Uri => $"qemu+unix:///system?socket={Path.Combine(Host.Directory, "libvirt-sock")}";

    public override string PeerUri => $"qemu+tcp://{Host.ControlAddress}:{Port}/system";

    private static string DriverDirectory { get; } =
        Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu").Select(path => Path.Combine(path, "libvirt/connection-driver")).First(Directory.Exists);

    /// <summary>Lines of libvirtd.conf before our own; of two with the same key the first counts.</summary>
    public string MoreConfiguration { get; init; } = "";

    /// <summary>More lines of qemu.conf.</summary>
    public string MoreQemuConfiguration { get; init; } = "";

    /// <summary>
    /// Drivers that it is started without, by libvirt's names. "nodedev" waits two minutes for a udev that no test host has, and with it
    /// whoever asks what devices there are.
    /// </summary>
    public IReadOnlyList<string> WithoutDrivers { get; init; } = [];

    protected override IEnumerable<string> CommandLine()
    {
        var configuration = Path.Combine(Host.Directory, "libvirtd.conf");
        File.WriteAllText(configuration, $"""
            {MoreConfiguration}
            listen_tls = 0
            listen_tcp = 1
            tcp_port = "{Port}"
            auth_tcp = "none"
            auth_unix_rw = "none"
            auth_unix_ro = "none"
            unix_sock_dir = "{Host.Directory}"
            host_uuid = "{Host.Uuid}"
            """);
        var qemu = Path.Combine(Host.Directory, "qemu.conf");
        File.WriteAllText(qemu, $"""
            {MoreQemuConfiguration}
            user = "root"
            group = "root"
            dynamic_ownership = 0
            security_driver = "none"
            cgroup_controllers = []
            stdio_handler = "file"
            namespaces = []
            """);
        var drivers = Path.Combine(Host.Directory, "drivers");
        if (Directory.Exists(drivers))
            Directory.Delete(drivers, recursive: true);
        Directory.CreateDirectory(drivers);
        foreach (var driver in Directory.EnumerateFiles(DriverDirectory).Where(file => !WithoutDrivers.Any(name => file.EndsWith($"_{name}.so", StringComparison.Ordinal))))
            File.CreateSymbolicLink(Path.Combine(drivers, Path.GetFileName(driver)), driver);
        return ["env", $"LIBVIRT_DRIVER_DIR={drivers}", "sh", "-c", $"cp '{qemu}' /etc/libvirt/qemu.conf && exec libvirtd --listen --config '{configuration}' --pid-file '{Host.Directory}/libvirtd.pid'"];
    }

    // Nothing tells when it serves: its socket exists before that, so a connection has to be tried.
    protected override async Task WaitUntilReadyAsync(Socket notified)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!(File.Exists(SocketPath) && (await Virsh.RunAsync("hostname")).Succeeded))
        {
            ThrowIfExited();
            await pace.WaitForNextTickAsync();
        }
    }
}
