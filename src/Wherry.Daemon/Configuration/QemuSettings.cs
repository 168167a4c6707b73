using System.Net;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Daemon.Configuration;

/// <summary>qemu.conf, as far as we have the settings; names are its keys. Defaults are libvirt's unless the reason is given.</summary>
internal sealed record QemuSettings
{
    /// <summary><c>migration_address</c>: where an incoming QEMU listens when the client names nothing; null: all addresses.</summary>
    public string? MigrationAddress { get; init; }

    /// <summary><c>migration_host</c>: how the source reaches this host; null: its host name.</summary>
    public string? MigrationHost { get; init; }

    public int MigrationPortMin { get; init; } = 49152;
    public int MigrationPortMax { get; init; } = 49215;

    /// <summary><c>migrate_tls_x509_cert_dir</c>; without it <c>default_tls_x509_cert_dir</c>, and without that libvirt's usual places.</summary>
    public string MigrateTlsDirectory { get; init; } =
        Directory.Exists("/etc/pki/libvirt-migrate") ? "/etc/pki/libvirt-migrate" : DefaultTlsDirectory;

    /// <summary><c>migrate_tls_x509_verify</c>, or <c>default_tls_x509_verify</c>: a destination asks its source for a certificate.</summary>
    public bool MigrateTlsVerify { get; init; } = true;

    /// <summary><c>migrate_tls_force</c>: migrations without TLS are refused.</summary>
    public bool MigrateTlsForce { get; init; }

    public string VncListen { get; init; } = "127.0.0.1";
    public int RemoteDisplayPortMin { get; init; } = 5900;
    public int RemoteDisplayPortMax { get; init; } = 65535;
    public int RemoteWebsocketPortMin { get; init; } = 5700;
    public int RemoteWebsocketPortMax { get; init; } = 65535;

    /// <summary><c>max_queued</c>: callers that may wait for one domain; 0: no limit.</summary>
    public int MaxQueued { get; init; }

    /// <summary><c>keepalive_interval</c> towards a migration peer, in seconds; -1: never ask.</summary>
    public int KeepAliveInterval { get; init; } = 5;

    public int KeepAliveCount { get; init; } = 5;

    /// <summary><c>dump_guest_core</c>.</summary>
    public bool DumpGuestCore { get; init; }

    /// <summary><c>seccomp_sandbox</c>: 1 and -1 (the default) ask QEMU for it, 0 does not.</summary>
    public bool SeccompSandbox { get; init; } = true;

    /// <summary><c>cgroup_controllers</c>: those that guests' control groups may use; without the key all that the host has.</summary>
    public CgroupControllers CgroupControllers { get; init; } = CgroupControllers.All;

    /// <summary><c>auto_dump_path</c>: where the memory of crashed guests goes; null: below the state directory.</summary>
    public string? AutoDumpPath { get; init; }

    /// <summary><c>wherry_termination_wait</c> in seconds: after SIGTERM, before SIGKILL (S4.2). Ours, libvirt has no key.</summary>
    public TimeSpan TerminationWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>wherry_kill_wait</c> in seconds: after SIGKILL. Ours.</summary>
    public TimeSpan KillWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>wherry_job_timeout</c> in seconds: how long a call waits for its turn at a domain, and then for QEMU's answer. Ours.</summary>
    public TimeSpan JobTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>wherry_control_grace</c> in seconds: how long a migration goes on without its control connection (S2). Ours.</summary>
    public TimeSpan ControlGrace { get; init; } = MigrationLimits.Default.ControlLinkGrace;

    private const string DefaultTlsDirectory = "/etc/pki/qemu";

