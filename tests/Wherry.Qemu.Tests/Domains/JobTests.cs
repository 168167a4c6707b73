using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp;

namespace Wherry.Qemu.Tests.Domains;

public class JobTests
{
    private static readonly TimeSpan Watchdog = TimeSpan.FromSeconds(20);

    private sealed class NoEvents : IDomainEventSink
    {
        public void Publish(DomainIdentity domain, DomainEvent happened)
        {
        }
    }

    // Rows: async job under way; columns: query, destroy, suspend, modify, abort, migration operation, migration-safe, resume.
    [Theory]
    [InlineData(AsyncJobKind.MigrationOut, "yes yes yes no yes yes yes yes")]
    [InlineData(AsyncJobKind.MigrationIn, "no yes no no no no yes no")]
    [InlineData(AsyncJobKind.Save, "yes yes no no yes no no no")]
    [InlineData(AsyncJobKind.Dump, "yes yes yes no yes yes no no")]
    [InlineData(AsyncJobKind.Snapshot, "yes yes no no yes no no no")]
    [InlineData(AsyncJobKind.Start, "no yes no no no no no no")]
    [InlineData(AsyncJobKind.Backup, "yes yes yes yes yes no no yes")]
    public void Admission_beside_a_long_operation(AsyncJobKind running, string expected)
    {
        var slots = JobSlots.Free with { Async = new ActiveAsyncJob(running, "owner", JobAdmission.MaskOf(running)) };
        var row = Enum.GetValues<JobKind>().Select(job => JobAdmission.Admits(slots, job) ? "yes" : "no");
        Assert.Equal(expected, string.Join(" ", row));
        Assert.False(JobAdmission.Admits(slots, AsyncJobKind.Save));
    }

    [Fact]
    public void Figures_that_come_after_the_end_of_a_job_do_not_bring_it_back()
    {
        var domain = new Domain(new DomainSnapshot { Name = "web1", Uuid = Guid.NewGuid() }, new NoEvents(), JobLimits.Default, TimeProvider.System);
        var figures = new JobStats { Type = JobType.Unbounded, Operation = JobOperation.MigrationOut };
        domain.Change(s => s with { Job = figures });
        Assert.Equal(5u, domain.ReportJob(figures with { TimeElapsedMs = 5 }).Job!.TimeElapsedMs);
        domain.Change(s => s with { Job = null, CompletedJob = figures });
        Assert.Null(domain.ReportJob(figures with { TimeElapsedMs = 6 }).Job);
    }

    [Fact]
    public async Task A_second_operation_runs_when_the_first_gives_its_turn_back()
    {
        var jobs = new DomainJobs(JobLimits.Default, TimeProvider.System);
        var first = await jobs.BeginAsync(JobKind.Modify, "DomainSuspend", CancellationToken.None);
        var second = jobs.BeginAsync(JobKind.Modify, "DomainResume", CancellationToken.None);
        Assert.False(second.IsCompleted);
        first.Dispose();
        using var lease = await second.WaitAsync(Watchdog);
        Assert.Equal("DomainResume", jobs.Current.Active!.Owner);
        Assert.Equal(0, jobs.Current.Waiting);
        first.Dispose(); // a second time, must not free the other's slot
        Assert.NotNull(jobs.Current.Active);
    }

    [Fact]
    public async Task A_holder_that_gave_up_on_QEMU_keeps_its_turn_until_QEMU_answers()
    {
        var jobs = new DomainJobs(new JobLimits(TimeSpan.FromMilliseconds(1), 0), TimeProvider.System);
        var answer = new TaskCompletionSource();
        (await jobs.BeginAsync(JobKind.Suspend, "remoteDispatchDomainSuspend", CancellationToken.None)).Until(() => answer.Task).Dispose();
        var refused = await Assert.ThrowsAsync<WherryException>(() => jobs.BeginAsync(JobKind.Query, "x", CancellationToken.None));
        Assert.EndsWith("cannot acquire state change lock (held by monitor=remoteDispatchDomainSuspend)", refused.Message, StringComparison.Ordinal);
        answer.SetException(new MonitorClosedException("QEMU has gone")); // as good as an answer
        (await jobs.BeginAsync(JobKind.Query, "x", CancellationToken.None)).Dispose();
        Assert.Null(jobs.Current.Active);
    }

