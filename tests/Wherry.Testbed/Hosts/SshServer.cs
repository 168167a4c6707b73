namespace Wherry.Testbed.Hosts;

/// <summary>
/// A real sshd on an isolated host, the ssh program that reaches it, with keys and a list of known hosts of their own, and the daemon's socket at libvirt's
/// place, where what runs at the far end of ssh looks for it.
/// </summary>
public sealed class SshServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    /// <summary>Unpacked by ./run and not installed: the package would start a server on this machine.</summary>
    private static readonly string Unpacked = Path.Combine(
        Environment.GetEnvironmentVariable("WHERRY_CACHE") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache/wherry"), "sshd");

    private static readonly string? Executable = new[] { "/usr/sbin/sshd", Path.Combine(Unpacked, "usr/sbin/sshd") }.FirstOrDefault(File.Exists);

    private readonly LongCommand _server;

    private SshServer(TestHost host, LongCommand server, string ssh)
    {
        _server = server;
        Uri = $"qemu+ssh://root@{host.Name}/system?command={ssh}";
        KnownHosts = $"{ssh}.known";
    }

    /// <summary>Why there can be none here, or null.</summary>
    public static string? Missing { get; } =
        TestHost.IsolationMissing ?? (Executable is null ? "sshd is neither installed nor could it be fetched" : Executables.Find("ssh") is null ? "ssh is not installed" : null);

    /// <summary>By which clients and daemons on any host of the test reach this host's daemon.</summary>
    public string Uri { get; }

    /// <summary>The file with the key by which this host is known.</summary>
    public string KnownHosts { get; }

    public static async Task<SshServer> StartAsync(DaemonRunner daemon)
    {
        var host = daemon.Host;
        var (hostKey, clientKey, ssh) = (Path.Combine(host.Directory, "sshd-key"), Path.Combine(host.Directory, "ssh-key"), Path.Combine(host.Directory, "ssh"));
        foreach (var key in (string[])[hostKey, clientKey])
            await Command.RunAsync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).Checked();
        var configuration = Path.Combine(host.Directory, "sshd.conf");
        await File.WriteAllTextAsync(configuration, $"""
            ListenAddress {host.ControlAddress}
            HostKey {hostKey}
            AuthorizedKeysFile {clientKey}.pub
            PermitRootLogin prohibit-password
            StrictModes no
            UsePAM no
            PidFile none
            """);
        await File.WriteAllTextAsync($"{ssh}.known", $"{host.Name} {await File.ReadAllTextAsync($"{hostKey}.pub")}");
        await File.WriteAllTextAsync(ssh, $"""
            #!/bin/sh
            exec ssh -F none -i '{clientKey}' -o IdentitiesOnly=yes -o UserKnownHostsFile='{ssh}.known' -o GlobalKnownHostsFile=none "$@"
            """);
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        await host.RunAsync("sh", "-c", $"mkdir -p /run/sshd && ln -sf '{daemon.SocketPath}' /run/libvirt/libvirt-sock").Checked();
        var libraries = string.Join(':', Directory.Exists(Unpacked) ? Directory.EnumerateDirectories(Path.Combine(Unpacked, "usr/lib"), "*-linux-gnu") : []);
        var server = LongCommand.Start(host, "env", $"LD_LIBRARY_PATH={libraries}", "sh", "-c", $"exec '{Executable}' -D -e -f '{configuration}' 2>&1");
        if (!await server.WaitAsync(lines => lines.Any(line => line.Contains("Server listening on", StringComparison.Ordinal)), StartLimit))
            throw new InvalidOperationException($"sshd on {host.Name} does not listen: {string.Join("; ", server.Lines)}");
        return new SshServer(host, server, ssh);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
