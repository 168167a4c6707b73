using System.Text.Json.Serialization;

namespace Wherry.Qmp.Values;

/// <summary>What the virtual machine is doing (QAPI RunState).</summary>
[JsonConverter(typeof(OpenEnumConverter<RunState>))]
public readonly record struct RunState(string Value) : IOpenEnum<RunState>
{
    public static readonly RunState Debug = new("debug");

    /// <summary>Waiting for an incoming migration. Never <c>cont</c> it: it would start by itself when the load ends.</summary>
    public static readonly RunState Inmigrate = new("inmigrate");

    public static readonly RunState InternalError = new("internal-error");
    public static readonly RunState IoError = new("io-error");
    public static readonly RunState Paused = new("paused");

    /// <summary>The outgoing migration has completed; the guest is stopped.</summary>
    public static readonly RunState Postmigrate = new("postmigrate");

    /// <summary>Started with <c>-S</c>, never run.</summary>
    public static readonly RunState Prelaunch = new("prelaunch");

    /// <summary>Stopped at the end of an outgoing migration, pre-switchover and post-copy included.</summary>
    public static readonly RunState FinishMigrate = new("finish-migrate");

    public static readonly RunState RestoreVm = new("restore-vm");
    public static readonly RunState Running = new("running");
    public static readonly RunState SaveVm = new("save-vm");
    public static readonly RunState Shutdown = new("shutdown");
    public static readonly RunState Suspended = new("suspended");
    public static readonly RunState Watchdog = new("watchdog");
    public static readonly RunState GuestPanicked = new("guest-panicked");
    public static readonly RunState Colo = new("colo");

    public static RunState From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>Who ended or reset the guest (QAPI ShutdownCause).</summary>
[JsonConverter(typeof(OpenEnumConverter<ShutdownCause>))]
public readonly record struct ShutdownCause(string Value) : IOpenEnum<ShutdownCause>
{
    public static readonly ShutdownCause None = new("none");
    public static readonly ShutdownCause HostError = new("host-error");
    public static readonly ShutdownCause HostQmpQuit = new("host-qmp-quit");
    public static readonly ShutdownCause HostQmpSystemReset = new("host-qmp-system-reset");
    public static readonly ShutdownCause HostSignal = new("host-signal");
    public static readonly ShutdownCause HostUi = new("host-ui");
    public static readonly ShutdownCause GuestShutdown = new("guest-shutdown");
    public static readonly ShutdownCause GuestReset = new("guest-reset");
    public static readonly ShutdownCause GuestPanic = new("guest-panic");
    public static readonly ShutdownCause SubsystemReset = new("subsystem-reset");

    public static ShutdownCause From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>What the watchdog did (QAPI WatchdogAction).</summary>
[JsonConverter(typeof(OpenEnumConverter<WatchdogAction>))]
public readonly record struct WatchdogAction(string Value) : IOpenEnum<WatchdogAction>
{
    public static readonly WatchdogAction Reset = new("reset");
    public static readonly WatchdogAction Shutdown = new("shutdown");
    public static readonly WatchdogAction Poweroff = new("poweroff");
    public static readonly WatchdogAction Pause = new("pause");
    public static readonly WatchdogAction Debug = new("debug");
    public static readonly WatchdogAction None = new("none");
    public static readonly WatchdogAction InjectNmi = new("inject-nmi");

    public static WatchdogAction From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>What was done about a guest panic (QAPI GuestPanicAction).</summary>
[JsonConverter(typeof(OpenEnumConverter<GuestPanicAction>))]
public readonly record struct GuestPanicAction(string Value) : IOpenEnum<GuestPanicAction>
{
    public static readonly GuestPanicAction Pause = new("pause");
    public static readonly GuestPanicAction Poweroff = new("poweroff");
    public static readonly GuestPanicAction Run = new("run");

    public static GuestPanicAction From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>State of a memory dump (QAPI DumpStatus).</summary>
[JsonConverter(typeof(OpenEnumConverter<DumpStatus>))]
public readonly record struct DumpStatus(string Value) : IOpenEnum<DumpStatus>
{
    public static readonly DumpStatus None = new("none");
    public static readonly DumpStatus Active = new("active");
    public static readonly DumpStatus Completed = new("completed");
    public static readonly DumpStatus Failed = new("failed");

    public static DumpStatus From(string value) => new(value);

    public override string ToString() => Value;
}
