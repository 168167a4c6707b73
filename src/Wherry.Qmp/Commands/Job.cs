using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Wherry.Qmp.Values;

namespace Wherry.Qmp.Commands;

// Jobs. QEMU: qapi/job.json and the block jobs of block-core.json.

/// <summary>All jobs, ended but undismissed ones included: the truth about a mirror.</summary>
public sealed record QueryJobs() : QmpCommand<ImmutableArray<JobInfo>>("query-jobs", JobJson.Default.ImmutableArrayJobInfo);

/// <param name="Error">Why it failed; null for a job that runs or went well.</param>
public sealed record JobInfo(string Id, JobType Type, JobStatus Status, long CurrentProgress, long TotalProgress, string? Error);

public sealed record QueryBlockJobs() : QmpCommand<ImmutableArray<BlockJobInfo>>("query-block-jobs", JobJson.Default.ImmutableArrayBlockJobInfo);

/// <param name="Device">The job's id.</param>
/// <param name="Len">Bytes to copy in all; grows as the guest writes.</param>
/// <param name="Offset">Bytes copied. The backlog is <c>Len - Offset</c>, also after "ready".</param>
/// <param name="Speed">Bytes per second; 0 for no limit. Large values that overflow the unit (9223372036853727232) are real.</param>
/// <param name="Ready">Was in step once; says nothing about now.</param>
/// <param name="ActivelySynced">Is in step now, with copy mode write-blocking. Since QEMU 8.2; null before.</param>
public sealed record BlockJobInfo(
    JobType Type,
    string Device,
    long Len,
    long Offset,
    bool Busy,
    bool Paused,
    long Speed,
    IoStatus IoStatus,
    bool Ready,
    JobStatus Status,
    bool AutoFinalize,
    bool AutoDismiss,
    string? Error,
    bool? ActivelySynced);

/// <summary>Ends a block job. Without force, a mirror that is in step ends well and one that is not ends as cancelled.</summary>
/// <param name="Device">The job's id.</param>
public sealed record BlockJobCancel(string Device) : QmpCommand<QmpEmpty>("block-job-cancel", JobJson.Default.QmpEmpty, JobJson.Default.BlockJobCancel)
{
    public bool? Force { get; init; }
}

/// <param name="Speed">Bytes per second; 0 for no limit.</param>
public sealed record BlockJobSetSpeed(string Device, long Speed)
    : QmpCommand<QmpEmpty>("block-job-set-speed", JobJson.Default.QmpEmpty, JobJson.Default.BlockJobSetSpeed);

/// <summary>Ends a job by force; a mirror's target is then worthless.</summary>
public sealed record JobCancel(string Id) : QmpCommand<QmpEmpty>("job-cancel", JobJson.Default.QmpEmpty, JobJson.Default.JobCancel);

/// <summary>Forgets a concluded job.</summary>
public sealed record JobDismiss(string Id) : QmpCommand<QmpEmpty>("job-dismiss", JobJson.Default.QmpEmpty, JobJson.Default.JobDismiss);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpEmpty))]
[JsonSerializable(typeof(ImmutableArray<JobInfo>))]
[JsonSerializable(typeof(ImmutableArray<BlockJobInfo>))]
[JsonSerializable(typeof(BlockJobCancel))]
[JsonSerializable(typeof(BlockJobSetSpeed))]
[JsonSerializable(typeof(JobCancel))]
[JsonSerializable(typeof(JobDismiss))]
internal sealed partial class JobJson : JsonSerializerContext;
