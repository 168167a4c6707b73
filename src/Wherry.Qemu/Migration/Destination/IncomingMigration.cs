using Microsoft.Extensions.Logging;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>
/// One migration to this host: carries out what <see cref="DestinationMachine"/> decides, and tells it what came of it.
/// </summary>
/// <remarks>
/// <code>
///   Prepare, Finish, Resolve, Forget       QEMU (queries, woken by events; pidfd)        the connection Prepare came on
///                 \                                   |                                      /
///                  +---------------- inputs --------- v ------------------------------------+
///                                   MachineLoop ──► DestinationMachine.Step
///                                                        |  effects, in order
///                   journal  &lt;────── Persist ────────────+──────► QEMU, answers
/// </code>
/// The point of no return is in here once: the journal's INTENT, written by <see cref="Persist"/>, in front of the machine's Cont.
/// </remarks>
internal sealed partial class IncomingMigration : IAsyncDisposable
{
    /// <summary>Less than a source waits for any answer.</summary>
    private static readonly TimeSpan WithdrawPatience = TimeSpan.FromSeconds(3);

    private readonly MigrationContext _context;
    private readonly Domain _domain;
    private readonly JobLease _job;
    private readonly IncomingOrder _order;
    private readonly DestinationStep _first;
    private readonly MachineLoop<DestinationInput, DestinationTimer> _loop;
    private readonly VersionedState<DestinationProgress> _progress = new(new DestinationProgress());
    private readonly ILogger _logger;
    private DestinationState _state;
    private MigrationCookie? _performCookie;
    private ulong _performCookieAt;
    private long _performCookieTimestamp;
    private Task _running = Task.CompletedTask;

    private IncomingMigration(MigrationContext context, Domain domain, JobLease job, IncomingOrder order, DestinationStep first)
    {
        _first = first;
        _context = context;
        _domain = domain;
        _job = job;
        _order = order;
        _savedParameters = order.SavedParameters;
        _state = first.Next;
        _logger = context.Logger;
        _loop = new MachineLoop<DestinationInput, DestinationTimer>(context.Time, timer => new DestinationInput.TimerExpired(timer));
        _since = context.Time.GetUtcNow();
    }

    public HandoverId Id => _order.Id;

    public Domain Domain => _domain;

    /// <summary>Whether the source names its attempt by its id.</summary>
    public PeerKind Kind => _order.Kind;

    /// <summary>Completes when the machine has nothing left to do or to answer.</summary>
    public Task Completion => _running;

    /// <summary>The final word, once there is one; late questions are answered from it.</summary>
    public PeerAnswer? FinalAnswer => _progress.Current.Answer;

    /// <summary>Starts an attempt: cookie and definition are checked, name and UUID are reserved, the job is held.</summary>
    public static IncomingMigration Prepare(MigrationContext context, Domain domain, JobLease job, IncomingOrder order) =>
        new(context, domain, job, order, DestinationMachine.Prepare(new DestinationAttempt
        {
            Id = order.Id,
            Mode = order.Mode,
            Peer = order.Kind,
            StartPaused = order.Flags.HasFlag(MigrationFlags.Paused),
            Limits = context.Limits,
        }));

    /// <summary>Goes on with the attempt of a daemon that died.</summary>
    public static IncomingMigration Restart(
        MigrationContext context, Domain domain, JobLease job, IncomingOrder order, DestinationRecord record, QemuEvidence evidence)
    {
        var migration = new IncomingMigration(context, domain, job, order, DestinationMachine.Restarted(record, evidence, context.Limits, order.Flags.HasFlag(MigrationFlags.PostCopy)));
        migration.Heard("not heard of");
        return migration;
    }

    /// <summary>Lets the machine go; whoever keeps the list of migrations has it in there by now.</summary>
    /// <param name="over">Called when the machine has nothing left to do or to answer.</param>
    public void Start(Func<Task> over) => _running = RunAsync(over);

    /// <summary>Waits until QEMU listens.</summary>
    /// <exception cref="WherryException">It could not be started; nothing is left of it.</exception>
    public async Task<PrepareReply> PreparedAsync(CancellationToken ct)
    {
        var reached = await _progress.WaitAsync(p => p.Prepared || p.Failure is not null, ct);
        if (!reached.Prepared)
            throw reached.LaunchError ?? MigrationFailures.ToException(reached.Failure!); // the wait ends by one of the two

        FaultPoint.Reached("dst.replied");
        return new PrepareReply(PrepareCookie(), _order.UriOut);
    }

