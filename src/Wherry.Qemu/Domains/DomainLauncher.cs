using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Cpus;
using Wherry.Qemu.Firmware;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

/// <summary>
/// Makes a running QEMU of a definition: CPUs stopped, monitor answering, hardware configured.
/// <code>
///   definition --> choose firmware, check images, choose ports, open taps --> CommandLine.Build (pure) --> control group --> spawn, moved in, let go
///                  QEMU: greeting, capabilities --> startup commands --> ask for CPU, ptys --> live definition
///   any failure: process ended, ports and taps given back, directories removed, QEMU's own words in the error
/// </code>
/// </summary>
/// <remarks>
/// Time: QEMU needs about 45 ms of its own; everything here is a handful of monitor calls, whatever the guest looks like. libvirt asks
/// for each CPU property by itself, about 400 calls (stock-figures: 288 ms per start).
/// </remarks>
public sealed class DomainLauncher : IDomainLauncher
{
    /// <summary>Above standard input, output and error.</summary>
    private const int FirstInheritedDescriptor = 3;

    /// <summary>qemu.conf's remote_websocket_port_min.</summary>
    private const int FirstWebSocketPort = 5700;

    /// <summary>The channel that guest agents use, by QEMU's convention.</summary>
    internal const string GuestAgentChannel = "org.qemu.guest_agent.0";

    /// <summary>Of a device's alias, in the label of its character device.</summary>
    internal const string ChardevPrefix = "char";

    private const int ConnectionRefused = 111; // ECONNREFUSED

