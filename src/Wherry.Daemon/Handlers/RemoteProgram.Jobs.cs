using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh domjobinfo and domjobabort.
internal sealed partial class RemoteProgram
{
    private const uint StatsCompleted = 1, StatsKeepCompleted = 2;
    private const uint AbortPostcopy = 1;

    [Procedure(RemoteProcedure.DomainGetJobInfo)]
    private ValueTask<DomainGetJobInfoRet> DomainGetJobInfo(ServerCall call, DomainGetJobInfoArgs args, CancellationToken ct)
    {
        var snapshot = Domain(call, args.Dom).Snapshot;
        if (!snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        RefuseAtDestination(snapshot.Job);
        return new(snapshot.Job is { } job ? JobReply.Info(job) : default);
    }

    [Procedure(RemoteProcedure.DomainGetJobStats)]
    private ValueTask<DomainGetJobStatsRet> DomainGetJobStats(ServerCall call, DomainGetJobStatsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, StatsCompleted | StatsKeepCompleted, "qemuDomainGetJobStats");
        var domain = Domain(call, args.Dom);
        if (!Has(args.Flags, StatsCompleted))
        {
            if (!domain.Snapshot.IsActive)
                throw DomainRefusals.NotRunning();
            RefuseAtDestination(domain.Snapshot.Job);
            return new(JobReply.Stats(domain.Snapshot.Job));
        }
        var completed = domain.Snapshot.CompletedJob;
        // Shown once, unless asked to keep it: what a later caller sees is then about a later job.
        if (completed is not null && !Has(args.Flags, StatsKeepCompleted))
            domain.Change(now => now.CompletedJob == completed ? now with { CompletedJob = null } : now);
        return new(JobReply.Stats(completed));
    }

    [Procedure(RemoteProcedure.DomainAbortJob)]
    private ValueTask DomainAbortJob(ServerCall call, DomainAbortJobArgs args, CancellationToken ct) => AbortJobAsync(call, args.Dom, 0, ct);

    [Procedure(RemoteProcedure.DomainAbortJobFlags)]
    private ValueTask DomainAbortJobFlags(ServerCall call, DomainAbortJobFlagsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, AbortPostcopy, "qemuDomainAbortJobFlags");
        return AbortJobAsync(call, args.Dom, args.Flags, ct);
    }

    private async ValueTask AbortJobAsync(ServerCall call, NonnullDomain dom, uint flags, CancellationToken ct)
    {
        var domain = Domain(call, dom);
        if (!domain.Snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        if (Has(flags, AbortPostcopy) && domain.Jobs.Current.Async is not { Kind: AsyncJobKind.MigrationOut })
            throw new WherryException(ErrorCode.OperationInvalid, "current job is not outgoing migration in post-copy mode");
        var abort = domain.Jobs.AbortAsync ?? throw (domain.Jobs.Current.Async is { } job
            ? new WherryException(ErrorCode.OperationInvalid, $"cannot abort {Describe(job.Kind)}; use virDomainDestroy instead")
            : new WherryException(ErrorCode.OperationInvalid, "no job is active on the domain"));
        await abort(Has(flags, AbortPostcopy), ct);
    }

    /// <summary>What has come in so far says nothing about what is still to come; that nothing comes any more, it does.</summary>
    private static void RefuseAtDestination(JobStats? job)
    {
        if (job is { Operation: JobOperation.MigrationIn, HandOver: null })
            throw new WherryException(ErrorCode.OperationUnsupported, "migration statistics are available only on the source host");
    }

    private static string Describe(AsyncJobKind kind) => kind switch
    {
        AsyncJobKind.MigrationIn => "incoming migration",
        AsyncJobKind.Start => "VM start",
        _ => "this job",
    };
}
