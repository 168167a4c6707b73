using System.Text.Json.Serialization;
using Wherry.Qmp.Values;

namespace Wherry.Qmp.Events;

/// <summary>
/// The events whose data we read, by QEMU's name. Every other event still arrives as a <see cref="QmpEvent"/>.
/// <code>if (received.Is(QmpEvents.JobStatusChange, out var job)) ...</code>
/// </summary>
public static class QmpEvents
{
    // Without data: compared by name.
    public const string Stop = "STOP";
    public const string Resume = "RESUME";
    public const string Suspend = "SUSPEND";
    public const string Wakeup = "WAKEUP";
    public const string Powerdown = "POWERDOWN";

    public static readonly QmpEventType<ShutdownEvent> Shutdown = new("SHUTDOWN", EventJson.Default.ShutdownEvent);
    public static readonly QmpEventType<ResetEvent> Reset = new("RESET", EventJson.Default.ResetEvent);
    public static readonly QmpEventType<WatchdogEvent> Watchdog = new("WATCHDOG", EventJson.Default.WatchdogEvent);
    public static readonly QmpEventType<GuestPanickedEvent> GuestPanicked = new("GUEST_PANICKED", EventJson.Default.GuestPanickedEvent);
    public static readonly QmpEventType<MigrationEvent> Migration = new("MIGRATION", EventJson.Default.MigrationEvent);
    public static readonly QmpEventType<MigrationPassEvent> MigrationPass = new("MIGRATION_PASS", EventJson.Default.MigrationPassEvent);
    public static readonly QmpEventType<JobStatusChangeEvent> JobStatusChange = new("JOB_STATUS_CHANGE", EventJson.Default.JobStatusChangeEvent);
    public static readonly QmpEventType<BlockJobEvent> BlockJobReady = new("BLOCK_JOB_READY", EventJson.Default.BlockJobEvent);
    public static readonly QmpEventType<BlockJobEvent> BlockJobCancelled = new("BLOCK_JOB_CANCELLED", EventJson.Default.BlockJobEvent);
    public static readonly QmpEventType<BlockJobCompletedEvent> BlockJobCompleted = new("BLOCK_JOB_COMPLETED", EventJson.Default.BlockJobCompletedEvent);
    public static readonly QmpEventType<BlockJobErrorEvent> BlockJobError = new("BLOCK_JOB_ERROR", EventJson.Default.BlockJobErrorEvent);
    public static readonly QmpEventType<BlockIoErrorEvent> BlockIoError = new("BLOCK_IO_ERROR", EventJson.Default.BlockIoErrorEvent);
    public static readonly QmpEventType<BlockExportDeletedEvent> BlockExportDeleted = new("BLOCK_EXPORT_DELETED", EventJson.Default.BlockExportDeletedEvent);
    public static readonly QmpEventType<DeviceDeletedEvent> DeviceDeleted = new("DEVICE_DELETED", EventJson.Default.DeviceDeletedEvent);
    public static readonly QmpEventType<DeviceTrayMovedEvent> DeviceTrayMoved = new("DEVICE_TRAY_MOVED", EventJson.Default.DeviceTrayMovedEvent);
    public static readonly QmpEventType<BalloonChangeEvent> BalloonChange = new("BALLOON_CHANGE", EventJson.Default.BalloonChangeEvent);
    public static readonly QmpEventType<RtcChangeEvent> RtcChange = new("RTC_CHANGE", EventJson.Default.RtcChangeEvent);
    public static readonly QmpEventType<VserportChangeEvent> VserportChange = new("VSERPORT_CHANGE", EventJson.Default.VserportChangeEvent);
}

/// <param name="Guest">The guest asked for it.</param>
public sealed record ShutdownEvent(bool Guest, ShutdownCause Reason);

public sealed record ResetEvent(bool Guest, ShutdownCause Reason);

public sealed record WatchdogEvent(WatchdogAction Action);

public sealed record GuestPanickedEvent(GuestPanicAction Action);

public sealed record MigrationEvent(MigrationStatus Status);

public sealed record MigrationPassEvent(long Pass);

/// <param name="Id">The job's.</param>
public sealed record JobStatusChangeEvent(string Id, JobStatus Status);

/// <param name="Device">The job's id. Sizes in bytes; a disk without data has len 0 and offset 0.</param>
public sealed record BlockJobEvent(JobType Type, string Device, long Len, long Offset, long Speed);

/// <summary>The job has ended, and with <paramref name="Error"/> it has failed: compare that, not the offsets.</summary>
public sealed record BlockJobCompletedEvent(JobType Type, string Device, long Len, long Offset, long Speed, string? Error);

public sealed record BlockJobErrorEvent(string Device, IoOperationType Operation, BlockErrorAction Action);

public sealed record BlockIoErrorEvent(string Device, string? NodeName, IoOperationType Operation, BlockErrorAction Action, bool? Nospace, string Reason);

public sealed record BlockExportDeletedEvent(string Id);

/// <param name="Device">The device's id, if it has one.</param>
public sealed record DeviceDeletedEvent(string? Device, string Path);

/// <param name="Id">The device's id.</param>
public sealed record DeviceTrayMovedEvent(string Device, string Id, bool TrayOpen);

/// <param name="Actual">Bytes.</param>
public sealed record BalloonChangeEvent(long Actual);

/// <param name="Offset">Seconds between the guest's clock and the base it was started with.</param>
public sealed record RtcChangeEvent(long Offset);

/// <param name="Id">The port's device id: the guest opened or closed its end (guest agent).</param>
public sealed record VserportChangeEvent(string Id, bool Open);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ShutdownEvent))]
[JsonSerializable(typeof(ResetEvent))]
[JsonSerializable(typeof(WatchdogEvent))]
[JsonSerializable(typeof(GuestPanickedEvent))]
[JsonSerializable(typeof(MigrationEvent))]
[JsonSerializable(typeof(MigrationPassEvent))]
[JsonSerializable(typeof(JobStatusChangeEvent))]
[JsonSerializable(typeof(BlockJobEvent))]
[JsonSerializable(typeof(BlockJobCompletedEvent))]
[JsonSerializable(typeof(BlockJobErrorEvent))]
[JsonSerializable(typeof(BlockIoErrorEvent))]
[JsonSerializable(typeof(BlockExportDeletedEvent))]
[JsonSerializable(typeof(DeviceDeletedEvent))]
[JsonSerializable(typeof(DeviceTrayMovedEvent))]
[JsonSerializable(typeof(BalloonChangeEvent))]
[JsonSerializable(typeof(RtcChangeEvent))]
[JsonSerializable(typeof(VserportChangeEvent))]
internal sealed partial class EventJson : JsonSerializerContext;