    /// <summary>Prepared, and tunnelled: what is written here goes to QEMU.</summary>
    public Task<Stream> OpenTunnelAsync(CancellationToken ct) => TunnelSocket.ConnectAsync(_order.ListenUri.Path, ct);

    /// <summary>Finish: with cancelled=0 this is COMMIT, and its success says that the guest is this host's.</summary>
    /// <exception cref="WherryException">MigrateFinishOk: cancelled as asked. Otherwise the guest does not run here and never will.</exception>
    public async Task<FinishReply> FinishAsync(MigrationCookie? cookie, bool cancelled, bool startPaused, CancellationToken ct)
    {
        FaultPoint.Reached("dst.commit.received");
        if (_performCookie is null && cookie is not null)
        {
            _performCookieAt = (ulong)_context.Time.GetUtcNow().ToUnixTimeMilliseconds();
            _performCookieTimestamp = _context.Time.GetTimestamp();
            _performCookie = cookie;
        }

        _loop.Post(new DestinationInput.FinishCalled(Id, cancelled, startPaused));
        var reached = await _progress.WaitAsync(p => p.Answer is not null, ct);
        if (reached.Answer == PeerAnswer.Run)
        {
            FaultPoint.Reached("dst.run.replied");
            return new FinishReply(FinishCookie());
        }

        throw cancelled
            ? new WherryException(ErrorCode.MigrateFinishOk, $"migration successfully aborted")
            : MigrationFailures.ToException(reached.Failure!); // an ABORT always comes with its reason
    }

    /// <summary>The source has begun another attempt, so this one is over there.</summary>
    /// <returns>Abort, unless the guest may already run here.</returns>
    public async Task<PeerAnswer> SupersedeAsync(CancellationToken ct)
    {
        _loop.Post(new DestinationInput.FinishCalled(Id, Cancelled: true, StartPaused: false));
        return (await _progress.WaitAsync(p => p.Answer is not null, ct)).Answer!.Value; // the wait ends when it is set
    }

    /// <summary>The source has not let go of the guest and never will, or has taken it back: what is not decided here is given up.</summary>
    /// <returns>Pending while that takes its time: asking again is harmless.</returns>
    public async Task<PeerAnswer> WithdrawAsync(CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(WithdrawPatience, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await SupersedeAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return PeerAnswer.Pending;
        }
    }

    /// <summary>Resolve: what became of this hand-over.</summary>
    public async Task<PeerAnswer> ResolveAsync(bool startPaused, CancellationToken ct)
    {
        if (_progress.Current.Answer is { } final)
            return final;

        var question = Interlocked.Increment(ref _questions);
        _loop.Post(new DestinationInput.ResolveCalled(Id, startPaused));
        var reached = await _progress.WaitAsync(p => p.ResolvesAnswered >= question || p.Answer is not null, ct);
        return reached.Answer ?? reached.LastResolve;
    }

    /// <summary>Forget: the source's copy is gone for good.</summary>
    public async Task ForgetAsync(CancellationToken ct)
    {
        _loop.Post(new DestinationInput.ForgetCalled(Id));
        await _progress.WaitAsync(p => p.Forgotten, ct);
    }

    /// <summary>Prepare with POSTCOPY_RESUME: listens for the source once more.</summary>
    /// <exception cref="WherryException">NoDomain: the guest that ran in post-copy has died. OperationInvalid: it is not in post-copy.</exception>
    public async Task<PrepareReply> RecoverAsync(PhaseCall call, CancellationToken ct)
    {
        await _oneRecovery.WaitAsync(ct);
        try
        {
            _recovery = call;
            var before = _progress.Current.Recoveries;
            _loop.Post(new DestinationInput.RecoverCalled());

            // Not for the caller to cancel: the next one would be given this one's answer. Listening has a deadline of its own.
            var reached = await _progress.WaitAsync(p => p.Recoveries > before, CancellationToken.None);
            return reached.Recovery!.Error is { } error // set with the count
                ? throw error
                : new PrepareReply(PrepareCookie(), reached.Recovery.UriOut);
        }
        finally
        {
            _oneRecovery.Release();
        }
    }

