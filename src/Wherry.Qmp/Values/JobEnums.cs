using System.Text.Json.Serialization;

namespace Wherry.Qmp.Values;

/// <summary>Where a job is (QAPI JobStatus).</summary>
[JsonConverter(typeof(OpenEnumConverter<JobStatus>))]
public readonly record struct JobStatus(string Value) : IOpenEnum<JobStatus>
{
    public static readonly JobStatus Undefined = new("undefined");
    public static readonly JobStatus Created = new("created");
    public static readonly JobStatus Running = new("running");
    public static readonly JobStatus Paused = new("paused");

    /// <summary>The mirror was in step once. It may have fallen behind since: see <c>len</c> and <c>offset</c>.</summary>
    public static readonly JobStatus Ready = new("ready");

    /// <summary>Ready, and paused because the guest is stopped.</summary>
    public static readonly JobStatus Standby = new("standby");

    public static readonly JobStatus Waiting = new("waiting");
    public static readonly JobStatus Pending = new("pending");
    public static readonly JobStatus Aborting = new("aborting");

    /// <summary>Ended, well or badly; its <c>error</c> tells which.</summary>
    public static readonly JobStatus Concluded = new("concluded");

    public static readonly JobStatus Null = new("null");

    public static JobStatus From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>What a job does (QAPI JobType).</summary>
[JsonConverter(typeof(OpenEnumConverter<JobType>))]
public readonly record struct JobType(string Value) : IOpenEnum<JobType>
{
    public static readonly JobType Commit = new("commit");
    public static readonly JobType Stream = new("stream");
    public static readonly JobType Mirror = new("mirror");
    public static readonly JobType Backup = new("backup");
    public static readonly JobType Create = new("create");
    public static readonly JobType Amend = new("amend");
    public static readonly JobType SnapshotLoad = new("snapshot-load");
    public static readonly JobType SnapshotSave = new("snapshot-save");
    public static readonly JobType SnapshotDelete = new("snapshot-delete");

    public static JobType From(string value) => new(value);

    public override string ToString() => Value;
}
