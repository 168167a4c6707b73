using System.Text.Json;
using Wherry.Qmp;

namespace Wherry.Qemu.Domains;

/// <summary>What one QMP event means for a domain: inputs of its machine, and events for subscribers. Pure.</summary>
/// <param name="Inputs">In the order to apply them.</param>
/// <param name="Announce">Announced before the inputs are applied, as libvirt queues them.</param>
internal readonly record struct QemuEventMeaning(IReadOnlyList<DomainInput> Inputs, IReadOnlyList<DomainEvent> Announce)
{
    private static readonly QemuEventMeaning None = new([], []);

    /// <summary>Names the disk an event is about: source path and device alias, from QEMU's device, node name or qdev path.</summary>
    public delegate (string Source, string Alias) DiskLookup(string? device, string? node);

    public static QemuEventMeaning Of(QmpEvent happened, DiskLookup disk) => happened.Name switch
    {
        "STOP" => Moves(new DomainInput.CpusStopped()),
        "RESUME" => Moves(new DomainInput.CpusStarted()),
        "SHUTDOWN" => Moves(new DomainInput.GuestShutdown(Flag(happened, "guest"))),
        "RESET" => Tells(new DomainEvent.Reboot()),
        "GUEST_PANICKED" => Moves(new DomainInput.GuestPanicked()),
        "SUSPEND" => new([new DomainInput.SuspendedToMemory()], [new DomainEvent.PmSuspend(ToDisk: false)]),
        "SUSPEND_DISK" => new([new DomainInput.SuspendedToDisk()], [new DomainEvent.PmSuspend(ToDisk: true)]),
        "WAKEUP" => new([new DomainInput.WokeUp()], [new DomainEvent.PmWakeup()]),
        "RTC_CHANGE" => Tells(new DomainEvent.RtcChange(Number(happened, "offset"))),
        "WATCHDOG" => Watchdog(happened),
        "BLOCK_IO_ERROR" => IoError(happened, disk),
        // Virtual CPUs come and go without being told of as devices: libvirt's choice.
        "DEVICE_DELETED" when Text(happened, "device") is { } alias && !alias.StartsWith("vcpu", StringComparison.Ordinal) => Tells(new DomainEvent.DeviceRemoved(alias)),
        "DEVICE_TRAY_MOVED" => Tells(new DomainEvent.TrayChange(
            disk(Text(happened, "device") is { Length: > 0 } device ? device : Text(happened, "id"), null).Alias,
            Flag(happened, "tray-open") == true)),
        "BALLOON_CHANGE" => Tells(new DomainEvent.BalloonChange((ulong)Number(happened, "actual") / 1024)),
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

    private static QemuEventMeaning IoError(QmpEvent happened, DiskLookup disk)
    {
        var action = Text(happened, "action") switch
        {
            "stop" => IoErrorAction.Pause,
            "report" => IoErrorAction.Report,
            _ => IoErrorAction.None,
        };
        var (source, alias) = disk(Text(happened, "device"), Text(happened, "node-name"));
        var reason = Flag(happened, "nospace") == true ? "enospc" : "";
        return new(
            action == IoErrorAction.Pause ? [new DomainInput.StoppedByQemu(PausedReason.IoError)] : [],
            [new DomainEvent.IoError(source, alias, action, reason)]);
    }

    private static QemuEventMeaning Moves(DomainInput input) => new([input], []);

    private static QemuEventMeaning Tells(DomainEvent announced) => new([], [announced]);

    // QEMU's data is read tolerantly: a member that is missing or of another type means "not said".
    private static JsonElement Member(QmpEvent happened, string name) =>
        happened.Data.ValueKind == JsonValueKind.Object && happened.Data.TryGetProperty(name, out var member) ? member : default;

    private static string? Text(QmpEvent happened, string name) =>
        Member(happened, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static long Number(QmpEvent happened, string name) =>
        Member(happened, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : 0;

    private static bool? Flag(QmpEvent happened, string name) => Member(happened, name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };
}
