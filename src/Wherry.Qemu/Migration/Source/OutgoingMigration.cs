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
    private readonly MigrationContext _context;
    private readonly Domain _domain;
    private readonly JobLease _job;
    private readonly MachineLoop<SourceInput, SourceTimer> _loop;
    private SourceQemu? _qemu; // made when it is needed: after a restart QEMU may be dead, or slow to answer
    private readonly SourceStatistics _statistics;
    private StallWatch _stall;
    private readonly VersionedState<SourceProgress> _progress;
    private readonly ILogger _logger;
    private readonly SourceStep _first;
    private OutgoingOrder _order;
    private SourceState _state;
    private PeerLink? _link;
    private Task _running = Task.CompletedTask;
    private Task _farewell = Task.CompletedTask;
    private volatile bool _peerKnows;
    private readonly CancellationTokenSource _leaving = new();
    private readonly CancellationTokenSource _turnedBack = new(); // ends what is under way to the destination
    private readonly List<Task> _onward = []; // at most four; filled by the loop only

    // What the destination told us at Prepare; set before the machine hears of it.
    private DestinationTerms? _terms;
    private IMigrationTunnel? _tunnel;
    private MemoryTunnel? _memory;
    private bool _finishAsked;

    private OutgoingMigration(MigrationContext context, Domain domain, JobLease job, OutgoingOrder order, SourceStep first)
    {
        _first = first;
        _context = context;
        _domain = domain;
        _job = job;
        _order = order;
        _state = first.Next;
        _logger = context.Logger;
        _progress = new VersionedState<SourceProgress>(new SourceProgress());
        _loop = new MachineLoop<SourceInput, SourceTimer>(context.Time, timer => new SourceInput.TimerExpired(timer));
        _statistics = new SourceStatistics(context.Time);
        _stall = new StallWatch(order.CopiedDisks, context.Limits);
        _since = order.Since ?? context.Time.GetUtcNow();
        _speedMiBps = order.Stream.BandwidthMiBps;
        if (order.PeerUri is { } uri)
            _link = NewLink(uri);
    }

    /// <summary>Where it stands, for those who wait and for the operator.</summary>
    public VersionedState<SourceProgress> Progress => _progress;

    public HandoverId Id => _order.Id;

    public Domain Domain => _domain;

    /// <summary>True once nothing can happen any more.</summary>
    public bool IsOver => _state is SourceState.Closed;

    /// <summary>The destination has acknowledged that it is over, or had ended it itself.</summary>
    public bool PeerKnows => _peerKnows;

    /// <summary>For people: the host's own name as well, when it has told it and the URI does not say it.</summary>
    private string PeerName => (_order.PeerUri, PeerHost) switch
    {
        (null, _) => "its destination",
        ({ } uri, { } host) when !uri.Contains(host, StringComparison.OrdinalIgnoreCase) => $"{host} ({uri})",
        ({ } uri, _) => uri,
    };

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
            MayPostCopy = order.Flags.HasFlag(MigrationFlags.PostCopy),
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
        var migration = new OutgoingMigration(
            context, domain, job, order, SourceMachine.Restarted(record, evidence, context.Limits, CanBeAsked(context, order.PeerUri, order.PeerHostUuid)));
        migration._link?.Keep();
        return migration;
    }

    /// <summary>It is known which host the destination is, and there is a way to it. Our own address is that of a peer which can only be reached on its own
    /// machine.</summary>
    private static bool CanBeAsked(MigrationContext context, string? uri, Guid? host) => uri is { Length: > 0 } && host is not null && uri != context.Host.PeerUri;

    /// <summary>Completes when the machine is closed and its record is durable.</summary>
    public Task Completion => _running;

    /// <summary>Waits for the end.</summary>
    /// <returns>True: the guest is this host's, and its copy here has died.</returns>
    public async Task<bool> MayStartAnewAsync(CancellationToken ct)
    {
        await Completion.WaitAsync(ct);
        return _state is SourceState.Closed { Outcome: MigrationOutcome.StayedOnSource { GuestDied: true } };
    }

    /// <summary>Managed: the client comes back from the destination with its cookie.</summary>
    public async Task<ImmutableArray<byte>> PerformAsync(DestinationTerms destination, MigrationParameters parameters, CancellationToken ct)
    {
        _terms = destination;
        _order = _order with { Parameters = parameters, PeerUri = destination.PeerUri ?? _order.PeerUri };
        _loop.Post(new SourceInput.PerformCalled(destination.Kind));
        var reached = await _progress.WaitAsync(p => p.PerformAnswered || p.Outcome is not null, ct);
        return reached.PerformAnswered ? PerformCookie() : throw MigrationFailures.ToException(reached.Outcome, _domain.Name);
    }

    /// <summary>Managed: the client's last call. Returns when the machine has said its word, whatever the client believes.</summary>
    /// <param name="cancelled">The client's belief.</param>
    /// <param name="answer">The destination's own word, if its cookie carried one for this hand-over.</param>
    /// <param name="figures">The destination's figures, likewise.</param>
    /// <param name="ct">Stops the wait only.</param>
    public async Task ConfirmAsync(bool cancelled, PeerAnswer? answer, CookieStatistics? figures, CancellationToken ct)
    {
        _statistics.Finished(figures);
        if (answer is { } said)
            _loop.Post(new SourceInput.PeerAnswered(Id, said));

        _loop.Post(new SourceInput.ConfirmCalled(cancelled));
        var reached = await _progress.WaitAsync(p => p.Outcome is not null, ct);
        if (reached.Outcome is MigrationOutcome.Moved || (cancelled && reached.Outcome is MigrationOutcome.StayedOnSource))
            return;

        throw MigrationFailures.ToException(reached.Outcome, _domain.Name);
    }

    /// <summary>The definition for the destination.</summary>
    public string DestinationXml => _order.DestinationXml;

    /// <summary>Managed: waits until the attempt is on record, so that the client may go on.</summary>
    public async Task BegunAsync(CancellationToken ct)
    {
        var reached = await _progress.WaitAsync(p => p.BeginAnswered || p.Outcome is not null, ct);
        if (!reached.BeginAnswered)
            throw MigrationFailures.ToException(reached.Outcome, _domain.Name);
    }

    /// <summary>Lets the machine go; whoever keeps the list of migrations has it in there by now.</summary>
    /// <param name="over">Called when the machine has nothing left to do.</param>
    public void Start(Func<Task> over) => _running = RunAsync(over);

    /// <summary>Peer-to-peer: waits for the end.</summary>
    /// <exception cref="WherryException">The guest stayed here, or nobody can say yet.</exception>
    public async Task MovedAsync(CancellationToken ct)
    {
        var reached = await _progress.WaitAsync(p => p.Outcome is not null, ct);
        if (reached.Outcome is MigrationOutcome.Moved)
            return;

        // Who tries again at once must find the place at the destination free. Without a connection it cannot be told anything now.
        if (_link?.Current is not null)
            await _farewell.WaitAsync(ct);

        throw reached.PrepareError ?? MigrationFailures.ToException(reached.Outcome, _domain.Name, PeerName);
    }

    /// <summary>AbortJob, suspend, resume or destroy while migrating: the machine admits or refuses it.</summary>
    /// <exception cref="WherryException">OperationInvalid with the machine's reason.</exception>
    public Task AdmitAsync(UserCall call, CancellationToken ct)
    {
        var verdict = _userCalls.Ask(call);
        _loop.Post(new SourceInput.UserCalled(call));
        return verdict.WaitAsync(ct);
    }

    /// <summary>virDomainAbortJobFlags.</summary>
    /// <param name="postCopy">Break a running post-copy, instead of giving the migration up.</param>
    /// <param name="ct">Stops waiting.</param>
    public async Task AbortAsync(bool postCopy, CancellationToken ct)
    {
        await AdmitAsync(postCopy ? UserCall.PausePostCopy : UserCall.AbortJob, ct);
        if (postCopy)
            await Qemu.PausePostCopyAsync(ct);
    }

    public void ClientGone() => _loop.Post(new SourceInput.ClientGone());

    public async ValueTask DisposeAsync()
    {
        await _leaving.CancelAsync();
        await EndAsync();
    }

    private async Task EndAsync()
    {
        await _loop.DisposeAsync();
        _turnedBack.Dispose();
        _userCalls.End();
        _progress.Complete(MigrationFailures.Ended(_domain.Name));
        if (_qemu is not null)
            await _qemu.DisposeAsync();

        if (_memory is not null)
            await _memory.DisposeAsync();
        else if (File.Exists(TunnelPath))
            File.Delete(TunnelPath); // of a daemon that died

        // The guest is free; a destination that is dead may take its time to be told. A call that came now would be refused for it.
        _job.Dispose();
        await _farewell;
        if (_link is not null)
            await _link.DisposeAsync();
    }

    private async Task RunAsync(Func<Task> over)
    {
        await Task.Yield();
        try
        {
            _domain.Jobs.AbortAsync = AbortAsync;
            WatchProcess();
            Stands(_state);
            _domain.Change(s => s with { Job = _statistics.Running(Undecided) });
            await ExecuteAsync(_first);
            if (IsSettled())
                return;

            await _loop.RunAsync(async input =>
            {
                var step = SourceMachine.Step(_state, input);
                if (step.Next.GetType() != _state.GetType())
                    MigrationLog.SourceState(_logger, Id, _domain.Name, step.Next.GetType().Name);

                Stands(step.Next);
                _state = step.Next;
                await ExecuteAsync(step);
                ShowDoubt();
                return !IsSettled();
            });
        }
        catch (OperationCanceledException) when (_loop.Ending.IsCancellationRequested)
        {
            // The daemon stops; its successor goes on from the record.
        }
        catch (Exception e)
        {
            // Worse than any failure of a migration: our own mistake. The record stands, so nothing about the guest is guessed.
            MigrationLog.Broken(_logger, e, Id, _domain.Name);
            throw;
        }
        finally
        {
            _domain.Jobs.AbortAsync = null;
            await EndAsync();
            await over();
        }
    }

    /// <summary>
    /// The death of our QEMU is known from its pidfd, whoever caused it. It counts when the driver has cleaned up after it: a caller who
    /// hears that the guest has moved must not find it here still.
    /// </summary>
    private void WatchProcess() => _loop.Start(
        async ct =>
        {
            await _domain.RunEndedAsync(ct);
            return new SourceInput.QemuGone();
        },
        _ => new SourceInput.QemuGone());

    /// <summary>Closed, and the disk knows.</summary>
    private bool IsSettled() => _state is SourceState.Closed && _progress.Current.ClosedDurable;

    private PeerLink NewLink(string uri) => new(
        uri,
        _context.Dialer,
        _context.Time,
        lost: () => _loop.Post(new SourceInput.LinkLost()),
        greet: (peer, ct) => _state.Attempt.IsLegacy ? Task.CompletedTask : peer.AttachAsync(Id.Value, ct),
        restored: () => _loop.Post(new SourceInput.LinkRestored()));
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
