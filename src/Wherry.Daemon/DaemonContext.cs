using Wherry.Daemon.Configuration;
using Wherry.Daemon.Events;
using Wherry.Daemon.Handlers;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Firmware;
using Wherry.Qemu.Host;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Storage;

namespace Wherry.Daemon;

/// <summary>What handlers share; composed once, in <see cref="WherryDaemon"/>.</summary>
internal sealed class DaemonContext
{
    public required DaemonOptions Options { get; init; }
    public required QemuDriver Driver { get; init; }
    public required StorageDriver Storage { get; init; }
    public required DomainLauncher Launcher { get; init; }
    public required Migrations Migrations { get; init; }
    public required EmulatorCatalog Emulators { get; init; }
    public required CapabilitiesDocument Capabilities { get; init; }
    public required HostSysinfo Sysinfo { get; init; }
    public required DomainEvents Events { get; init; }
    public required HostFiles HostFiles { get; init; }
    public required FirmwareCatalog Firmwares { get; init; }
}
