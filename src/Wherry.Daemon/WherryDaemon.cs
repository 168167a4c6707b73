using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using Wherry.Daemon.Configuration;
using Wherry.Daemon.Events;
using Wherry.Daemon.Handlers;
using Wherry.Daemon.Hosting;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Firmware;
using Wherry.Qemu.Host;
using Wherry.Daemon.Migration;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;
using Wherry.Qemu.Storage;
using Wherry.Qmp;
using Wherry.Qmp.Capabilities;
using Wherry.Rpc;
using Wherry.Rpc.Client;
using Wherry.Rpc.Transports.Tls;

namespace Wherry.Daemon;

/// <summary>
/// One daemon, put together and run.
/// <code>
///   locks --> listeners --+--> driver: definitions, re-attach --+--> READY=1 --> autostart
///                         +--> clients connect, their calls wait --+
///   SIGTERM --> STOPPING=1 --> no new clients, calls end, sockets removed --> monitors closed --> exit; every QEMU goes on
/// </code>
/// </summary>
internal sealed class WherryDaemon
{
    /// <summary>How long calls in progress may take after SIGTERM. systemd allows 90 s in all.</summary>
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(15);

    private readonly DaemonOptions _options;
    private readonly ILoggerFactory _logs;
    private readonly DaemonLoggerFactory _log;
    private readonly ILogger _logger;
    private readonly SystemdNotifier _notifier;
    private readonly TimeProvider _time;

    /// <param name="log">Where <paramref name="logs"/> writes: virt-admin changes it.</param>
    public WherryDaemon(DaemonOptions options, ILoggerFactory logs, DaemonLoggerFactory log, SystemdNotifier notifier, TimeProvider time)
    {
        _log = log;
        _options = options;
        _logs = logs;
        _logger = logs.CreateLogger("Wherry.Daemon");
        _notifier = notifier;
        _time = time;
    }

    /// <summary>Serves until <paramref name="ct"/> is cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var runtimeLock = DirectoryLock.Take(_options.Paths.Runtime);
        using var stateLock = _options.Paths.State == _options.Paths.Runtime ? null : DirectoryLock.Take(_options.Paths.State);
        foreach (var place in _options.UnknownSettings)
            DaemonLog.UnknownSetting(_logger, place);

