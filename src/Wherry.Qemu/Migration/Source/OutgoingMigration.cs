using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// One migration away from this host: carries out what <see cref="SourceMachine"/> decides, and tells it what came of it.
/// </summary>
/// <remarks>
/// <code>
///   Begin, Perform, Confirm, AbortJob      QEMU (SourceQemu: queries, woken by events)      peer (PeerLink, IMigrationPeer)
///                 \                                      |                                     /
///                  +---------------- inputs ------------ v -----------------------------------+
///                                     MachineLoop ──► SourceMachine.Step
///                                                           |  effects, in order
///            journal  &lt;───────────── Persist ───────────────+──────────► QEMU, peer, answers
/// </code>
/// Nothing in here decides who may run the guest; every such decision is the machine's, and is explored exhaustively there.
/// Callers wait on conditions over <see cref="Progress"/>, so a call that comes late, twice or again after a restart finds its answer.
/// </remarks>
internal sealed partial class OutgoingMigration : IAsyncDisposable
{
    private readonly MigrationContext context;
    private readonly Domain domain;
    private readonly JobLease job;
    private readonly MachineLoop<SourceInput, SourceTimer> loop;
    private SourceQemu? qemu; // made when it is needed: after a restart QEMU may be dead, or slow to answer
    private readonly SourceStatistics statistics;
    private readonly StallWatch stall;
    private readonly VersionedState<SourceProgress> progress;
    private readonly ILogger logger;
    private readonly SourceStep first;
    private OutgoingOrder order;
    private SourceState state;
    private PeerLink? link;
    private Task running = Task.CompletedTask;
    private Task farewell = Task.CompletedTask;
    private readonly CancellationTokenSource leaving = new();

    // What the destination told us at Prepare; set before the machine hears of it.
    private DestinationTerms? terms;
    private bool finishAsked;

    private OutgoingMigration(MigrationContext context, Domain domain, JobLease job, OutgoingOrder order, SourceStep first)
    {
        this.first = first;
        this.context = context;
        this.domain = domain;
        this.job = job;
        this.order = order;
        state = first.Next;
        logger = context.Logger;
        progress = new VersionedState<SourceProgress>(new SourceProgress());
        loop = new MachineLoop<SourceInput, SourceTimer>(context.Time, timer => new SourceInput.TimerExpired(timer));
        statistics = new SourceStatistics(context.Time);
        stall = new StallWatch(order.CopiedDisks, context.Limits);
        if (order.PeerUri is { } uri)
        {
            link = NewLink(uri);
        }
    }

    /// <summary>Where it stands, for those who wait and for the operator.</summary>
    public VersionedState<SourceProgress> Progress => progress;

    public HandoverId Id => order.Id;

    public Domain Domain => domain;

    /// <summary>True once nothing can happen any more.</summary>
    public bool IsOver => state is SourceState.Closed;

    /// <summary>While it cannot be said where the guest runs, nobody else may start, resume or migrate it (rule 12). Null when all is clear.</summary>
    public string? Doubt => state is SourceState.Handed or SourceState.Sent
        ? $"domain '{domain.Name}' has been handed over to {order.PeerUri ?? "its destination"} (hand-over {Id}), which has not said yet whether it runs it"
        : null;

    /// <summary>Starts an attempt: the checks are done, the job is held. Peer-to-peer: the first connection is made here, and its errors are
    /// the caller's, because nothing has begun yet.</summary>
    public static async Task<OutgoingMigration> BeginAsync(
        MigrationContext context, Domain domain, JobLease job, OutgoingOrder order, CancellationToken ct)
    {
        var attempt = new SourceAttempt
        {
            Id = order.Id,
            Mode = order.Mode,
            PreState = order.PreState,
            CopiesDisks = !order.CopiedDisks.IsEmpty,
            Limits = context.Limits,
        };
        var migration = new OutgoingMigration(context, domain, job, order, SourceMachine.Begin(attempt));
        try
        {
            await migration.ConnectAsync(ct);
        }
        catch
        {
            await migration.DisposeAsync();
            throw;
        }

        return migration;
    }

