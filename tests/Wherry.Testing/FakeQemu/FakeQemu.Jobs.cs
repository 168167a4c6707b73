using System.Text.Json.Nodes;
using Wherry.Qmp.Values;

namespace Wherry.Testing;

// Mirror jobs: created, running, ready (again and again standby when the guest stops), then waiting, pending, concluded. One that writes together
// with the guest, and ends otherwise while the guest runs, takes QEMU with it: always here, and in QEMU 7.2 when a write is in flight.
public sealed partial class FakeQemu
{
    private readonly Dictionary<string, Mirror> _jobs = new(StringComparer.Ordinal);

    /// <summary>When set, mirrors stay running until <see cref="MakeMirrorReady"/>.</summary>
    public bool HoldMirrors { get; set; }

    /// <summary>When set, a cancelled mirror ends only with <see cref="EndMirror"/>, so that a test chooses the order.</summary>
    public bool HoldMirrorEnds { get; set; }

    /// <summary>Size of every disk in bytes. Zero is a real case: BLOCK_JOB_READY then says len 0, offset 0.</summary>
    public long DiskBytes { get; set; } = 1 << 20;

    /// <summary>Ids of mirrors that were asked to end and are held.</summary>
    public IReadOnlyList<string> EndingMirrors
    {
        get
        {
            lock (Gate)
            {
                return [.. _jobs.Values.Where(j => j.Ending).Select(j => j.Id)];
            }
        }
    }

    /// <summary>Ids of all mirrors, those included that have ended and are not dismissed.</summary>
    public IReadOnlyList<string> Mirrors
    {
        get
        {
            lock (Gate)
            {
                return [.. _jobs.Keys];
            }
        }
    }

    /// <summary>Ids of mirrors that have not been ready yet.</summary>
    public IReadOnlyList<string> CopyingMirrors
    {
        get
        {
            lock (Gate)
            {
                return [.. _jobs.Values.Where(j => !j.WasReady).Select(j => j.Id)];
            }
        }
    }

    public void MakeMirrorReady(string id)
    {
        lock (Gate)
        {
            Ready(_jobs[id]);
        }
    }

    /// <summary>The mirror copies on, and has not reached the end.</summary>
    public void Copy(string id, long bytes)
    {
        lock (Gate)
        {
            _jobs[id].Offset += bytes;
        }
    }

    /// <summary>The guest writes faster than the mirror copies: it stays "ready", and is not in step.</summary>
    public void FallBehind(string id, long bytes)
    {
        lock (Gate)
        {
            _jobs[id].Len += bytes;
        }
    }

    public void EndMirror(string id)
    {
        lock (Gate)
        {
            Conclude(_jobs[id]);
        }
    }

    /// <summary>The target is lost: an error per write, then the job stands, or ends as "completed" with an error.</summary>
    public void FailMirror(string id, string error = "Input/output error")
    {
        lock (Gate)
        {
            Fail(_jobs[id], error);
        }
    }

    private bool ExecuteJobCommand(string name, JsonObject arguments, out JsonNode? answer)
    {
        answer = null;
        switch (name)
        {
            case "blockdev-mirror":
                StartMirror(arguments);
                return true;
            case "query-jobs":
                answer = new JsonArray([.. _jobs.Values.Select(j => j.ToJobInfo())]);
                return true;
            case "query-block-jobs":
                answer = new JsonArray([.. _jobs.Values.Select(j => j.ToBlockJobInfo())]);
                return true;
            case "block-job-set-speed":
                FindJob(Text(arguments, "device"), "DeviceNotActive").Speed = (long?)arguments["speed"] ?? 0;
                return true;
            case "block-job-cancel":
                Cancel(FindJob(Text(arguments, "device"), "DeviceNotActive"), (bool?)arguments["force"] ?? false);
                return true;
            case "job-cancel":
                Cancel(FindJob(Text(arguments, "id"), "GenericError"), force: true);
                return true;
            case "job-dismiss":
                var job = FindJob(Text(arguments, "id"), "GenericError");
                Require(job.Status == JobStatus.Concluded, $"Job '{job.Id}' in state '{job.Status}' cannot accept command verb 'dismiss'");
                Move(job, JobStatus.Null);
                _jobs.Remove(job.Id);
                return true;
            default:
                return false;
        }
    }

    private void StartMirror(JsonObject arguments)
    {
        var id = (string?)arguments["job-id"] ?? Text(arguments, "device");
        Require(!_jobs.ContainsKey(id), $"Job ID '{id}' already in use");
        var job = new Mirror(id, Text(arguments, "device"), Text(arguments, "target"), (bool?)arguments["auto-dismiss"] ?? true)
        {
            WritesWithGuest = (string?)arguments["copy-mode"] == "write-blocking",
            OnTargetError = (string?)arguments["on-target-error"] ?? "report",
            Len = DiskBytes,
            Speed = (long?)arguments["speed"] ?? 0,
        };
        _jobs.Add(id, job);
        Move(job, JobStatus.Created);
        Move(job, JobStatus.Running);
        if (!HoldMirrors)
        {
            Ready(job);
        }
    }

