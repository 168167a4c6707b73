namespace Wherry.Testbed.Hosts;

/// <summary>Our daemon, with all its directories inside the host's, so that any number of them run side by side, isolated or not.
/// It serves plain TCP on the port; without one, its configuration says where it listens.</summary>
public sealed class Wherryd(TestHost host, int? port = 16509) : DaemonRunner(host)
{
    public override string Name => "wherryd";

    public override string Uri => $"qemu+unix:///system?socket={Path.Combine(InLibvirtsDirectories ? Host.Directory : RuntimeDirectory, "libvirt-sock")}";

    public override string PeerUri => $"qemu+tcp://{Host.ControlAddress}:{port}/system";

    /// <summary>
    /// On an isolated host: keeps its files where a stock libvirtd has them, and its socket where <see cref="StockLibvirtd"/> has it, so that
    /// both show the same paths; and listens on every address, as that one does.
    /// </summary>
    public bool InLibvirtsDirectories { get; init; }

    public string StateDirectory => InLibvirtsDirectories ? "/var/lib/libvirt" : Path.Combine(Host.Directory, "state");

    public string ConfigDirectory => InLibvirtsDirectories ? "/etc/libvirt" : Path.Combine(Host.Directory, "config");

    public string RuntimeDirectory => InLibvirtsDirectories ? "/run/libvirt" : Path.Combine(Host.Directory, "run");

    /// <summary>Lines of its qemu.conf beside the one that does without control groups, which daemons of several hosts on one machine would share.</summary>
    public string MoreQemuConfiguration { get; init; } = "";

    /// <summary>Arguments after those that place it.</summary>
    public IReadOnlyList<string> MoreArguments { get; init; } = [];

    protected override IEnumerable<string> CommandLine()
    {
        var configuration = Path.Combine(Host.Directory, "wherryd-qemu.conf");
        File.WriteAllText(configuration, $"cgroup_controllers = []\n{MoreQemuConfiguration}\n");
        return CommandLine(configuration);
    }

    private IEnumerable<string> CommandLine(string qemuConfiguration) =>
    [
        Repository.Daemon,
        "--qemu-config", qemuConfiguration,
        "--state-dir", StateDirectory,
        "--config-dir", ConfigDirectory,
        "--runtime-dir", RuntimeDirectory,
        .. InLibvirtsDirectories
            ? (string[])["--log-dir", "/var/log/libvirt", "--cache-dir", "/var/cache/libvirt", "--unix-socket-dir", Host.Directory]
            : [],
        .. port is null ? (string[])[] : ["--listen", InLibvirtsDirectories ? $"[::]:{port}" : $"{Host.ControlAddress}:{port}"],
        "--hostname", Host.Name,
        "--host-uuid", $"{Host.Uuid}",
        .. MoreArguments,
    ];
}
