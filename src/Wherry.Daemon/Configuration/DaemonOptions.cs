using System.Collections.Immutable;
using System.Net;
using Wherry.Rpc;
using Wherry.Rpc.Transports.Tls;

namespace Wherry.Daemon.Configuration;

/// <summary>Everything that decides how one daemon runs: command line over files over defaults. Validated when made, printed at start.</summary>
internal sealed record DaemonOptions
{
    /// <summary>libvirt's.</summary>
    public const int DefaultAdminMaxQueuedClients = 20;

    /// <summary>System mode serves <c>qemu:///system</c>, session mode <c>qemu:///session</c>.</summary>
    public required bool IsPrivileged { get; init; }

    /// <summary>The daemon's effective user, which its QEMUs run as too.</summary>
    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    public required DaemonPaths Paths { get; init; }

    /// <summary>In session mode, where the user's programs have their configuration; null in system mode.</summary>
    public string? UserConfiguration { get; init; }

    /// <summary>The name this host goes by towards migration peers.</summary>
    public required string Hostname { get; init; }

    /// <summary>Two daemons with equal uuids take each other for the same host and refuse to migrate.</summary>
    public required Guid HostUuid { get; init; }

    /// <summary>TCP endpoints, without authentication or encryption: none unless asked for.</summary>
    public ImmutableArray<IPEndPoint> Listen { get; init; } = [];

    /// <summary>TCP endpoints with TLS: none unless asked for.</summary>
    public ImmutableArray<IPEndPoint> ListenTls { get; init; } = [];

    public TlsSettings Tls { get; init; } = new();

    /// <summary>What <see cref="TlsListener"/>s show and trust.</summary>
    public required TlsFiles ServerTlsFiles { get; init; }

    /// <summary>What this daemon shows and trusts when it connects to another one.</summary>
    public required TlsFiles ClientTlsFiles { get; init; }

    /// <summary>Where <c>libvirt-sock</c>, <c>libvirt-sock-ro</c> and <c>libvirt-admin-sock</c> are made.</summary>
    public required string UnixSocketDirectory { get; init; }

    /// <summary><c>unix_sock_rw_perms</c>. Libvirt has 0777 when polkit decides, and 0700 without; we have no polkit.</summary>
    public UnixFileMode UnixReadWriteMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary><c>unix_sock_ro_perms</c>: anybody may look.</summary>
    public UnixFileMode UnixReadOnlyMode { get; init; } = (UnixFileMode)0b111_111_111;

    /// <summary><c>unix_sock_admin_perms</c>: whatever the mode, only root and the daemon's own user are served there.</summary>
    public UnixFileMode UnixAdminMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public RpcServerOptions AdminRpc { get; init; } = new();

    /// <summary><c>admin_max_queued_clients</c>: the backlog of the admin socket.</summary>
    public int AdminMaxQueuedClients { get; init; } = DefaultAdminMaxQueuedClients;

    /// <summary><c>unix_sock_group</c> as a number; null leaves the daemon's own.</summary>
    public uint? UnixGroup { get; init; }

    public RpcServerOptions Rpc { get; init; } = new();

    /// <summary><c>max_queued_clients</c>: the backlog of each listener.</summary>
    public int MaxQueuedClients { get; init; } = RpcServerOptions.DefaultMaxQueuedClients;

    public QemuSettings Qemu { get; init; } = new();

    public LogSettings Log { get; init; } = new();

    public string? PidFile { get; init; }

    /// <summary>Settings in the files that this daemon does not know: warned about, without effect.</summary>
    public ImmutableArray<string> UnknownSettings { get; init; } = [];
}
