namespace Wherry.Daemon.Configuration;

/// <summary>Where one daemon keeps its files. Two daemons with different paths never meet.</summary>
/// <param name="Config">Definitions (<c>qemu/NAME.xml</c>), autostart links, configuration files. Survives a reboot.</param>
/// <param name="State">What must survive a reboot besides definitions: host uuid, hand-over records, domain directories.</param>
/// <param name="Runtime">What a reboot may take: live status, monitor sockets, our own sockets, lock and pid file.</param>
/// <param name="Cache">What can be made again: probed QEMU capabilities.</param>
/// <param name="Log">One log per domain under <c>qemu/</c>.</param>
internal sealed record DaemonPaths(string Config, string State, string Runtime, string Cache, string Log)
{
    /// <summary>System mode: root, <c>qemu:///system</c>.</summary>
    public static DaemonPaths ForSystem { get; } =
        new("/etc/wherry", "/var/lib/wherry", "/run/wherry", "/var/cache/wherry", "/var/log/wherry");

    /// <summary>Session mode: a plain user, <c>qemu:///session</c>. XDG base directories, like libvirt's.</summary>
    /// <param name="environment">Reads one variable.</param>
    public static DaemonPaths ForSession(Func<string, string?> environment, uint uid)
    {
        string Base(string variable, string fallback) => InHome(environment, variable, fallback);

        var cache = Path.Combine(Base("XDG_CACHE_HOME", ".cache"), "wherry");
        var runtime = environment("XDG_RUNTIME_DIR") is { Length: > 0 } run ? Path.Combine(run, "wherry") : $"/run/user/{uid}/wherry";
        return new DaemonPaths(
            Path.Combine(UserConfiguration(environment), "wherry"),
            Path.Combine(Base("XDG_STATE_HOME", ".local/state"), "wherry"),
            Directory.Exists(Path.GetDirectoryName(runtime)) ? runtime : Path.Combine(cache, "run"),
            cache,
            Path.Combine(cache, "log"));
    }

    /// <summary>Where the programs of a plain user have their configuration: <c>~/.config</c>.</summary>
    public static string UserConfiguration(Func<string, string?> environment) => InHome(environment, "XDG_CONFIG_HOME", ".config");

    private static string InHome(Func<string, string?> environment, string variable, string fallback) =>
        environment(variable) is { Length: > 0 } path ? path : Path.Combine(environment("HOME") is { Length: > 0 } home ? home : "/", fallback);
}
