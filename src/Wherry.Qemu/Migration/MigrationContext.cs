using Microsoft.Extensions.Logging;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>What every migration of this daemon shares; passed as one plain object.</summary>
internal sealed record MigrationContext
{
    public required MigrationHost Host { get; init; }
    public required HandoverJournal Journal { get; init; }
    public required IMigrationPeerDialer Dialer { get; init; }
    public required QemuDriver Driver { get; init; }

    /// <summary>Ports for memory streams and NBD servers (qemu.conf migration_port_min and _max).</summary>
    public required Process.ToolRunner Tools { get; init; }
    public required PortAllocator Ports { get; init; }
    public required MigrationLimits Limits { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILogger Logger { get; init; }
}