    private void Ready(Mirror job)
    {
        job.Offset = job.Len;
        job.WasReady = true;
        Move(job, JobStatus.Ready);
        Emit("BLOCK_JOB_READY", job.ToEvent());
    }

    private void Cancel(Mirror job, bool force)
    {
        Require(job.Status != JobStatus.Concluded, $"Job '{job.Id}' in state 'concluded' cannot accept command verb 'cancel'");
        Require(force || !job.Failed, $"The block job for device '{job.Id}' is currently paused");
        job.Ending = true;
        job.Cancelled = force || !job.WasReady;
        if (!HoldMirrorEnds || job.Cancelled)
        {
            Conclude(job);
        }
    }

    private void Fail(Mirror job, string error)
    {
        Emit("BLOCK_JOB_ERROR", new JsonObject { ["device"] = job.Id, ["operation"] = "write", ["action"] = job.OnTargetError });
        if (job.OnTargetError == "stop")
        {
            job.Failed = true;
            Move(job, job.WasReady ? JobStatus.Standby : JobStatus.Paused);
            return;
        }

        job.Error = error;
        Conclude(job);
    }

    private void Conclude(Mirror job)
    {
        job.Ending = false;
        if (job.Cancelled || job.Error is not null)
        {
            if (job.WritesWithGuest && Running)
            {
                End();
            }

            job.Error ??= "Operation canceled";
            Move(job, JobStatus.Aborting);
        }
        else
        {
            job.Offset = job.Len; // A soft cancel drains what is owed, the guest being stopped.
            Move(job, JobStatus.Waiting);
            Move(job, JobStatus.Pending);
        }

        var data = job.ToEvent();
        if (job.Error is not null && !job.Cancelled)
        {
            data["error"] = job.Error;
        }

        Emit(job.Cancelled ? "BLOCK_JOB_CANCELLED" : "BLOCK_JOB_COMPLETED", data);
        Move(job, JobStatus.Concluded);
        if (job.AutoDismiss)
        {
            Move(job, JobStatus.Null);
            _jobs.Remove(job.Id);
        }
    }

    /// <summary>What a stop of the guest does to jobs: ready ones stand by and come back, as recorded.</summary>
    private void JobsPause()
    {
        foreach (var job in _jobs.Values.Where(j => j.Status == JobStatus.Ready))
        {
            Move(job, JobStatus.Standby);
            Move(job, JobStatus.Ready);
        }
    }

    private Mirror FindJob(string id, string refusal) =>
        _jobs.GetValueOrDefault(id) ?? throw new Refusal(refusal, refusal == "DeviceNotActive" ? $"Block job '{id}' not found" : "Job not found");

    private void Move(Mirror job, JobStatus status)
    {
        job.Status = status;
        Emit("JOB_STATUS_CHANGE", new JsonObject { ["id"] = job.Id, ["status"] = status.Value });
    }

    /// <summary>Cuts what hangs: the main loop goes on, every mirror that had not ended fails, and so does the stream if it is named.</summary>
    private void Yank(JsonObject arguments)
    {
        foreach (var job in _jobs.Values.Where(j => j.Status != JobStatus.Concluded && !j.Failed).ToList())
        {
            Fail(job, "Input/output error");
        }

        if (arguments["instances"] is JsonArray instances && instances.Any(i => (string?)i!["type"] == "migration"))
        {
            CutStream();
        }

        ReleaseMainLoop();
    }

    private sealed class Mirror(string id, string device, string target, bool autoDismiss)
    {
        public string Id { get; } = id;

        public bool AutoDismiss { get; } = autoDismiss;

        public JobStatus Status { get; set; }

        public long Len { get; set; }

        public long Offset { get; set; }

        public long Speed { get; set; }

        public bool WasReady { get; set; }

        /// <summary>copy-mode write-blocking.</summary>
        public bool WritesWithGuest { get; init; }

        public string OnTargetError { get; init; } = "report";

        /// <summary>Paused by an error of its target.</summary>
        public bool Failed { get; set; }

        public bool Ending { get; set; }

        public bool Cancelled { get; set; }

        public string? Error { get; set; }

        public bool Uses(string node) => Status != JobStatus.Concluded && (node == device || node == target);

        public JsonObject ToEvent() => new() { ["device"] = Id, ["len"] = Len, ["offset"] = Offset, ["speed"] = Speed, ["type"] = "mirror" };

        public JsonObject ToJobInfo()
        {
            var info = new JsonObject
            {
                ["id"] = Id, ["type"] = "mirror", ["status"] = Status.Value, ["current-progress"] = Offset, ["total-progress"] = Len,
            };
            return WithError(info);
        }

        public JsonObject ToBlockJobInfo()
        {
            var info = ToEvent();
            info["busy"] = false;
            info["paused"] = Failed;
            info["io-status"] = Failed ? "failed" : "ok";
            info["ready"] = WasReady;
            info["status"] = Status.Value;
            info["auto-finalize"] = true;
            info["auto-dismiss"] = AutoDismiss;
            return WithError(info);
        }

        private JsonObject WithError(JsonObject info)
        {
            if (Error is not null)
            {
                info["error"] = Error;
            }

            return info;
        }
    }
}
