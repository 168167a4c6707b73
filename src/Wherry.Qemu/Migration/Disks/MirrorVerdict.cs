using System.Collections.Immutable;

namespace Wherry.Qemu.Migration.Disks;

/// <summary>What <c>query-jobs</c> and <c>query-block-jobs</c> say of one mirror at one moment.</summary>
/// <param name="JobId">Job id.</param>
/// <param name="Concluded">The job has ended and waits to be dismissed.</param>
/// <param name="Ready">It reached the end of its source once. Sticky: says nothing about now (requirement S3.16).</param>
/// <param name="OffsetBytes">Bytes copied.</param>
/// <param name="LengthBytes">Bytes to copy; grows while the guest writes.</param>
/// <param name="Error">Why it ended, or stands; null for a clean end.</param>
public sealed record MirrorReport(string JobId, bool Concluded, bool Ready, ulong OffsetBytes, ulong LengthBytes, string? Error)
{
    public ulong BacklogBytes => LengthBytes > OffsetBytes ? LengthBytes - OffsetBytes : 0;
}

/// <summary>
/// What all mirrors together amount to. Computed from one look at the jobs, never from counting events: that is why no order, loss or
/// duplicate of BLOCK_JOB_* events can hang or fool a migration (requirements S0.14 to S0.18, S3.16 to S3.19).
/// </summary>
public abstract record MirrorVerdict
{
    private MirrorVerdict()
    {
    }

    /// <summary>At least one disk has not reached the end of its source.</summary>
    public sealed record Copying(ulong BacklogBytes) : MirrorVerdict;

    /// <summary>Every disk has been copied once; <paramref name="BacklogBytes"/> is what the guest has written since.</summary>
    public sealed record Ready(ulong BacklogBytes) : MirrorVerdict;

    /// <summary>Every job has ended without an error: with the guest stopped, the copies are complete.</summary>
    public sealed record Finished : MirrorVerdict;

    /// <summary>A copy is worthless.</summary>
    public sealed record Broken(string Target, string Error) : MirrorVerdict;

    /// <param name="disks">The disks of this migration.</param>
    /// <param name="reports">All jobs of this QEMU; foreign ones are ignored.</param>
    /// <param name="finishing">True once the jobs were asked to end: only then is an end without an error a good end.</param>
    public static MirrorVerdict Of(ImmutableArray<MirroredDisk> disks, IEnumerable<MirrorReport> reports, bool finishing)
    {
        var byId = reports.ToDictionary(r => r.JobId, StringComparer.Ordinal);
        var concluded = 0;
        var ready = 0;
        ulong backlog = 0;
        foreach (var disk in disks)
        {
            // Jobs are made with auto-dismiss=false: one that is not listed was never started or was taken away by somebody else.
            if (!byId.TryGetValue(disk.JobId, out var report))
                return new Broken(disk.Target, $"mirror job '{disk.JobId}' has vanished");

            if (report.Error is not null)
                return new Broken(disk.Target, report.Error);

            if (report.Concluded)
            {
                if (!finishing)
                    return new Broken(disk.Target, $"mirror job '{disk.JobId}' ended before it was asked to");

                concluded++;
                continue;
            }

            ready += report.Ready ? 1 : 0;
            backlog += report.BacklogBytes;
        }

        if (concluded == disks.Length)
            return new Finished();

        return concluded + ready == disks.Length ? new Ready(backlog) : new Copying(backlog);
    }
}