    /// <summary>Goes on with the attempt of a daemon that died.</summary>
    public static OutgoingMigration Restart(
        MigrationContext context, Domain domain, JobLease job, OutgoingOrder order, SourceRecord record, QemuEvidence evidence)
    {
        var migration = new OutgoingMigration(context, domain, job, order, SourceMachine.Restarted(record, evidence, context.Limits));
        migration.link?.Keep();
        return migration;
    }

    /// <summary>Completes when the machine is closed and its record is durable.</summary>
    public Task Completion => running;

    /// <summary>Managed: the client comes back from the destination with its cookie.</summary>
    public async Task<ImmutableArray<byte>> PerformAsync(DestinationTerms destination, MigrationParameters parameters, CancellationToken ct)
    {
        terms = destination;
        order = order with { Parameters = parameters, PeerUri = destination.PeerUri ?? order.PeerUri };
        loop.Post(new SourceInput.PerformCalled(destination.Kind));
        var reached = await progress.WaitAsync(p => p.PerformAnswered || p.Outcome is not null, ct);
        return reached.PerformAnswered ? PerformCookie() : throw MigrationFailures.ToException(reached.Outcome, domain.Name);
    }

    /// <summary>Managed: the client's last call. Returns when the machine has said its word, whatever the client believes.</summary>
    /// <param name="cancelled">The client's belief.</param>
    /// <param name="answer">The destination's own word, if its cookie carried one for this hand-over.</param>
    /// <param name="figures">The destination's figures, likewise.</param>
    /// <param name="ct">Stops the wait only.</param>
    public async Task ConfirmAsync(bool cancelled, PeerAnswer? answer, CookieStatistics? figures, CancellationToken ct)
    {
        statistics.Finished(figures);
        if (answer is { } said)
        {
            loop.Post(new SourceInput.PeerAnswered(Id, said));
        }

        loop.Post(new SourceInput.ConfirmCalled(cancelled));
        var reached = await progress.WaitAsync(p => p.Outcome is not null, ct);
        if (reached.Outcome is MigrationOutcome.Moved || (cancelled && reached.Outcome is MigrationOutcome.StayedOnSource))
        {
            return;
        }

        throw MigrationFailures.ToException(reached.Outcome, domain.Name);
    }

    /// <summary>The definition for the destination.</summary>
    public string DestinationXml => order.DestinationXml;

    /// <summary>Managed: waits until the attempt is on record, so that the client may go on.</summary>
    public async Task BegunAsync(CancellationToken ct)
    {
        var reached = await progress.WaitAsync(p => p.BeginAnswered || p.Outcome is not null, ct);
        if (!reached.BeginAnswered)
        {
            throw MigrationFailures.ToException(reached.Outcome, domain.Name);
        }
    }

    /// <summary>Lets the machine go; whoever keeps the list of migrations has it in there by now.</summary>
    /// <param name="over">Called when the machine has nothing left to do.</param>
    public void Start(Func<Task> over) => running = RunAsync(over);

    /// <summary>Peer-to-peer: waits for the end.</summary>
    /// <exception cref="WherryException">The guest stayed here, or nobody can say yet.</exception>
    public async Task MovedAsync(CancellationToken ct)
    {
        var reached = await progress.WaitAsync(p => p.Outcome is not null, ct);
        if (reached.Outcome is not MigrationOutcome.Moved)
        {
            throw reached.PrepareError ?? MigrationFailures.ToException(reached.Outcome, domain.Name);
        }
    }

    /// <summary>AbortJob, suspend, resume or destroy while migrating: the machine admits or refuses it.</summary>
    /// <exception cref="WherryException">OperationInvalid with the machine's reason.</exception>
    public Task AdmitAsync(UserCall call, CancellationToken ct)
    {
        var verdict = userCalls.Ask(call);
        loop.Post(new SourceInput.UserCalled(call));
        return verdict.WaitAsync(ct);
    }