    [Fact]
    public async Task A_wait_for_a_turn_ends_with_libvirts_words_and_the_holders_name()
    {
        var jobs = new DomainJobs(new JobLimits(TimeSpan.FromMilliseconds(1), 0), TimeProvider.System);
        using var held = await jobs.BeginAsync(AsyncJobKind.MigrationOut, "remoteDispatchDomainMigratePerform3Params", CancellationToken.None);
        var refused = await Assert.ThrowsAsync<WherryException>(() => jobs.BeginAsync(JobKind.Modify, "x", CancellationToken.None));
        Assert.Equal(ErrorCode.OperationTimeout, refused.Code);
        Assert.Equal(
            "Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainMigratePerform3Params)",
            refused.Message);
        Assert.Equal(0, jobs.Current.Waiting);
    }

    [Fact]
    [Fault(62, 99)]
    public async Task Nobody_queues_behind_a_migration_however_migratehe_would_wait_for_others()
    {
        var jobs = new DomainJobs(new JobLimits(TimeSpan.FromHours(1), 0) { MigrationWait = TimeSpan.FromMilliseconds(1) }, TimeProvider.System);
        var shortly = await jobs.BeginAsync(JobKind.Modify, "one", CancellationToken.None);
        var patient = jobs.BeginAsync(JobKind.Suspend, "two", CancellationToken.None);
        Assert.False(patient.IsCompleted);
        shortly.Dispose();
        (await patient.WaitAsync(Watchdog)).Dispose();

        using var held = await jobs.BeginAsync(AsyncJobKind.MigrationOut, "remoteDispatchDomainMigratePerform3Params", CancellationToken.None);
        var modify = await Assert.ThrowsAsync<WherryException>(() => jobs.BeginAsync(JobKind.Modify, "x", CancellationToken.None).WaitAsync(Watchdog));
        var migrate = await Assert.ThrowsAsync<WherryException>(() => jobs.BeginAsync(AsyncJobKind.MigrationOut, "x", CancellationToken.None).WaitAsync(Watchdog));
        Assert.All([modify, migrate], refused => Assert.Equal(ErrorCode.OperationTimeout, refused.Code));
        (await jobs.BeginAsync(JobKind.Suspend, "x", CancellationToken.None).WaitAsync(Watchdog)).Dispose();
    }

    [Fact]
    public async Task More_waiters_than_max_queued_are_refused_at_once_but_never_a_destroy()
    {
        var jobs = new DomainJobs(new JobLimits(TimeSpan.FromSeconds(30), 1), TimeProvider.System);
        var held = await jobs.BeginAsync(JobKind.Modify, "one", CancellationToken.None);
        var waiting = jobs.BeginAsync(JobKind.Modify, "two", CancellationToken.None);
        var refused = await Assert.ThrowsAsync<WherryException>(() => jobs.BeginAsync(JobKind.Modify, "three", CancellationToken.None));
        Assert.Equal(ErrorCode.OperationFailed, refused.Code);
        Assert.Equal("operation failed: cannot acquire state change lock (held by monitor=one) due to max_queued limit", refused.Message);
        var destroy = jobs.BeginAsync(JobKind.Destroy, "destroy", CancellationToken.None);
        held.Dispose();
        var next = await Task.WhenAny(waiting, destroy).WaitAsync(Watchdog);
        (await next).Dispose();
        await Task.WhenAll(waiting, destroy).WaitAsync(Watchdog);
    }

    [Fact]
    public async Task A_caller_that_stops_waiting_leaves_the_queue()
    {
        var jobs = new DomainJobs(JobLimits.Default, TimeProvider.System);
        using var held = await jobs.BeginAsync(JobKind.Modify, "one", CancellationToken.None);
        using var gone = new CancellationTokenSource();
        var waiting = jobs.BeginAsync(JobKind.Modify, "two", gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(0, jobs.Current.Waiting);
    }
}
