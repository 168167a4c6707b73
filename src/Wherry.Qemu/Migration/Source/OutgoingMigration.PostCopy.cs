using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>S8p: the guest runs at the destination and fetches from here what it lacks.</summary>
internal sealed partial class OutgoingMigration
{
    // Both QEMUs tell each other what has arrived; a connection that falls silent meanwhile is cut.
    private static readonly TimeSpan RecoverPatience = TimeSpan.FromSeconds(30);

    private MigrationUri? _resumeUri; // of a client that has called Prepare itself

    /// <summary>A migration with POSTCOPY_RESUME: takes up again what broke, or what its user broke.</summary>
    /// <param name="uri">Where the destination listens again, if the client has asked it; null: ask it.</param>
    /// <param name="ct">Stops waiting.</param>
    public Task ResumePostCopyAsync(MigrationUri? uri, CancellationToken ct)
    {
        Interlocked.Exchange(ref _resumeUri, uri);
        return AdmitAsync(UserCall.ResumePostCopy, ct);
    }

    /// <summary>Managed, third call of such a migration: the client has made the destination listen. Whoever called first is waited for in Confirm.</summary>
    public async Task<ImmutableArray<byte>> PerformResumeAsync(PhaseCall call, CancellationToken ct)
    {
        var uri = call.Parameters.MigrateUri ?? throw new WherryException(ErrorCode.InternalError, "domainMigratePrepare3 did not set uri");
        await ResumePostCopyAsync(MigrationUri.Parse(uri), ct);
        return PerformCookie();
    }

    public ImmutableArray<byte> ResumeCookie() => [.. OwnCookie().ToBytes()];

    private async Task<SourceInput?> StartPostCopyAsync(CancellationToken ct)
    {
        await Qemu.StartPostCopyAsync(ct);
        return null; // what becomes of it is observed
    }

    private SourceInput? PostCopyNotStarted(Exception e)
    {
        MigrationLog.EffectFailed(_logger, Id, _domain.Name, "start of post-copy", e.Message);
        return null;
    }

    private async Task<SourceInput?> LookAtStreamAsync(CancellationToken ct)
    {
        _lastReported = StreamStatus.None;
        await Qemu.FollowAsync(ct);
        return null; // observed
    }

    /// <summary>A connection that died without a word would let the guest wait for its memory for as long as TCP is willing to: a quarter of an hour.</summary>
    private async Task<SourceInput?> WatchPostCopyAsync(CancellationToken ct)
    {
        while (_state is SourceState.PostCopy)
        {
            await Task.Delay(StallWatch.Interval, timeProvider: _context.Time, ct);
            if (_state is SourceState.PostCopy { Stage: PostCopyStage.Flowing } && _stall.Tick() is { } why)
            {
                MigrationLog.PostCopyStalled(_logger, Id, _domain.Name, why.Text);
                await Qemu.PausePostCopyAsync(ct);
            }
        }

        return null;
    }

    private async Task<SourceInput?> RecoverStreamAsync(CancellationToken ct)
    {
        var uri = Interlocked.Exchange(ref _resumeUri, value: null) ?? await ListenAgainAtPeerAsync(ct);
        using var limit = new CancellationTokenSource(RecoverPatience, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await Qemu.RecoverPostCopyAsync(uri, either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Not cut: the destination may be in the midst of it, and would die of that (QEMU 7.2). It may yet come; until then the next try is refused.
            throw new WherryException(ErrorCode.OperationTimeout, $"post-copy could not be taken up again over {uri} within {RecoverPatience.TotalSeconds:0} s");
        }

        MigrationLog.PostCopyRecovered(_logger, Id, _domain.Name);
        if (_state.Attempt.IsLegacy)
            FinishResumed();
        return null; // observed
    }

    /// <summary>libvirt's own handshake for it, which a stock destination knows as well.</summary>
    private async Task<MigrationUri> ListenAgainAtPeerAsync(CancellationToken ct)
    {
        var peer = await LinkToAsk().WaitAsync(QuestionDeadline, ct);
        var live = _domain.Snapshot.Live ?? throw new PeerLostException($"{_domain} has ended");
        var parameters = _order.Parameters with { DestinationXml = MigrationDefinitions.ForDestination(live, asked: null) };
        var call = new PhaseCall(parameters, ResumeCookie(), _order.DestinationFlags | MigrationFlags.PostCopyResume);
        var reply = await WithDeadlineAsync(t => peer.PrepareAsync(call, t), PrepareDeadline, "Prepare (resume)", ct);
        return MigrationUri.Parse(Believed(peer, reply) ?? _order.Parameters.MigrateUri
            ?? throw new WherryException(ErrorCode.InternalError, "domainMigratePrepare3 did not set uri"));
    }

    /// <summary>A stock destination leaves its job when the Finish of the new round is answered; ours needs none.</summary>
    private void FinishResumed() => _loop.Start(
        async ct =>
        {
            var peer = await LinkToAsk().WaitAsync(QuestionDeadline, ct);
            var call = FinishCall(startPaused: false);
            await peer.FinishAsync(call with { Flags = call.Flags | MigrationFlags.PostCopyResume }, cancelled: false, ct);
            return null;
        },
        e =>
        {
            MigrationLog.FinishRefused(_logger, Id, _domain.Name, e.Message);
            return null;
        });

    private SourceInput RecoveryFailed(Exception e)
    {
        MigrationLog.PostCopyNotRecovered(_logger, Id, _domain.Name, e.Message);
        return new SourceInput.RecoveryFailed(
            new Failure(FailureKind.PostCopyLost, $"{PeerName} answered: {e.Message}"), GuestIsGone: e is WherryException { Code: ErrorCode.NoDomain });
    }

    private void ShowPostCopy(bool broken)
    {
        var status = DomainStatus.Paused(broken ? PausedReason.PostcopyFailed : PausedReason.Postcopy);
        if (_domain.Snapshot.Status is { State: DomainState.Paused } now && now != status)
            _domain.Apply(new DomainInput.StatusSet(status, LifecycleEvent.Suspended(broken ? SuspendedDetail.PostcopyFailed : SuspendedDetail.Postcopy)));

        _domain.ReportJob(_statistics.Running(Undecided));
    }
}