    public void ClientGone() => loop.Post(new SourceInput.ClientGone());

    public async ValueTask DisposeAsync()
    {
        await leaving.CancelAsync();
        await EndAsync();
    }

    private async Task EndAsync()
    {
        await loop.DisposeAsync();
        userCalls.End();
        progress.Complete(MigrationFailures.Ended(domain.Name));
        if (qemu is not null)
        {
            await qemu.DisposeAsync();
        }

        await farewell;
        if (link is not null)
        {
            await link.DisposeAsync();
        }

        job.Dispose();
    }

    private async Task RunAsync(Func<Task> over)
    {
        await Task.Yield();
        try
        {
            domain.Jobs.AbortAsync = (_, ct) => AdmitAsync(UserCall.AbortJob, ct);
            WatchProcess();
            domain.Change(s => s with { Job = statistics.Running(state) });
            await ExecuteAsync(first);
            if (IsSettled())
            {
                return;
            }

            await loop.RunAsync(async input =>
            {
                var step = SourceMachine.Step(state, input);
                if (step.Next.GetType() != state.GetType())
                {
                    MigrationLog.SourceState(logger, Id, domain.Name, step.Next.GetType().Name);
                }

                state = step.Next;
                await ExecuteAsync(step);
                return !IsSettled();
            });
        }
        catch (OperationCanceledException) when (loop.Ending.IsCancellationRequested)
        {
            // The daemon stops; its successor goes on from the record.
        }
        catch (Exception e)
        {
            // Worse than any failure of a migration: our own mistake. The record stands, so nothing about the guest is guessed.
            MigrationLog.Broken(logger, e, Id, domain.Name);
            throw;
        }
        finally
        {
            domain.Jobs.AbortAsync = null;
            await EndAsync();
            await over();
        }
    }

    /// <summary>
    /// The death of our QEMU is known from its pidfd, whoever caused it. It counts when the driver has cleaned up after it: a caller who
    /// hears that the guest has moved must not find it here still.
    /// </summary>
    private void WatchProcess()
    {
        if (domain.Qemu is { } watched)
        {
            var run = domain.Snapshot.Id;
            loop.Start(
                async ct =>
                {
                    await watched.Process.Exited.WaitAsync(ct);
                    await domain.State.WaitAsync(now => now.Id != run, ct);
                    return new SourceInput.QemuGone();
                },
                _ => new SourceInput.QemuGone());
        }
    }

    /// <summary>Closed, and the disk knows.</summary>
    private bool IsSettled() => state is SourceState.Closed && progress.Current.ClosedDurable;

    private PeerLink NewLink(string uri) => new(
        uri,
        context.Dialer,
        context.Time,
        lost: () => loop.Post(new SourceInput.LinkLost()),
        greet: (peer, ct) => state.Attempt.IsLegacy ? Task.CompletedTask : peer.AttachAsync(Id.Value, ct),
        restored: () => loop.Post(new SourceInput.LinkRestored()));
}

/// <summary>What callers of a migration wait for.</summary>
internal sealed record SourceProgress
{
    public bool BeginAnswered { get; init; }

    public bool PerformAnswered { get; init; }

    /// <summary>The word it ended in, or that nobody can say yet; null while it goes on.</summary>
    public MigrationOutcome? Outcome { get; init; }

    /// <summary>The destination's own error, told to the caller as it is.</summary>
    public WherryException? PrepareError { get; init; }

    public bool ClosedDurable { get; init; }
}

/// <summary>What the destination answered to Prepare.</summary>
/// <param name="Kind">Wherry if it echoed our hand-over id.</param>
/// <param name="DataUri">Where the memory goes.</param>
/// <param name="NbdPort">Its NBD server; 0 for none.</param>
/// <param name="PeerUri">Where it can be asked; null if it did not say.</param>
/// <param name="Cookie">Its cookie as decoded; null when it sent none.</param>
internal sealed record DestinationTerms(PeerKind Kind, MigrationUri DataUri, int NbdPort, string? PeerUri, MigrationCookie? Cookie);
