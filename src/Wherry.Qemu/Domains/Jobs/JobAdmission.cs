using System.Collections.Immutable;

namespace Wherry.Qemu.Domains.Jobs;

/// <summary>Who holds what, for one domain; immutable, published by the domain.</summary>
/// <param name="Active">The short operation under way.</param>
/// <param name="Async">The long operation under way.</param>
/// <param name="Waiting">Callers that wait for a turn.</param>
public sealed record JobSlots(ActiveJob? Active, ActiveAsyncJob? Async, int Waiting)
{
    public static JobSlots Free { get; } = new(null, null, 0);
}

/// <param name="Kind">What it is.</param>
/// <param name="Owner">The API it was started by, as a waiter's time-out names it.</param>
public sealed record ActiveJob(JobKind Kind, string Owner);

/// <param name="Kind">What it is.</param>
/// <param name="Owner">The API it was started by.</param>
/// <param name="Admits">Short operations that may run beside it.</param>
public sealed record ActiveAsyncJob(AsyncJobKind Kind, string Owner, JobMask Admits);

/// <summary>
/// "May this start now?", as data. Rules of libvirt's job model (docs/kbase/internals/qemu-threads.rst):
/// one short operation at a time; one async job at a time; an async job admits a mask of short operations; destroy is always in the mask.
/// </summary>
public static class JobAdmission
{
    /// <summary>What each async job admits. Destroy is added by <see cref="MaskOf"/>.</summary>
    private static readonly ImmutableDictionary<AsyncJobKind, JobMask> Masks = new Dictionary<AsyncJobKind, JobMask>
    {
        // A guest on its way out may still be looked at, paused and let run again, and the migration tuned or aborted. libvirt lets it be paused only.
        [AsyncJobKind.MigrationOut] =
            JobMask.Default | JobMask.Suspend | JobMask.Resume | JobMask.MigrationOperation | JobMask.ModifyMigrationSafe,
        // An incoming guest is not ours to touch yet.
        [AsyncJobKind.MigrationIn] = JobMask.ModifyMigrationSafe,
        [AsyncJobKind.Save] = JobMask.Default,
        [AsyncJobKind.Dump] = JobMask.Default | JobMask.Suspend | JobMask.MigrationOperation,
        [AsyncJobKind.Snapshot] = JobMask.Default,
        [AsyncJobKind.Start] = JobMask.None,
        [AsyncJobKind.Backup] = JobMask.Default | JobMask.Suspend | JobMask.Resume | JobMask.Modify,
    }.ToImmutableDictionary();

    public static JobMask MaskOf(AsyncJobKind kind) => Masks[kind] | JobMask.Destroy;

    public static bool Admits(JobSlots slots, JobKind job) =>
        slots.Active is null && (slots.Async is null || slots.Async.Admits.HasFlag((JobMask)(1 << (int)job)));

    public static bool Admits(JobSlots slots, AsyncJobKind _) => slots.Active is null && slots.Async is null;

    /// <summary>Whom a refused caller is waiting for: the async job if that is what refuses it, else the short operation.</summary>
    public static string? HolderAgainst(JobSlots slots, JobKind job) =>
        slots.Async is { } running && !running.Admits.HasFlag((JobMask)(1 << (int)job)) ? running.Owner : slots.Active?.Owner;

    public static string? HolderAgainst(JobSlots slots, AsyncJobKind _) => slots.Async?.Owner ?? slots.Active?.Owner;

    /// <summary>Whether it is a migration that refuses the job: that may last for hours, and what waited for it would come too late.</summary>
    public static bool IsBehindMigration(JobSlots slots, JobKind job) => IsMigration(slots.Async) && !slots.Async!.Admits.HasFlag((JobMask)(1 << (int)job));

    public static bool IsBehindMigration(JobSlots slots, AsyncJobKind _) => IsMigration(slots.Async);

    private static bool IsMigration(ActiveAsyncJob? job) => job is { Kind: AsyncJobKind.MigrationOut or AsyncJobKind.MigrationIn };
}
