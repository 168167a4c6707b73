using System.Collections.Immutable;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

/// <summary>Job progress in the two forms that libvirt has for it. Names and order of the parameters are VIR_DOMAIN_JOB_*.</summary>
internal static class JobReply
{
    public static DomainGetJobInfoRet Info(JobStats job)
    {
        var (memory, disk) = (job.Memory, job.Disk);
        return new DomainGetJobInfoRet(
            (int)job.Type,
            job.TimeElapsedMs,
            job.TimeRemainingMs ?? 0,
            (memory?.Total ?? 0) + (disk?.Total ?? 0),
            (memory?.Processed ?? 0) + (disk?.Processed ?? 0),
            (memory?.Remaining ?? 0) + (disk?.Remaining ?? 0),
            memory?.Total ?? 0,
            memory?.Processed ?? 0,
            memory?.Remaining ?? 0,
            disk?.Total ?? 0,
            disk?.Processed ?? 0,
            disk?.Remaining ?? 0);
    }

    public static DomainGetJobStatsRet Stats(JobStats? job) =>
        job is null ? new DomainGetJobStatsRet((int)JobType.None, []) : new DomainGetJobStatsRet((int)job.Type, Parameters(job));

    public static ImmutableArray<TypedParameter> Parameters(JobStats job)
    {
        var list = ImmutableArray.CreateBuilder<TypedParameter>();
        list.Add(TypedParameter.Int("operation", (int)job.Operation));
        list.Add(TypedParameter.ULLong("time_elapsed", job.TimeElapsedMs));
        Add("time_elapsed_net", job.TimeElapsedNetMs);
        Add("time_remaining", job.TimeRemainingMs);
        Add("downtime", job.DowntimeMs);
        Add("downtime_net", job.DowntimeNetMs);
        Add("setup_time", job.SetupTimeMs);
        Add("data_total", (job.Memory?.Total ?? 0) + (job.Disk?.Total ?? 0));
        Add("data_processed", (job.Memory?.Processed ?? 0) + (job.Disk?.Processed ?? 0));
        Add("data_remaining", (job.Memory?.Remaining ?? 0) + (job.Disk?.Remaining ?? 0));
        AddMemory(job);
        AddTransfer("disk", job.Disk);
        if (job.Compression is { } compression)
        {
            Add("compression_cache", compression.Cache);
            Add("compression_bytes", compression.Bytes);
            Add("compression_pages", compression.Pages);
            Add("compression_cache_misses", compression.CacheMisses);
            Add("compression_overflow", compression.Overflow);
        }
        if (job.AutoConvergeThrottle is { } throttle)
            list.Add(TypedParameter.Int("auto_converge_throttle", throttle));
        // What is in doubt is no failure yet, but this is the one text of a job that every virsh shows.
        if ((job.ErrorMessage ?? (job.HandOver is { NeedsDecision: true } doubt ? doubt.Text : null)) is { } error)
            list.Add(TypedParameter.String("errmsg", error));
        Say("wherry.concern", job.Concern);
        AddHandOver(job.HandOver);
        return list.ToImmutable();

        void AddHandOver(HandOverReport? report)
        {
            if (report is null)
                return;
            Say("wherry.handover", report.State);
            Say("wherry.handover.id", report.Id.ToString());
            Say("wherry.handover.peer", report.PeerUri);
            Say("wherry.handover.peer_host", report.PeerHost);
            list.Add(TypedParameter.ULLong("wherry.handover.since", (ulong)Math.Max(0, report.Since.ToUnixTimeSeconds())));
            Say("wherry.handover.here", report.Here);
            Say("wherry.handover.there", report.There);
            Say("wherry.handover.command", report.Command);
        }

        void Say(string name, string? text)
        {
            if (text is not null)
                list.Add(TypedParameter.String(name, text));
        }

        void Add(string name, ulong? value)
        {
            if (value is { } known)
                list.Add(TypedParameter.ULLong(name, known));
        }

        void AddTransfer(string kind, TransferStats? transfer)
        {
            if (transfer is null)
                return;
            Add(kind + "_total", transfer.Total);
            Add(kind + "_processed", transfer.Processed);
            Add(kind + "_remaining", transfer.Remaining);
            Add(kind + "_bps", transfer.BytesPerSecond);
        }

        void AddMemory(JobStats stats)
        {
            AddTransfer("memory", stats.Memory);
            if (stats.MemoryDetail is not { } detail)
                return;
            Add("memory_constant", detail.ConstantPages);
            Add("memory_normal", detail.NormalPages);
            Add("memory_normal_bytes", detail.NormalBytes);
            Add("memory_dirty_rate", detail.DirtyRate);
            Add("memory_iteration", detail.Iteration);
            Add("memory_postcopy_requests", detail.PostcopyRequests);
            Add("memory_page_size", detail.PageSize);
        }
    }
}
