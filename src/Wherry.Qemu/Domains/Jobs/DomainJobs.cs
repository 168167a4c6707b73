using Wherry.Qemu.State;

namespace Wherry.Qemu.Domains.Jobs;

/// <summary>
/// The job slots of one domain: admission, waiting with a limit, and leases that give the slot back exactly once.
/// </summary>
public sealed class DomainJobs
{
    private readonly VersionedState<JobSlots> _slots = new(JobSlots.Free);
    private readonly JobLimits _limits;
    private readonly TimeProvider _time;

    internal DomainJobs(JobLimits limits, TimeProvider time)
    {
        _limits = limits;
        _time = time;
    }

    public JobSlots Current => _slots.Current;

    /// <summary>
    /// How the running long operation is aborted (virsh domjobabort); set by whoever runs it, null when it cannot be. The first argument
    /// is libvirt's POSTCOPY flag: interrupt a post-copy migration instead of failing.
    /// </summary>
    public Func<bool, CancellationToken, Task>? AbortAsync { get; set; }

    /// <summary>Waits for the turn of a short operation.</summary>
    /// <param name="job">What it will do; decides which async jobs let it in.</param>
    /// <param name="owner">Name of the API, for the text of somebody else's time-out.</param>
    /// <exception cref="WherryException">OperationTimeout, naming the holder; OperationFailed when too many wait already.</exception>
    public async Task<JobLease> BeginAsync(JobKind job, string owner, CancellationToken ct)
    {
        await TakeAsync(
            now => JobAdmission.Admits(now, job),
            now => now with { Active = new ActiveJob(job, owner) },
            now => JobAdmission.HolderAgainst(now, job),
            now => JobAdmission.IsBehindMigration(now, job),
            mayQueueAlways: job == JobKind.Destroy,
            ct);
        return new JobLease(() => _slots.Update(now => now with { Active = null }));
    }

    /// <summary>Waits for the turn of a long operation. The lease may be kept over several RPC calls.</summary>
    public async Task<JobLease> BeginAsync(AsyncJobKind job, string owner, CancellationToken ct)
    {
        await TakeAsync(
            now => JobAdmission.Admits(now, job),
            now => now with { Async = new ActiveAsyncJob(job, owner, JobAdmission.MaskOf(job)) },
            now => JobAdmission.HolderAgainst(now, job),
            now => JobAdmission.IsBehindMigration(now, job),
            mayQueueAlways: true,
            ct);
        return new JobLease(() =>
        {
            AbortAsync = null;
            _slots.Update(now => now with { Async = null });
        });
    }

    /// <summary>Changes what the running async job admits (libvirt narrows a migration's mask while it finishes).</summary>
    public void SetAsyncMask(JobMask admits) =>
        _slots.Update(now => now.Async is null ? now : now with { Async = now.Async with { Admits = admits | JobMask.Destroy } });

    private async Task TakeAsync(
        Func<JobSlots, bool> admits,
        Func<JobSlots, JobSlots> take,
        Func<JobSlots, string?> holder,
        Func<JobSlots, bool> behindMigration,
        bool mayQueueAlways,
        CancellationToken ct)
    {
        var taken = false;
        JobSlots TryTake(JobSlots now)
        {
            taken = admits(now);
            return taken ? take(now) : now;
        }

        _slots.Update(TryTake);
        if (taken)
            return;
        if (!mayQueueAlways && _limits.MaxQueued > 0 && _slots.Current.Waiting >= _limits.MaxQueued)
            throw new WherryException(
                ErrorCode.OperationFailed,
                $"cannot acquire state change lock {HeldBy(holder(_slots.Current))}due to max_queued limit");

        _slots.Update(now => now with { Waiting = now.Waiting + 1 });
        var deadline = _time.GetTimestamp();
        try
        {
            while (!taken)
            {
                var migrates = behindMigration(_slots.Current);
                var limit = migrates && _limits.MigrationWait < _limits.WaitLimit ? _limits.MigrationWait : _limits.WaitLimit;
                var left = limit - _time.GetElapsedTime(deadline);
                if (left <= TimeSpan.Zero)
                    throw new TimeoutException();
                await _slots.WaitAsync(now => admits(now) || behindMigration(now) != migrates, left, _time, "the domain's turn", ct);
                _slots.Update(TryTake); // another waiter may have been quicker: then wait on
            }
        }
        catch (TimeoutException e)
        {
            throw new WherryException(
                ErrorCode.OperationTimeout,
                $"cannot acquire state change lock {HeldBy(holder(_slots.Current))}".TrimEnd(),
                inner: e);
        }
        finally
        {
            _slots.Update(now => now with { Waiting = now.Waiting - 1 });
        }
    }

    private static string HeldBy(string? holder) => holder is null ? "" : $"(held by monitor={holder}) ";
}

/// <summary>Limits of waiting for a domain's turn.</summary>
/// <param name="WaitLimit">As libvirt's VIR_JOB_WAIT_TIME.</param>
/// <param name="MaxQueued">qemu.conf max_queued; 0 = no limit.</param>
public sealed record JobLimits(TimeSpan WaitLimit, int MaxQueued)
{
    public static JobLimits Default { get; } = new(TimeSpan.FromSeconds(30), 0);

    /// <summary>Behind a migration nobody queues, where libvirt has him wait as behind anything else: only its end, which its caller may hear of a
    /// moment before it gives the domain back, is waited for.</summary>
    public TimeSpan MigrationWait { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>A held slot; disposing gives it back, once.</summary>
public sealed class JobLease : IDisposable
{
    private Action? _release;

    internal JobLease(Action release) => _release = release;

    public bool IsHeld => Volatile.Read(ref _release) is not null;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();

    /// <summary>The same lease, given back by its disposal or, if there is one then, when <paramref name="outstanding"/> has completed:
    /// a holder that gave up on QEMU has left something there that the next one would only wait behind.</summary>
    internal JobLease Until(Func<Task?> outstanding) => new(() =>
    {
        if (outstanding() is { } owed)
            owed.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(Dispose);
        else
            Dispose();
    });
}
