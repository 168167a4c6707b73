namespace Wherry.Testbed.Hosts;

/// <summary>Our daemon, with all its directories inside the host's, so that any number of them run side by side, isolated or not.</summary>
public sealed class Wherryd(TestHost host, int port = 16509) : DaemonRunner(host)
{
    public override string Name => "wherryd";

    public override string Uri => $"qemu+unix:///system?socket={Path.Combine(RuntimeDirectory, "libvirt-sock")}";

    public override string PeerUri => $"qemu+tcp://{Host.ControlAddress}:{port}/system";

    public string StateDirectory => Path.Combine(Host.Directory, "state");

    public string ConfigDirectory => Path.Combine(Host.Directory, "config");

    public string RuntimeDirectory => Path.Combine(Host.Directory, "run");

    protected override IEnumerable<string> CommandLine() =>
    [
        Repository.Daemon,
        "--state-dir", StateDirectory,
        "--config-dir", ConfigDirectory,
        "--runtime-dir", RuntimeDirectory,
        "--listen", $"{Host.ControlAddress}:{port}",
        "--hostname", Host.Name,
        "--host-uuid", $"{Host.Uuid}",
    ];
}