    public static QemuSettings Read(ConfFile conf)
    {
        const int port = 65535, day = 24 * 60 * 60;
        var defaults = new QemuSettings();
        var settings = new QemuSettings
        {
            MigrationAddress = Host("migration_address"),
            MigrationHost = Host("migration_host"),
            MigrationPortMin = conf.Int("migration_port_min", 1, port) ?? defaults.MigrationPortMin,
            MigrationPortMax = conf.Int("migration_port_max", 1, port) ?? defaults.MigrationPortMax,
            MigrateTlsDirectory = conf.Text("migrate_tls_x509_cert_dir") ?? conf.Text("default_tls_x509_cert_dir") ?? defaults.MigrateTlsDirectory,
            MigrateTlsVerify = conf.Switch("migrate_tls_x509_verify") ?? conf.Switch("default_tls_x509_verify") ?? defaults.MigrateTlsVerify,
            MigrateTlsForce = conf.Switch("migrate_tls_force") ?? defaults.MigrateTlsForce,
            VncListen = conf.Text("vnc_listen") ?? defaults.VncListen,
            RemoteDisplayPortMin = conf.Int("remote_display_port_min", 5900, port) ?? defaults.RemoteDisplayPortMin,
            RemoteDisplayPortMax = conf.Int("remote_display_port_max", 5900, port) ?? defaults.RemoteDisplayPortMax,
            RemoteWebsocketPortMin = conf.Int("remote_websocket_port_min", 5700, port) ?? defaults.RemoteWebsocketPortMin,
            RemoteWebsocketPortMax = conf.Int("remote_websocket_port_max", 5700, port) ?? defaults.RemoteWebsocketPortMax,
            MaxQueued = conf.Int("max_queued", 0, int.MaxValue) ?? defaults.MaxQueued,
            KeepAliveInterval = conf.Int("keepalive_interval", -1, int.MaxValue) ?? defaults.KeepAliveInterval,
            KeepAliveCount = conf.Int("keepalive_count", 0, int.MaxValue) ?? defaults.KeepAliveCount,
            DumpGuestCore = conf.Switch("dump_guest_core") ?? defaults.DumpGuestCore,
            SeccompSandbox = conf.Int("seccomp_sandbox", -1, 1) != 0,
            CgroupControllers = Controllers(conf) ?? defaults.CgroupControllers,
            AutoDumpPath = conf.Text("auto_dump_path"),
            TerminationWait = Seconds("wherry_termination_wait") ?? defaults.TerminationWait,
            KillWait = Seconds("wherry_kill_wait") ?? defaults.KillWait,
            JobTimeout = Seconds("wherry_job_timeout") ?? defaults.JobTimeout,
            ControlGrace = Seconds("wherry_control_grace") ?? defaults.ControlGrace,
        };
        CheckRange(conf, "migration_port", settings.MigrationPortMin, settings.MigrationPortMax);
        CheckRange(conf, "remote_display_port", settings.RemoteDisplayPortMin, settings.RemoteDisplayPortMax);
        CheckRange(conf, "remote_websocket_port", settings.RemoteWebsocketPortMin, settings.RemoteWebsocketPortMax);
        foreach (var key in (string[])["migrate_tls_x509_secret_uuid", "default_tls_x509_secret_uuid"])
        {
            if (conf.Text(key) is not null)
                throw conf.Error(key, "names a secret, and this daemon keeps none: the TLS key must not be encrypted");
        }

        if (settings.MigrationAddress is { } address && !IPAddress.TryParse(address, out _))
            throw conf.Error("migration_address", $"'{address}' is not a numeric address");
        if (settings.MigrationHost is { } host && MigrationUri.IsLocalHost(host))
            throw conf.Error("migration_host", $"must not be the address of the local machine: {settings.MigrationHost}");
        return settings;

        string? Host(string key) => conf.Text(key) is { } host ? MigrationUri.Unbracketed(host) : null;

        TimeSpan? Seconds(string key) => conf.Int(key, 1, day) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    private static CgroupControllers? Controllers(ConfFile conf)
    {
        const string key = "cgroup_controllers";
        return conf.List(key)?.Aggregate(CgroupControllers.None, (found, name) =>
            found | (CgroupControllerNames.FromConfiguration(name) ?? throw conf.Error(key, $"Unknown cgroup controller '{name}'")));
    }

    private static void CheckRange(ConfFile conf, string prefix, int min, int max)
    {
        if (min > max)
            throw conf.Error(prefix + "_min", $"{prefix}_min {min} must not be greater than {prefix}_max {max}");
    }
}
