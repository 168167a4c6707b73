using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qmp;

namespace Wherry.Qemu.Domains;

/// <summary>What one QMP event means for a domain: inputs of its machine, and events for subscribers. Pure.</summary>
/// <param name="Inputs">In the order to apply them.</param>
/// <param name="Announce">Announced before the inputs are applied, as libvirt queues them.</param>
internal readonly record struct QemuEventMeaning(IReadOnlyList<DomainInput> Inputs, IReadOnlyList<DomainEvent> Announce)
{
    private static readonly QemuEventMeaning None = new([], []);

    /// <param name="run">What the event's names stand for in this run.</param>
    public static QemuEventMeaning Of(QmpEvent happened, RunNames run) => happened.Name switch
    {
        "STOP" => Moves(new DomainInput.CpusStopped()),
        "RESUME" => Moves(new DomainInput.CpusStarted()),
        "SHUTDOWN" => Moves(new DomainInput.GuestShutdown(Flag(happened, "guest"), run.PowerOffRestarts)),
        "RESET" => new([new DomainInput.HardwareReset()], [new DomainEvent.Reboot()]),
        "GUEST_PANICKED" => Moves(new DomainInput.GuestPanicked()),
        // A crash kernel is loaded and will dump by itself: the guest goes on.
        "GUEST_CRASHLOADED" => Tells(new DomainEvent.Lifecycle(new LifecycleEvent(LifecycleEventType.Crashed, 1))),
        "SUSPEND" => new([new DomainInput.SuspendedToMemory()], [new DomainEvent.PmSuspend(ToDisk: false)]),
        "SUSPEND_DISK" => new([new DomainInput.SuspendedToDisk()], [new DomainEvent.PmSuspend(ToDisk: true)]),
        "WAKEUP" => new([new DomainInput.WokeUp()], [new DomainEvent.PmWakeup()]),
        "RTC_CHANGE" => Tells(new DomainEvent.RtcChange(Number(happened, "offset") + run.ClockAdjustmentSeconds)),
        "WATCHDOG" => Watchdog(happened),
        "BLOCK_IO_ERROR" => IoError(happened, run),
        "BLOCK_WRITE_THRESHOLD" => BlockThreshold(happened, run),
        "VNC_CONNECTED" => Graphics(happened, GraphicsPhase.Connect),
        "VNC_INITIALIZED" => Graphics(happened, GraphicsPhase.Initialize),
        "VNC_DISCONNECTED" => Graphics(happened, GraphicsPhase.Disconnect),
        "DEVICE_UNPLUG_GUEST_ERROR" when Text(happened, "device") is { } alias => Tells(new DomainEvent.DeviceRemovalFailed(alias)),
        "ACPI_DEVICE_OST" => DimmRefused(happened),
        "DEVICE_TRAY_MOVED" => Tray(happened, run),
        "BALLOON_CHANGE" => Tells(new DomainEvent.BalloonChange(KiB(Number(happened, "actual")))),
        "MEMORY_DEVICE_SIZE_CHANGE" when Text(happened, "id") is { } alias =>
            Tells(new DomainEvent.MemoryDeviceSizeChange(alias, KiB(Number(happened, "size")))),
        "MEMORY_FAILURE" => MemoryFailure(happened),
        "MIGRATION_PASS" => Tells(new DomainEvent.MigrationIteration((int)Number(happened, "pass"))),
        _ => None,
    };

    private static QemuEventMeaning Watchdog(QmpEvent happened)
    {
        var action = Text(happened, "action") switch
        {
            "pause" => WatchdogAction.Pause,
            "reset" => WatchdogAction.Reset,
            "poweroff" => WatchdogAction.PowerOff,
            "shutdown" => WatchdogAction.Shutdown,
            "debug" => WatchdogAction.Debug,
            "inject-nmi" => WatchdogAction.InjectNmi,
            _ => WatchdogAction.None,
        };
        return new(
            action == WatchdogAction.Pause ? [new DomainInput.StoppedByQemu(PausedReason.Watchdog)] : [],
            [new DomainEvent.Watchdog(action)]);
    }

    private static QemuEventMeaning IoError(QmpEvent happened, RunNames run)
    {
        var action = Text(happened, "action") switch
        {
            "stop" => IoErrorAction.Pause,
            "report" => IoErrorAction.Report,
            _ => IoErrorAction.None,
        };
        var disk = Text(happened, "device") is { Length: > 0 } device ? run.DiskOfDevice(device) : run.DiskOfNode(Text(happened, "node-name"))?.Disk;
        var reason = Flag(happened, "nospace") == true ? "enospc" : "";
        return new(
            action == IoErrorAction.Pause ? [new DomainInput.StoppedByQemu(PausedReason.IoError)] : [],
            [new DomainEvent.IoError(disk?.Source?.Path ?? "", disk?.Alias ?? "", action, reason)]);
    }

    /// <summary>Told for the top image by the disk's name alone, and for every image by its number as well: libvirt's order.</summary>
    private static QemuEventMeaning BlockThreshold(QmpEvent happened, RunNames run)
    {
        if (run.DiskOfNode(Text(happened, "node-name")) is not var (disk, index, path, isTop))
            return None;
        var (threshold, excess) = ((ulong)Number(happened, "write-threshold"), (ulong)Number(happened, "amount-exceeded"));
        var numbered = new DomainEvent.BlockThreshold($"{disk.TargetDev}[{index}]", path, threshold, excess);
        return new([], isTop ? [numbered with { Device = disk.TargetDev }, numbered] : [numbered]);
    }

    private static QemuEventMeaning Tray(QmpEvent happened, RunNames run)
    {
        var disk = run.DiskOfDevice(Text(happened, "device") is { Length: > 0 } device ? device : Text(happened, "id"));
        return disk?.Alias is { } alias ? Tells(new DomainEvent.TrayChange(alias, Flag(happened, "tray-open") == true)) : None;
    }

    private static QemuEventMeaning Graphics(QmpEvent happened, GraphicsPhase phase)
    {
        var (server, client) = (Member(happened, "server"), Member(happened, "client"));
        if (Address(server) is not { } local || Address(client) is not { } remote)
            return None;
        var subject = ImmutableArray.CreateBuilder<GraphicsIdentity>();
        if (Text(client, "x509_dname") is { } name)
            subject.Add(new GraphicsIdentity("x509dname", name));
        if (Text(client, "sasl_username") is { } user)
            subject.Add(new GraphicsIdentity("saslUsername", user));
        return Tells(new DomainEvent.Graphics(phase, local, remote, Text(server, "auth") ?? "", subject.ToImmutable()));
    }

    private static GraphicsAddress? Address(JsonElement end)
    {
        if (Text(end, "family") is not { } family || Text(end, "host") is not { } host || Text(end, "service") is not { } service)
            return null;
        return new GraphicsAddress(
            family switch
            {
                "ipv6" => GraphicsFamily.Ipv6,
                "unix" => GraphicsFamily.Unix,
                _ => GraphicsFamily.Ipv4,
            },
            host,
            service);
    }

    /// <summary>The device that has gone, or that the guest keeps; null for an event that says neither.</summary>
    public static string? RemovedDevice(QmpEvent happened) => happened.Name == "ACPI_DEVICE_OST" ? KeptModule(happened) : Text(happened, "device");

    private static QemuEventMeaning DimmRefused(QmpEvent happened) =>
        KeptModule(happened) is { } alias ? Tells(new DomainEvent.DeviceRemovalFailed(alias)) : None;

    /// <summary>ACPI's _OST: what the guest made of a request to eject a DIMM.</summary>
    private static string? KeptModule(QmpEvent happened)
    {
        const long ejectionRequest = 0x003, ejectionProcessing = 0x103, failed = 0x01, firstRefusal = 0x80, lastRefusal = 0x83;
        var info = Member(happened, "info");
        return Text(info, "slot-type") == "DIMM"
            && Number(info, "source") is ejectionRequest or ejectionProcessing
            && Number(info, "status") is failed or (>= firstRefusal and <= lastRefusal)
                ? Text(info, "device")
                : null;
    }

    private static QemuEventMeaning MemoryFailure(QmpEvent happened)
    {
        MemoryFailureRecipient? recipient = Text(happened, "recipient") switch
        {
            "hypervisor" => MemoryFailureRecipient.Hypervisor,
            "guest" => MemoryFailureRecipient.Guest,
            _ => null,
        };
        MemoryFailureAction? action = Text(happened, "action") switch
        {
            "ignore" => MemoryFailureAction.Ignore,
            "inject" => MemoryFailureAction.Inject,
            "fatal" => MemoryFailureAction.Fatal,
            "reset" => MemoryFailureAction.Reset,
            _ => null,
        };
        if (recipient is null || action is null)
            return None;
        var flags = Member(happened, "flags");
        var traits = (Flag(flags, "action-required") == true ? MemoryFailureTraits.ActionRequired : 0)
            | (Flag(flags, "recursive") == true ? MemoryFailureTraits.Recursive : 0);
        return Tells(new DomainEvent.MemoryFailure(recipient.Value, action.Value, traits));
    }

    private static QemuEventMeaning Moves(DomainInput input) => new([input], []);

    private static QemuEventMeaning Tells(DomainEvent announced) => new([], [announced]);

    /// <summary>Rounded up, as libvirt does.</summary>
    private static ulong KiB(long bytes) => ((ulong)bytes + 1023) / 1024;

    // QEMU's data is read tolerantly: a member that is missing or of another type means "not said".
    private static JsonElement Member(QmpEvent happened, string name) => Member(happened.Data, name);

    private static string? Text(QmpEvent happened, string name) => Text(happened.Data, name);

    private static long Number(QmpEvent happened, string name) => Number(happened.Data, name);

    private static bool? Flag(QmpEvent happened, string name) => Flag(happened.Data, name);

    private static JsonElement Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var member) ? member : default;

    private static string? Text(JsonElement parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static long Number(JsonElement parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : 0;

    private static bool? Flag(JsonElement parent, string name) => Member(parent, name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };
}
