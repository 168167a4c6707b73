namespace Wherry.Qemu.Migration;

/// <summary>Who this daemon is in the eyes of another one.</summary>
public sealed record MigrationHost
{
    /// <summary>The host's name, as it goes into cookies and, unless <see cref="MigrationAddress"/> is set, into data URIs.</summary>
    public required string HostName { get; init; }

    /// <summary>Distinguishes daemons: two daemons with the same one are the same host and do not migrate to each other.</summary>
    public required Guid HostUuid { get; init; }

    /// <summary>The kernel's boot id: a change means that every QEMU of before is gone.</summary>
    public required string BootId { get; init; }

    /// <summary>Where peers reach this daemon, such as <c>qemu+tcp://alpha/system</c>; empty when it listens on no network.</summary>
    public required string PeerUri { get; init; }

    /// <summary>Address or name that the destination puts into the data URI (qemu.conf <c>migration_host</c>); null for the host name.</summary>
    public string? MigrationAddress { get; init; }

    /// <summary>Null where no certificates are configured.</summary>
    public MigrationTls? Tls { get; init; }

    /// <summary>Where destination QEMUs listen (qemu.conf <c>migration_address</c>).</summary>
    public string ListenAddress { get; init; } = "::";
}