    private readonly ProcessSupervisor _processes;
    private readonly ProcessTermination _termination;
    private readonly EmulatorCatalog _emulators;
    private readonly DomainFiles _files;
    private readonly GuestCgroups _cgroups;
    private readonly FirmwareCatalog _firmwares;
    private readonly LaunchSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public DomainLauncher(
        ProcessSupervisor processes,
        ProcessTermination termination,
        EmulatorCatalog emulators,
        DomainFiles files,
        GuestCgroups cgroups,
        FirmwareCatalog firmwares,
        LaunchSettings settings,
        TimeProvider time,
        ILogger logger)
    {
        _processes = processes;
        _termination = termination;
        _emulators = emulators;
        _files = files;
        _cgroups = cgroups;
        _firmwares = firmwares;
        _settings = settings;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc/>
    public async Task<LaunchedQemu> LaunchAsync(LaunchTarget target, LaunchRequest request, Action<IQemuProcess> spawned, CancellationToken ct)
    {
        var resources = new List<IDisposable>();
        try
        {
            _files.CreateRunDirectories(target.Id, target.Name);
            return await LaunchAsync(target, request, resources, spawned, ct);
        }
        catch
        {
            foreach (var resource in resources)
                resource.Dispose();
            throw;
        }
    }

    private async Task<LaunchedQemu> LaunchAsync(
        LaunchTarget target, LaunchRequest request, List<IDisposable> resources, Action<IQemuProcess> spawned, CancellationToken ct)
    {
        var overlay = new LiveOverlay
        {
            Id = target.Id,
            VncListen = _settings.VncListen,
            DacLabel = _settings.Owner is { } user ? $"+{user.Uid}:+{user.Gid}" : null,
            Partition = _cgroups.HasPartitions ? CgroupNames.DefaultPartition : null,
        };
        overlay = overlay with { Firmware = await ChooseFirmwareAsync(target.Definition.Spec, request.ResetNvram, ct) };
        var named = DomainSpec.From(overlay.Apply(target.Definition.Document));
        HostDemands.Check(named, target.Definition.Document, _cgroups.Offered);
        var images = DiskImages.Inspect(
            named, coldBoot: !request.Incoming, _settings.Owner is { } owner ? $" (as uid:{owner.Uid}, gid:{owner.Gid})" : "");
        var emulator = await _emulators.GetAsync(named.Emulator!, ct); // completed definitions name one
        var spec = WithResolvedCpu(images.Apply(named), emulator, request);
        await Task.Run(() => NvramFile.Prepare(spec.Os, request.ResetNvram, request.Incoming), ct);
        await using var interfaces = await HostInterfaces.CreateAsync(spec, new ToolRunner(_processes, _time), ct);
        var (vnc, webSocket) = ReserveVnc(spec, resources);

        var monitorPath = _files.MonitorOf(target.Id, target.Name);
        using var monitorSocket = MonitorSocket.Listen(monitorPath);
        var context = new LaunchContext
        {
            DomainDirectory = _files.DirectoryOf(target.Id, target.Name),
            ChannelDirectory = _files.ChannelDirectoryOf(target.Id, target.Name),
            MonitorFd = (int)monitorSocket.DangerousGetHandle(),
            Features = emulator.FeaturesFor(spec.Os.Machine),
            Incoming = request.Incoming,
            VncPort = vnc,
            VncWebSocketPort = webSocket,
            VncListen = _settings.VncListen,
            Taps = interfaces.Descriptors,
            BackingImages = images.Backing,
            Now = _time.GetUtcNow(),
            DumpGuestCore = _settings.DumpGuestCore,
            Sandbox = _settings.Sandbox,
            Privileged = _settings.Privileged,
        };
        var plan = CommandLine.Build(spec, context);

        var log = _files.LogOf(target.Name);
        WriteLogHeader(log, plan);
        var mark = LogTail.Mark(log);
        var start = new ProcessStart
        {
            Executable = plan.Emulator,
            Arguments = plan.Arguments,
            Environment = plan.Environment.SetItem("PATH", Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin"),
            LogPath = log,
            InheritedFds = [monitorSocket, .. interfaces.Handles],
        };
        var cgroup = _cgroups.Create(target.Id, target.Name, target.Definition.Document.Partition ?? CgroupNames.DefaultPartition);
        QemuProcess? process = null;
        MonitorSession? monitor = null;
        try
        {
            Spawn(start, cgroup, spec, target.Definition.Document, started =>
            {
                process = started;
                spawned(started);
            });
            monitorSocket.Dispose(); // QEMU's copy is the only one now: if it dies, our connection ends at once.
            monitor = await MonitorSession.ConnectAsync(
                monitorPath, _settings.Monitor with { Owner = target.Name, TimeProvider = _time, Logger = _logger }, ct);
            var vcpus = await PlugVcpusAsync(monitor, cgroup, spec, ct);
            await StartupCommands.RunAsync(plan.StartupCommands, target.Name, monitor, ct);
            var characters = await CharacterDevicesAsync(monitor, spec, ct);
            overlay = overlay with
            {
                StartedCpu = request.GuestCpu is null ? spec.Cpu : named.Cpu,
                BuiltCpu = await BuiltCpuAsync(monitor, spec, ct),
                ChannelPaths = plan.ChannelPaths,
                TapNames = interfaces.Names,
                VncPort = vnc,
                VncWebSocket = webSocket,
                PtyPaths = characters.Ptys,
                ChannelStates = characters.Channels,
                CurrentMemory = request.Incoming ? null : await QemuDriver.CurrentMemoryAsync(monitor, spec, ct),
                ModuleBases = spec.MemoryModules.IsEmpty ? overlay.ModuleBases : await ModuleBasesAsync(monitor, ct),
                DiskIndexes = plan.Disks.Zip(spec.Disks)
                    .Where(pair => pair is { First.Index: not null, Second.Alias: not null })
                    .ToImmutableDictionary(pair => pair.Second.Alias!, pair => pair.First.Index!.Value),
                BackingChains = plan.Disks.Zip(spec.Disks)
                    .Where(pair => pair is { First.Images.Length: > 1, Second.Alias: not null })
                    .ToImmutableDictionary(pair => pair.Second.Alias!, pair => pair.First.BackingImages),
            };
            var document = overlay.Apply(target.Definition.Document);
            var live = new DomainDefinition(vcpus is { } states ? document.WithVcpus(states, oneByOne: true) : document);
            var qemu = new QemuInstance(process!, monitor, monitorPath, resources) // ! : Spawn has told
            {
                LastBlockNode = DiskNodes.LastNumber(plan.Disks),
                Cgroup = cgroup,
            };
            interfaces.Keep();
            return new LaunchedQemu(qemu, live)
            {
                AgentsConnected = [.. live.Spec.Channels
                    .Where(channel => channel.Name == GuestAgentChannel && characters.Channels.ContainsKey(channel.Alias ?? ""))
                    .Select(channel => characters.Channels[channel.Alias!] == ChannelState(isOpen: true))],
            };
        }
        catch (Exception e)
        {
            if (monitor is not null)
                await monitor.DisposeAsync();
            if (process is not null)
                await _termination.TerminateAsync(target.Name, process, TerminationFlags.Force, CancellationToken.None);
            if (cgroup is not null)
                await _cgroups.RemoveAsync(cgroup, target.Name);
            // Connection refused: QEMU had ended, and its listening socket with it, before we came to connect.
            if (e is not (MonitorClosedException or WherryException { Errno: ConnectionRefused }))
                throw;
            // Both texts are libvirt's: which one tells how far QEMU came.
            var when = monitor is null ? "process exited while connecting to monitor" : "qemu unexpectedly closed the monitor";
            throw new WherryException(ErrorCode.InternalError, $"{when}: {LogTail.Read(log, mark)}".TrimEnd(' ', ':'), inner: e);
        }
    }

    /// <summary>QEMU's process. With a control group it is in it, and in the group of its emulator threads, before it is QEMU.</summary>
    private void Spawn(ProcessStart start, DomainCgroup? cgroup, DomainSpec spec, DomainDocument document, Action<QemuProcess> spawned)
    {
        if (cgroup is null)
        {
            spawned(_processes.Start(start));
            return;
        }
        HostDemands.Check(spec, document, cgroup.Controllers); // fewer than were offered, where the kernel refuses some
        cgroup.Limit(document);
        cgroup.Make(ThreadGroup.Emulator, ThreadTuning.OfEmulator(document));
        var (process, gate) = _processes.StartHeld(start);
        using var held = gate;
        spawned(process);
        cgroup.AddProcess(process.Pid);
        cgroup.AddThread(ThreadGroup.Emulator, process.Pid);
        gate.Open();
    }

    /// <summary>
    /// How a definition would be started here, for somebody who wants to read it: nothing is made, and the numbers of what only a start chooses
    /// (descriptors, ports) are the first that it could choose.
    /// </summary>
    /// <exception cref="WherryException">The definition could not be started with this emulator.</exception>
    public async Task<LaunchPlan> DescribeAsync(DomainDefinition definition, CancellationToken ct)
    {
        const int notRunning = -1;
        var overlay = new LiveOverlay
        {
            Id = notRunning,
            VncListen = _settings.VncListen,
            Firmware = await ChooseFirmwareAsync(definition.Spec, resetNvram: false, ct),
        };
        var named = DomainSpec.From(overlay.Apply(definition.Document));
        var emulator = await _emulators.GetAsync(named.Emulator!, ct); // completed definitions name one
        var spec = WithResolvedCpu(named, emulator, new LaunchRequest());
        var descriptor = FirstInheritedDescriptor;
        var graphics = spec.Graphics.FirstOrDefault();
        return CommandLine.Build(spec, new LaunchContext
        {
            DomainDirectory = _files.DirectoryOf(notRunning, spec.Name),
            ChannelDirectory = _files.ChannelDirectoryOf(notRunning, spec.Name),
            MonitorFd = descriptor++,
            Features = emulator.FeaturesFor(spec.Os.Machine),
            VncPort = graphics is null ? null : graphics.AutoPort || graphics.Port < 0 ? Graphics.FirstPort : graphics.Port,
            VncWebSocketPort = graphics?.WebSocket == -1 ? FirstWebSocketPort : graphics?.WebSocket,
            VncListen = _settings.VncListen,
            Taps = spec.Interfaces.Where(nic => nic.Type != InterfaceType.User).ToImmutableDictionary(
                nic => nic.Alias!, // ! : the overlay names every device
                nic => new TapDescriptors([.. Enumerable.Range(0, nic.Queues ?? 1).Select(_ => descriptor++)], [])),
            BackingImages = await Task.Run(() => BackingOf(spec), ct),
            Now = _time.GetUtcNow(),
            DumpGuestCore = _settings.DumpGuestCore,
            Sandbox = _settings.Sandbox,
            Privileged = _settings.Privileged,
        });
    }

    /// <summary>The firmware of a definition that only says what it shall be; null where it is named, or QEMU's own.</summary>
    private Task<ChosenFirmware?> ChooseFirmwareAsync(DomainSpec spec, bool resetNvram, CancellationToken ct) =>
        spec.Os is { Firmware: null, Loader.IsFlash: false }
            ? Task.FromResult<ChosenFirmware?>(null)
            : Task.Run(
                () => FirmwareChoice.Find(spec, _firmwares.Read, _files.NvramOf(spec.Name), path => !resetNvram && File.Exists(path)), ct);

    /// <summary>The images below, as far as they can be read here: what is missing may be on the host that the line is meant for.</summary>
    private static ImmutableDictionary<string, ImmutableArray<ChainImage>> BackingOf(DomainSpec spec)
    {
        var found = ImmutableDictionary<string, ImmutableArray<ChainImage>>.Empty;
        foreach (var disk in spec.Disks)
        {
            try
            {
                found = found.AddRange(DiskImages.Inspect(spec with { Disks = [disk] }, coldBoot: true).Backing);
            }
            catch (WherryException)
            {
                // Not there, or not readable.
            }
        }
        return found;
    }

    /// <summary>The CPU to start. A guest that comes from elsewhere has one already, whatever its definition says.</summary>
    private static DomainSpec WithResolvedCpu(DomainSpec spec, Emulator emulator, LaunchRequest request)
    {
        if (request.GuestCpu is { } guest)
            spec = spec with { Cpu = guest };
        return GuestCpu.IsChosen(spec.Cpu)
            ? spec with { Cpu = GuestCpu.Resolve(spec, emulator.CpusFor(spec.Type), request.Incoming) }
            : spec;
    }

    /// <summary>Plugs the CPUs that QEMU is not started with, in their order, so that they can be taken out later.</summary>
    /// <returns>What is there then; null for a guest whose CPUs are only counted.</returns>
    private static async Task<ImmutableArray<VcpuState>?> PlugVcpusAsync(MonitorSession monitor, DomainCgroup? cgroup, DomainSpec spec, CancellationToken ct)
    {
        if (spec.Vcpu.OneByOne.IsEmpty)
            return null;
        var cpus = await PluggedCpus.AskAsync(monitor, ct);
        using var widened = EmulatorNodes.Widen(cgroup);
        foreach (var vcpu in spec.Vcpu.OneByOne.Where(vcpu => vcpu is { IsEnabled: true, IsHotpluggable: true }).OrderBy(vcpu => vcpu.Order))
            await monitor.ExecuteAsync(cpus.Cpus[vcpu.Id].Plug(vcpu.Id), ct);
        return (await PluggedCpus.AskAsync(monitor, ct)).States;
    }

    /// <summary>Where QEMU has put the guest's memory modules, by alias.</summary>
    internal static async Task<ImmutableDictionary<string, ulong>> ModuleBasesAsync(MonitorSession monitor, CancellationToken ct) =>
        (await monitor.ExecuteAsync(new QueryMemoryDevices(), ct))
            .Where(device => device is { Type: "dimm", Data.Id: not null })
            .ToImmutableDictionary(device => device.Data.Id!, device => (ulong)device.Data.Addr, StringComparer.Ordinal);

    /// <summary>What QEMU made of the CPU that it was asked for.</summary>
    private static async Task<CpuSpec?> BuiltCpuAsync(MonitorSession monitor, DomainSpec spec, CancellationToken ct)
    {
        if (!GuestCpu.IsChosen(spec.Cpu))
            return null;
        var (enabled, unavailable) = await CpuQuery.AskAsync(monitor, ct);
        return GuestCpu.AsBuilt(spec.Cpu!, enabled, unavailable);
    }

    /// <summary>Ports for a VNC display, chosen by us or by the definition; kept until the run ends.</summary>
    private (int? Vnc, int? WebSocket) ReserveVnc(DomainSpec spec, List<IDisposable> resources)
    {
        if (spec.Graphics.IsEmpty || !spec.Graphics[0].Listens.All(listen => listen is GraphicsListen.Address))
            return (null, null);
        var graphics = spec.Graphics[0];
        int? Reserve(PortReservation reservation)
        {
            resources.Add(reservation);
            return reservation.Port;
        }
        return (
            Reserve(graphics.AutoPort || graphics.Port < 0 ? _settings.VncPorts.Acquire() : PortAllocator.Acquire(graphics.Port)),
            graphics.WebSocket == -1 ? Reserve(_settings.WebSocketPorts.Acquire()) : graphics.WebSocket);
    }

    /// <summary>
    /// What QEMU made of serial ports, consoles and channels, by alias and in one call: the ptys it has opened, and whether the guest has
    /// opened its end of each virtio channel.
    /// </summary>
    private static async Task<(ImmutableDictionary<string, string> Ptys, ImmutableDictionary<string, string> Channels)> CharacterDevicesAsync(
        MonitorSession monitor, DomainSpec spec, CancellationToken ct)
    {
        const string ptyPrefix = "pty:";
        var none = ImmutableDictionary<string, string>.Empty;
        var devices = spec.Serials.Concat(spec.Parallels).Concat(spec.Channels).Concat(spec.Consoles);
        if (spec.Channels.IsEmpty && !devices.Any(device => device.Source is CharacterSource.Pty))
            return (none, none);
        var chardevs = (await monitor.ExecuteAsync(new QueryChardev(), ct))
            .Where(chardev => chardev.Label.StartsWith(ChardevPrefix, StringComparison.Ordinal))
            .ToImmutableDictionary(chardev => chardev.Label[ChardevPrefix.Length..]);
        return (
            chardevs.Where(chardev => chardev.Value.Filename.StartsWith(ptyPrefix, StringComparison.Ordinal))
                .ToImmutableDictionary(chardev => chardev.Key, chardev => chardev.Value.Filename[ptyPrefix.Length..]),
            chardevs.Where(chardev => spec.Channels.Any(channel => channel.Alias == chardev.Key))
                .ToImmutableDictionary(chardev => chardev.Key, chardev => ChannelState(chardev.Value.FrontendOpen)));
    }

    /// <summary>libvirt's word for whether the guest has opened its end of a channel.</summary>
    internal static string ChannelState(bool isOpen) => isOpen ? "connected" : "disconnected";

    /// <summary>What was run, as one line that a shell would take: the first thing anybody wants from a domain's log.</summary>
    private void WriteLogHeader(string log, LaunchPlan plan)
    {
        var now = _time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff+0000", CultureInfo.InvariantCulture);
        var words = plan.Environment.OrderBy(variable => variable.Key, StringComparer.Ordinal).Select(variable => $"{variable.Key}={variable.Value}")
            .Append(plan.Emulator)
            .Concat(plan.Arguments.Select(argument => "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'"));
        File.AppendAllText(log, $"{now}: starting up wherryd\n{string.Join(' ', words)}\n");
    }
}

/// <summary>Brings QEMUs up. Tests put simulated ones in their place; everything above it is then what is shipped.</summary>
public interface IDomainLauncher
{
    /// <summary>When it fails, nothing of the attempt is left.</summary>
    /// <param name="target">Which domain.</param>
    /// <param name="request">How it is to come up.</param>
    /// <param name="spawned">Told as soon as there is a process, so that it can be ended while it does not answer yet.</param>
    /// <param name="ct">Gives up; the process is ended.</param>
    Task<LaunchedQemu> LaunchAsync(LaunchTarget target, LaunchRequest request, Action<IQemuProcess> spawned, CancellationToken ct);
}

/// <summary>Which domain, under which number.</summary>
/// <param name="Definition">Completed, without run-time values.</param>
public sealed record LaunchTarget(string Name, Guid Uuid, int Id, DomainDefinition Definition);

/// <summary>How it is to come up.</summary>
public sealed record LaunchRequest
{
    /// <summary>As the destination of a migration.</summary>
    public bool Incoming { get; init; }

    /// <summary>The guest's UEFI variables are made anew.</summary>
    public bool ResetNvram { get; init; }

    /// <summary>The CPU that the guest has at the source, where its definition does not tell; null otherwise.</summary>
    public CpuSpec? GuestCpu { get; init; }
}

/// <summary>What came up.</summary>
/// <param name="Live">The definition with aliases, chosen ports, pty paths.</param>
public sealed record LaunchedQemu(QemuInstance Qemu, DomainDefinition Live)
{
    /// <summary>For each channel of a guest agent, whether the guest has opened it.</summary>
    public ImmutableArray<bool> AgentsConnected { get; init; } = [];
}

/// <summary>qemu.conf, as far as it concerns the launch.</summary>
public sealed record LaunchSettings
{
    /// <summary>Limits of the monitor session; who owns it is filled in.</summary>
    public MonitorOptions Monitor { get; init; } = new() { Owner = "" };

    /// <summary>System mode: QEMU gets a home of its own.</summary>
    public bool Privileged { get; init; } = true;

    /// <summary>User and group of QEMU, as the live XML and errors show them; null in session mode, which has no DAC driver.</summary>
    public (uint Uid, uint Gid)? Owner { get; init; }

    /// <summary><c>vnc_listen</c>.</summary>
    public string VncListen { get; init; } = "127.0.0.1";

    /// <summary><c>remote_display_port_min</c> to <c>remote_display_port_max</c>.</summary>
    public PortAllocator VncPorts { get; init; } = PortAllocator.ForVnc();

    /// <summary><c>remote_websocket_port_min</c> to <c>remote_websocket_port_max</c>.</summary>
    public PortAllocator WebSocketPorts { get; init; } = new("websocket", 5700, ushort.MaxValue);

    /// <summary><c>dump_guest_core</c>.</summary>
    public bool DumpGuestCore { get; init; }

    /// <summary><c>seccomp_sandbox</c>; libvirt's default is to ask for it.</summary>
    public bool Sandbox { get; init; } = true;
}
