using System.Globalization;
using System.Net;
using Wherry.Rpc;

namespace Wherry.Daemon.Configuration;

/// <summary>libvirtd.conf, as far as we have the settings; names are its keys. Null: not given.</summary>
internal sealed record LibvirtdSettings
{
    /// <summary>Keys of things that a client cannot notice (threads), or that are off and stay off (SASL, polkit).</summary>
    private static readonly string[] WithoutEffect =
    [
        "auth_tls", "auth_unix_ro", "auth_unix_rw", "auth_tcp", "access_drivers", "sasl_allowed_username_list",
        "min_workers", "max_workers", "prio_workers", "admin_min_workers", "admin_max_workers", "audit_level",
        "audit_logging", "host_uuid_source", "ovs_timeout", "mdns_adv", "mdns_name",
    ];

    public IPEndPoint? Listen { get; init; }
    public IPEndPoint? ListenTls { get; init; }
    public TlsSettings Tls { get; init; } = new();
    public string? UnixSocketDirectory { get; init; }
    public string? UnixGroup { get; init; }
    public UnixFileMode? UnixReadOnlyMode { get; init; }
    public UnixFileMode? UnixReadWriteMode { get; init; }
    public int? MaxQueuedClients { get; init; }
    public int? AdminMaxQueuedClients { get; init; }
    public Guid? HostUuid { get; init; }
    public RpcServerOptions Rpc { get; init; } = new();
    /// <summary>Limits of the admin socket.</summary>
    public RpcServerOptions AdminRpc { get; init; } = new();

    public UnixFileMode? UnixAdminMode { get; init; }

    public LogSettings Log { get; init; } = new();

    public static LibvirtdSettings Read(ConfFile conf)
    {
        foreach (var key in WithoutEffect)
            conf.Touch(key);
        foreach (var key in (string[])["auth_unix_ro", "auth_unix_rw", "auth_tcp", "auth_tls"])
        {
            // Serving everybody what was meant for the authenticated would be the worst reading of the file.
            if (conf.Text(key) is not (null or "none") and var scheme)
                throw conf.Error(key, $"'{scheme}' is not supported, only \"none\": access is decided by the sockets' permissions");
        }

        var rpc = new RpcServerOptions();
        return new LibvirtdSettings
        {
            Listen = ReadListen(conf, "listen_tcp", "tcp_port", "16509"),
            ListenTls = ReadListen(conf, "listen_tls", "tls_port", "16514"),
            Tls = TlsSettings.Read(conf),
            UnixSocketDirectory = conf.Text("unix_sock_dir"),
            UnixGroup = conf.Text("unix_sock_group"),
            UnixReadOnlyMode = ReadMode(conf, "unix_sock_ro_perms"),
            UnixReadWriteMode = ReadMode(conf, "unix_sock_rw_perms"),
            UnixAdminMode = ReadMode(conf, "unix_sock_admin_perms"),
            MaxQueuedClients = conf.Int("max_queued_clients", 1, int.MaxValue),
            AdminMaxQueuedClients = conf.Int("admin_max_queued_clients", 1, int.MaxValue),
            HostUuid = ReadUuid(conf),
            Rpc = ReadRpc(conf, "", rpc) with { MaxAnonymousClients = conf.Int("max_anonymous_clients", 0, int.MaxValue) ?? rpc.MaxAnonymousClients },
            AdminRpc = ReadRpc(conf, "admin_", rpc with { MaxAnonymousClients = 0 }),
            Log = LogSettings.Read(conf),
        };
    }

    private static RpcServerOptions ReadRpc(ConfFile conf, string prefix, RpcServerOptions defaults) => defaults with
    {
        MaxClients = conf.Int($"{prefix}max_clients", 1, int.MaxValue) ?? defaults.MaxClients,
        MaxClientRequests = conf.Int($"{prefix}max_client_requests", 1, int.MaxValue) ?? defaults.MaxClientRequests,
        KeepAliveInterval = conf.Int($"{prefix}keepalive_interval", -1, int.MaxValue) is { } seconds
            ? TimeSpan.FromSeconds(seconds)
            : defaults.KeepAliveInterval,
        KeepAliveCount = conf.Int($"{prefix}keepalive_count", 0, int.MaxValue) ?? defaults.KeepAliveCount,
    };

    /// <summary>Only where the switch says so. Libvirt's own default of listen_tls is on, but nothing of it happens without --listen.</summary>
    private static IPEndPoint? ReadListen(ConfFile conf, string switchKey, string portKey, string defaultPort)
    {
        var port = conf.Text(portKey) ?? defaultPort;
        var address = conf.Text("listen_addr");
        if (conf.Switch(switchKey) != true)
            return null;
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw conf.Error(portKey, $"'{port}' is not a port number");
        if (address is null)
            return new IPEndPoint(IPAddress.IPv6Any, number);
        return IPAddress.TryParse(address, out var ip)
            ? new IPEndPoint(ip, number)
            : throw conf.Error("listen_addr", $"'{address}' is not a numeric address");
    }

    private static UnixFileMode? ReadMode(ConfFile conf, string key)
    {
        if (conf.Text(key) is not { } text)
            return null;
        try
        {
            return Convert.ToInt32(text, 8) is >= 0 and <= 511 and var mode
                ? (UnixFileMode)mode
                : throw conf.Error(key, $"'{text}' is not an octal mode of at most 0777");
        }
        catch (FormatException)
        {
            throw conf.Error(key, $"'{text}' is not an octal mode");
        }
    }

    private static Guid? ReadUuid(ConfFile conf) => conf.Text("host_uuid") switch
    {
        null => null,
        var text when Guid.TryParse(text, out var uuid) => uuid,
        var text => throw conf.Error("host_uuid", $"'{text}' is not a UUID"),
    };
}