        await using var listeners = await DaemonListeners.BindAsync(_options, _logs, _time);
        using var processes = new ProcessSupervisor(_logs.CreateLogger("Wherry.Qemu.Process"));
        var context = Compose(processes);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(ct);
        // On another thread: what a first client costs is as much again as reading few definitions.
        var serving = Task.Run(() => ServeAsync(context, listeners, ready.Task, stopping.Token), CancellationToken.None);
        var autostarting = Task.CompletedTask;
        try
        {
            await context.Driver.LoadAsync(ct);
            await context.Migrations.RecoverAsync(ct);
            await context.Storage.LoadAsync(ct);
            // Neither READY=1 nor autostart for a daemon that is on its way out.
            ct.ThrowIfCancellationRequested();
            if (serving.IsCompleted)
                await serving;
            ready.SetResult();

            var uri = _options.IsPrivileged ? "qemu:///system" : "qemu:///session";
            DaemonLog.Serving(_logger, uri, context.Driver.Domains.Count, Active(context));
            _notifier.Ready($"serving {uri}");
            if (_options.PidFile is { } pidFile)
                await File.WriteAllTextAsync(pidFile, $"{Environment.ProcessId}\n", ct);
            autostarting = context.Driver.AutostartAsync(stopping.Token);
            if (await Task.WhenAny(autostarting, serving) == autostarting)
                await autostarting;
            await serving;
        }
        finally
        {
            ready.TrySetCanceled(CancellationToken.None);
            await stopping.CancelAsync();
            await autostarting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // what it threw, if anything, is on its way already
            await context.Migrations.DisposeAsync();
            if (_options.PidFile is { } written)
                File.Delete(written);
            DaemonLog.Stopped(_logger);
        }
    }

    /// <summary>The clients' server and the administrators'. When one fails the other stops too.</summary>
    /// <param name="ready">Calls wait for it.</param>
    private async Task ServeAsync(DaemonContext context, DaemonListeners listeners, Task ready, CancellationToken ct)
    {
        var server = new RpcServer(
            _options.Rpc,
            [new RemoteProgram(context), new QemuMonitorProgram(context), new PeerProgram(context.Migrations, _options.HostUuid)],
            listeners.Clients,
            _time,
            _logs.CreateLogger("Wherry.Rpc")) { Ready = ready };
        var admin = new AdminProgram(_log, [.. listeners.Clients.OfType<TlsListener>()]);
        var adminServer = new RpcServer(
            _options.AdminRpc, [admin, new HandoverProgram(context.Migrations)], listeners.Administrators, _time, _logs.CreateLogger("Wherry.Rpc")) { Ready = ready };
        admin.Servers = [(AdminProgram.OwnServer, adminServer), (AdminProgram.MainServer, server)];
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task[] serving = [server.RunAsync(StopDeadline, either.Token), adminServer.RunAsync(StopDeadline, either.Token)];
        try
        {
            await await Task.WhenAny(serving);
        }
        finally
        {
            await either.CancelAsync();
            await Task.WhenAll(serving);
        }
    }

    private static int Active(DaemonContext context) => context.Driver.Domains.All.Count(domain => domain.Snapshot.IsActive);

    private DaemonContext Compose(ProcessSupervisor processes)
    {
        var paths = _options.Paths;
        var qemu = _options.Qemu;
        var processLog = _logs.CreateLogger("Wherry.Qemu.Process");
        var domainLog = _logs.CreateLogger("Wherry.Qemu.Domains");
        var qmpLog = _logs.CreateLogger("Wherry.Qmp");
        var termination = new ProcessTermination(
            new TerminationOptions { TermWait = qemu.TerminationWait, KillWait = qemu.KillWait }, _time, processLog);
        var cache = new CapabilitiesCache(Path.Combine(paths.Cache, "qemu"), qmpLog);
        var hostFiles = new HostFiles();
        var emulators = new EmulatorCatalog(new EmulatorProbe(processes, cache, termination, hostFiles, qmpLog), hostFiles);
        var files = new DomainFiles(paths.Config, paths.State, paths.Runtime, paths.Log, qemu.AutoDumpPath);
        var monitor = new MonitorOptions { Owner = "", CommandDeadline = qemu.JobTimeout };
        var events = new DomainEvents();
        var launch = new LaunchSettings
        {
            Monitor = monitor,
            Privileged = _options.IsPrivileged,
            Owner = _options.IsPrivileged ? (_options.Uid, _options.Gid) : null,
            VncListen = qemu.VncListen,
            VncPorts = PortAllocator.ForVnc(qemu.RemoteDisplayPortMin, qemu.RemoteDisplayPortMax),
            WebSocketPorts = new PortAllocator("websocket", qemu.RemoteWebsocketPortMin, qemu.RemoteWebsocketPortMax),
            DumpGuestCore = qemu.DumpGuestCore,
            Sandbox = qemu.SeccompSandbox,
        };
        var cgroups = new GuestCgroups(new KernelCgroupFiles(), _options.IsPrivileged, qemu.CgroupControllers, CgroupMark(), _time, domainLog);
        var firmwares = new FirmwareCatalog(FirmwareCatalog.UsualDirectories(_options.IsPrivileged ? null : _options.UserConfiguration), domainLog);
        var launcher = new DomainLauncher(processes, termination, emulators, files, cgroups, firmwares, launch, _time, qmpLog);
        var driver = new QemuDriver(new QemuDriverParts
        {
            Launcher = launcher,
            Processes = processes,
            Termination = termination,
            Files = files,
            Cgroups = cgroups,
            Emulators = emulators,
            Sink = events,
            JobLimits = new JobLimits(qemu.JobTimeout, qemu.MaxQueued),
            Monitor = monitor,
            Time = _time,
            Logger = domainLog,
        });
        var tools = new ToolRunner(processes, _time);
        var migrations = new Migrations(new MigrationParts
        {
            Host = new MigrationHost
            {
                HostName = _options.Hostname,
                HostUuid = _options.HostUuid,
                BootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
                PeerUri = PeerUri(),
                MigrationAddress = qemu.MigrationHost,
                Tls = new MigrationTls(qemu.MigrateTlsDirectory, qemu.MigrateTlsVerify, qemu.MigrateTlsForce),
                ListenAddress = qemu.MigrationAddress ?? "::",
            },
            JournalDirectory = Path.Combine(paths.State, "handover"),
            Dialer = new RpcMigrationPeerDialer(
                new ClientConnectionOptions
                {
                    IsUnattended = true,
                    KeepAliveInterval = TimeSpan.FromSeconds(qemu.KeepAliveInterval),
                    KeepAliveCount = qemu.KeepAliveCount,
                    TlsFiles = _options.ClientTlsFiles,
                },
                _time,
                _logs.CreateLogger("Wherry.Rpc")),
            Driver = driver,
            Tools = tools,
            Limits = MigrationLimits.Default with { ControlLinkGrace = qemu.ControlGrace },
            Ports = PortAllocator.ForMigration(qemu.MigrationPortMin, qemu.MigrationPortMax),
            Time = _time,
            Logger = _logs.CreateLogger("Wherry.Qemu.Migration"),
        });
        driver.HandOvers = migrations;
        return new DaemonContext
        {
            Migrations = migrations,
            Options = _options,
            Driver = driver,
            Storage = new StorageDriver(new StorageFiles(paths.Config, paths.Runtime), tools, events.Publish, _logs.CreateLogger("Wherry.Qemu.Storage")),
            Emulators = emulators,
            Capabilities = new CapabilitiesDocument(hostFiles, emulators, _options.HostUuid, _options.Uid, _options.Gid),
            Sysinfo = new HostSysinfo(tools),
            Events = events,
            HostFiles = hostFiles,
            Launcher = launcher,
            Firmwares = firmwares,
        };
    }

    /// <summary>In the names of control groups, which all daemons of a host share: nothing for the usual one, something of its own for any other.</summary>
    /// <remarks>FNV-1a: four bytes that differ are all that is wanted, and a cryptographic hash would load OpenSSL for them.</remarks>
    private string CgroupMark()
    {
        if (_options.Paths.State == DaemonPaths.ForSystem.State)
            return "";
        var hash = 2166136261u;
        foreach (var octet in Encoding.UTF8.GetBytes(_options.Paths.State))
            hash = (hash ^ octet) * 16777619;
        return hash.ToString("x8", CultureInfo.InvariantCulture);
    }

    /// <summary>Where another daemon can ask us about a hand-over. Without a network only one on this machine can; it names the host that it
    /// means, so that an address which leads elsewhere does no harm.</summary>
    private string PeerUri()
    {
        var driver = _options.IsPrivileged ? "system" : "session";
        if (_options.Listen.IsEmpty && _options.ListenTls.IsEmpty)
            return $"qemu+unix:///{driver}?socket={Uri.EscapeDataString(Path.Combine(_options.UnixSocketDirectory, "libvirt-sock")).Replace("%2F", "/", StringComparison.Ordinal)}";
        var (transport, at) = _options.Listen.IsEmpty ? ("tls", _options.ListenTls[0]) : ("tcp", _options.Listen[0]);
        // A certificate is for a name, rarely for an address.
        var byName = transport == "tls" || at.Address.Equals(IPAddress.Any) || at.Address.Equals(IPAddress.IPv6Any);
        return $"qemu+{transport}://{(byName ? $"{_options.Hostname}:{at.Port}" : at.ToString())}/{driver}";
    }
}