    /// <summary>The connection on which Prepare came is gone.</summary>
    public void LinkLost()
    {
        Heard("its connection is gone");
        _loop.Post(new DestinationInput.LinkLost());
    }

    /// <summary>The source daemon is back and asked about this hand-over.</summary>
    public void LinkRestored()
    {
        Heard("it is connected again");
        _loop.Post(new DestinationInput.LinkRestored());
    }

    /// <summary>Destroy, suspend, resume or AbortJob while migrating in: the machine admits or refuses it.</summary>
    /// <exception cref="WherryException">OperationInvalid with the machine's reason.</exception>
    public Task AdmitAsync(UserCall call, CancellationToken ct)
    {
        var verdict = _userCalls.Ask(call);
        _loop.Post(new DestinationInput.UserCalled(call));
        return verdict.WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        await _reset;
        _userCalls.End();
        _progress.Complete(MigrationFailures.Ended(_domain.Name));
        GiveBack();
    }

    /// <summary>The job and the ports; once the guest is ours, or nothing is left of it.</summary>
    private void GiveBack()
    {
        foreach (var resource in _order.Resources)
            resource.Dispose();

        _recoveryPort?.Dispose();
        if (_order.Stream.Tunnelled)
            File.Delete(_context.Driver.Files.TunnelOf(Id.Value));

        _job.Dispose();
    }

    private async Task RunAsync(Func<Task> over)
    {
        await Task.Yield();
        try
        {
            if (_domain.Snapshot.IsActive)
                WatchProcess(); // of an earlier daemon's; else it is launched yet, or dead as the evidence has it
            _domain.Change(s => s with { Job = new JobStats { Type = JobType.Unbounded, Operation = JobOperation.MigrationIn } });
            await ExecuteAsync(_first);
            await _loop.RunAsync(async input =>
            {
                var step = DestinationMachine.Step(_state, input);
                if (step.Next.GetType() != _state.GetType())
                {
                    MigrationLog.DestinationState(_logger, Id, _domain.Name, step.Next.GetType().Name);
                    if (step.Next is DestinationState.Aborting aborting)
                        MigrationLog.Aborting(_logger, Id, _domain.Name, aborting.Why.Text);
                }

                Stands(step.Next);
                _state = step.Next;
                await ExecuteAsync(step);
                return !IsOver();
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
            await DisposeAsync();
            await over();
        }
    }

    /// <summary>
    /// The death of our QEMU is known from its pidfd, whoever caused it. It counts when the driver has cleaned up after it: a source that
    /// hears of the end may try again at once, and must not find the place taken.
    /// </summary>
    private void WatchProcess() => _loop.Start(
        async ct =>
        {
            await _domain.RunEndedAsync(ct);
            return new DestinationInput.QemuGone();
        },
        _ => new DestinationInput.QemuGone());

    private bool IsOver() => _state is DestinationState.Forgotten or DestinationState.Aborted && _progress.Current.Erased;
}

/// <summary>What callers of an incoming migration wait for.</summary>
internal sealed record DestinationProgress
{
    public bool Prepared { get; init; }

    /// <summary>Why it does not go on; the answer is ABORT then.</summary>
    public Failure? Failure { get; init; }

    /// <summary>The error of the launch as it was, with its own code.</summary>
    public WherryException? LaunchError { get; init; }

    /// <summary>RUN or ABORT, once final.</summary>
    public PeerAnswer? Answer { get; init; }

    public long ResolvesAnswered { get; init; }

    public PeerAnswer LastResolve { get; init; } = PeerAnswer.Pending;

    public bool Forgotten { get; init; }

    /// <summary>How often Prepare with POSTCOPY_RESUME was answered, and how the last time.</summary>
    public long Recoveries { get; init; }

    public RecoveryAnswer? Recovery { get; init; }

    /// <summary>The record is gone from the disk.</summary>
    public bool Erased { get; init; }
}

/// <summary>Answer to Prepare with POSTCOPY_RESUME: one of the two.</summary>
/// <param name="UriOut">Where QEMU listens again; null when the caller's URI is used as it is.</param>
/// <param name="Error">Why it does not listen.</param>
internal sealed record RecoveryAnswer(string? UriOut, WherryException? Error);
