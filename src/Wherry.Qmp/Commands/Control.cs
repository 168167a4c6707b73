using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Wherry.Qmp.Values;

namespace Wherry.Qmp.Commands;

// The monitor itself and the run state. QEMU: qapi/control.json, run-state.json, misc.json.

/// <summary>Ends the negotiation; sent by <see cref="MonitorSession"/> only.</summary>
public sealed record QmpCapabilities() : QmpCommand<QmpEmpty>("qmp_capabilities", ControlJson.Default.QmpEmpty, ControlJson.Default.QmpCapabilities)
{
    public ImmutableArray<string>? Enable { get; init; }
}

public sealed record QueryStatus() : QmpCommand<StatusInfo>("query-status", ControlJson.Default.StatusInfo);

/// <param name="Running">The virtual CPUs run: the one truth about it (migration rule: never count STOP and RESUME).</param>
public sealed record StatusInfo(bool Running, RunState Status);

public sealed record Stop() : QmpCommand<QmpEmpty>("stop", ControlJson.Default.QmpEmpty);

/// <summary>Lets the guest run. Refused in finish-migrate; never to be sent in inmigrate.</summary>
public sealed record Cont() : QmpCommand<QmpEmpty>("cont", ControlJson.Default.QmpEmpty);

/// <summary>Ends QEMU at once, without asking the guest. The reply comes before the end.</summary>
public sealed record Quit() : QmpCommand<QmpEmpty>("quit", ControlJson.Default.QmpEmpty);

/// <summary>Presses the ACPI power button.</summary>
public sealed record SystemPowerdown() : QmpCommand<QmpEmpty>("system_powerdown", ControlJson.Default.QmpEmpty);

public sealed record SystemReset() : QmpCommand<QmpEmpty>("system_reset", ControlJson.Default.QmpEmpty);

public sealed record SystemWakeup() : QmpCommand<QmpEmpty>("system_wakeup", ControlJson.Default.QmpEmpty);

/// <summary>Forgets the timer ticks that the guest has missed: its clock has been set right.</summary>
public sealed record RtcResetReinjection() : QmpCommand<QmpEmpty>("rtc-reset-reinjection", ControlJson.Default.QmpEmpty);

public sealed record InjectNmi() : QmpCommand<QmpEmpty>("inject-nmi", ControlJson.Default.QmpEmpty);

/// <summary>Changes what QEMU does when the guest reboots.</summary>
/// <param name="Reboot">"reset" or "shutdown".</param>
public sealed record SetAction(string Reboot) : QmpCommand<QmpEmpty>("set-action", ControlJson.Default.QmpEmpty, ControlJson.Default.SetAction);

public sealed record QueryVersion() : QmpCommand<VersionInfo>("query-version", ControlJson.Default.VersionInfo);

public sealed record VersionInfo(VersionTriple Qemu, string Package);

public sealed record VersionTriple(int Major, int Minor, int Micro);

public sealed record QueryName() : QmpCommand<NameInfo>("query-name", ControlJson.Default.NameInfo);

public sealed record NameInfo(string? Name);

public sealed record QueryUuid() : QmpCommand<UuidInfo>("query-uuid", ControlJson.Default.UuidInfo);

public sealed record UuidInfo([property: JsonPropertyName("UUID")] Guid Uuid);

/// <summary>Names a descriptor that travels with this command; see <see cref="MonitorSession.ExecuteWithDescriptorAsync"/>.</summary>
public sealed record Getfd(string Fdname) : QmpCommand<QmpEmpty>("getfd", ControlJson.Default.QmpEmpty, ControlJson.Default.Getfd);

public sealed record Closefd(string Fdname) : QmpCommand<QmpEmpty>("closefd", ControlJson.Default.QmpEmpty, ControlJson.Default.Closefd);

/// <summary>Puts a descriptor that travels with this command into a set, to be opened as <c>/dev/fdset/N</c>.</summary>
public sealed record AddFd() : QmpCommand<AddFdInfo>("add-fd", ControlJson.Default.AddFdInfo, ControlJson.Default.AddFd)
{
    public int? FdsetId { get; init; }

    public string? Opaque { get; init; }
}

public sealed record AddFdInfo(int FdsetId, int Fd);

/// <summary>The names of all commands, of which some may be disabled.</summary>
public sealed record QueryCommands() : QmpCommand<ImmutableArray<CommandInfo>>("query-commands", ControlJson.Default.ImmutableArrayCommandInfo, ControlJson.Default.QueryCommands);

public sealed record CommandInfo(string Name);

/// <summary>A line of the old, human monitor. The answer is what that would print.</summary>
public sealed record HumanMonitorCommand(string CommandLine)
    : QmpCommand<string>("human-monitor-command", ControlJson.Default.String, ControlJson.Default.HumanMonitorCommand);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpEmpty))]
[JsonSerializable(typeof(QmpCapabilities))]
[JsonSerializable(typeof(StatusInfo))]
[JsonSerializable(typeof(VersionInfo))]
[JsonSerializable(typeof(NameInfo))]
[JsonSerializable(typeof(UuidInfo))]
[JsonSerializable(typeof(SetAction))]
[JsonSerializable(typeof(Getfd))]
[JsonSerializable(typeof(Closefd))]
[JsonSerializable(typeof(AddFd))]
[JsonSerializable(typeof(AddFdInfo))]
[JsonSerializable(typeof(QueryCommands))]
[JsonSerializable(typeof(ImmutableArray<CommandInfo>))]
[JsonSerializable(typeof(HumanMonitorCommand))]
internal sealed partial class ControlJson : JsonSerializerContext;
