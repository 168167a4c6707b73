using System.Collections.Immutable;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>Talking to the destination daemon. An answer, an error reply and silence are three different inputs (rule 11).</summary>
internal sealed partial class OutgoingMigration
{
    // Prepare starts a QEMU and may create images; Finish waits for the last of the memory to be loaded and starts the guest.
    private static readonly TimeSpan PrepareDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FinishDeadline = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TunnelDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan QuestionDeadline = TimeSpan.FromSeconds(5);

    // A destination whose QEMU hangs takes longer to let go than the caller of a migration that was given up should wait: 5 s in all.
    private static readonly TimeSpan FarewellDeadline = TimeSpan.FromSeconds(3);

    private async Task ConnectAsync(CancellationToken ct)
    {
        if (_order.Mode != MigrationMode.PeerToPeer)
            return;

        var peer = await _link!.DialAsync(ct); // peer-to-peer always has a peer URI, hence a link
        try
        {
            await PeerFeatures.RequireAsync(peer, offline: false, ct);
        }
        catch (PeerLostException e)
        {
            throw new WherryException(ErrorCode.OperationFailed, e.Message, inner: e); // nothing has begun
        }
    }

    private async Task<SourceInput?> PrepareAtPeerAsync(CancellationToken ct)
    {
        var peer = _link?.Current ?? throw new PeerLostException($"the connection to {_order.PeerUri} was lost before Prepare");
        var call = new PhaseCall(_order.Parameters with { DestinationXml = _order.DestinationXml }, BeginCookie(), _order.DestinationFlags);
        FaultPoint.Reached("src.prepare.sent");
        if (_order.Stream.Tunnelled)
        {
            var (tunnelled, tunnel) = await WithDeadlineAsync(t => peer.PrepareTunnelAsync(call, t), PrepareDeadline, "Prepare", ct);
            _tunnel = tunnel;
            _terms = ReadTerms(tunnelled.Cookie.AsSpan(), $"unix://{TunnelPath}");
        }
        else
        {
            var reply = await WithDeadlineAsync(t => peer.PrepareAsync(call, t), PrepareDeadline, "Prepare", ct);
            _terms = ReadTerms(reply.Cookie.AsSpan(), Believed(peer, reply));
        }

        FaultPoint.Reached("src.prepare.reply");
        return new SourceInput.PrepareReplied(_terms.Kind);
    }

    private string TunnelPath => _context.Driver.Files.TunnelOf(Id.Value);

    /// <summary>QEMU's last bytes may still be on their way when it says completed. If they are lost, the destination will say so.</summary>
    private async Task TunnelledAsync(CancellationToken ct)
    {
        if (_memory is null)
            return;

        using var limit = new CancellationTokenSource(TunnelDeadline, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await _memory.Completion.WaitAsync(either.Token);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            MigrationLog.EffectFailed(_logger, Id, _domain.Name, "end of the tunnel", e.Message);
        }
    }

    private SourceInput PrepareFailed(Exception e)
    {
        if (e is WherryException refusal)
        {
            _progress.Update(p => p with { PrepareError = refusal });
            return new SourceInput.PrepareFailed(new Failure(FailureKind.PeerRefused, refusal.Message));
        }

        return new SourceInput.PrepareFailed(new Failure(FailureKind.LinkLost, $"Prepare at {_order.PeerUri} got no answer: {e.Message}"));
    }

    /// <summary>COMMIT. The first time Finish, whose success is the answer; afterwards, or after an error reply, the question itself.</summary>
    private async Task<SourceInput?> AskPeerAsync(SourceEffect.AskPeer ask, CancellationToken ct)
    {
        var peer = await LinkToAsk().WaitAsync(QuestionDeadline, ct);
        if (!ask.Withdraws && _order.Mode == MigrationMode.PeerToPeer && !_finishAsked && _terms is not null)
        {
            _finishAsked = true;
            await TunnelledAsync(ct);
            FaultPoint.Reached("src.commit.sent");
            try
            {
                // A stock destination answers when post-copy is through; keepalive tells if it never will.
                var deadline = _state.Attempt is { IsLegacy: true, OwesMemory: true } ? Timeout.InfiniteTimeSpan : FinishDeadline;
                var reply = await WithDeadlineAsync(t => peer.FinishAsync(FinishCall(ask.StartPaused), cancelled: false, t), deadline, "Finish", ct);
                _statistics.Finished(ReadFinishCookie(reply.Cookie.AsSpan())); // which never fails: the destination has said that it runs the guest
                FaultPoint.Reached("src.commit.reply");
                return new SourceInput.PeerAnswered(ask.Id, PeerAnswer.Run);
            }
            catch (WherryException e) when (_terms.Kind == PeerKind.Legacy && _state.Attempt.OwesMemory)
            {
                // Not that it has destroyed anything: a guest that runs in post-copy is kept, however its migration ends.
                MigrationLog.FinishRefused(_logger, Id, _domain.Name, e.Message);
                return new SourceInput.PeerSilent(ask.Id);
            }
            catch (WherryException e) when (_terms.Kind == PeerKind.Legacy)
            {
                // C7: a stock destination that answers Finish with an error has destroyed its copy.
                _progress.Update(p => p with { PrepareError = e });
                return new SourceInput.PeerAnswered(ask.Id, PeerAnswer.Abort);
            }
            catch (WherryException e)
            {
                // Rule 11: the error says what went wrong, not who may run. Ask.
                MigrationLog.FinishRefused(_logger, Id, _domain.Name, e.Message);

                // That it knows no such domain is how a destination says that it has given up already, and no reason for anybody.
                if (e.Code != ErrorCode.NoDomain)
                    _progress.Update(p => p with { PrepareError = e });
            }
        }

        var host = _terms?.Cookie?.HostUuid ?? _order.PeerHostUuid
            ?? throw new PeerLostException("the destination did not say which host it is");
        var answer = ask.Withdraws
            ? await WithDeadlineAsync(t => peer.WithdrawAsync(ask.Id.Value, _domain.Uuid, host, t), QuestionDeadline, "Withdraw", ct)
            : await WithDeadlineAsync(t => peer.ResolveAsync(ask.Id.Value, _domain.Uuid, host, ask.StartPaused, t), QuestionDeadline, "Resolve", ct);
        Heard($"answered {answer.ToString().ToUpperInvariant()}", answered: true);
        return new SourceInput.PeerAnswered(ask.Id, answer switch
        {
            ResolveAnswer.Run => PeerAnswer.Run,
            ResolveAnswer.Abort => PeerAnswer.Abort,
            _ => PeerAnswer.Pending,
        });
    }

    private SourceInput Silent(HandoverId id, Exception e)
    {
        MigrationLog.PeerSilent(_logger, Id, _domain.Name, e.Message);
        Heard($"no answer ({e.Message})", answered: false);
        return new SourceInput.PeerSilent(id);
    }

    private async Task<SourceInput?> LookAtPeerAsync(CancellationToken ct)
    {
        await using var fresh = await _context.Dialer.DialAsync(PeerUri(), ct);
        var seen = await WithDeadlineAsync(t => fresh.LookAsync(_domain.Uuid, t), QuestionDeadline, "domain lookup", ct);
        Heard($"its domain was seen: {seen.ToString().ToLowerInvariant()}", answered: true);
        return new SourceInput.PeerSeen(seen switch
        {
            PeerDomain.Running => LegacySighting.Running,
            PeerDomain.Incoming => LegacySighting.Incoming,
            _ => LegacySighting.Absent,
        });
    }

    /// <summary>
    /// Beside the machine, which does not wait for it; but the connection is kept for it, or made, as after a restart: a destination that is
    /// not told holds its half until its own grace has passed, and would refuse the next attempt.
    /// </summary>
    private async Task CancelAtPeerAsync()
    {
        if (_order.Mode != MigrationMode.PeerToPeer || _link is null)
            return;

        await Task.Yield();
        try
        {
            var reply = await WithDeadlineAsync(
                async t =>
                {
                    var peer = await _link.WaitAsync(FarewellDeadline, t);
                    return await peer.FinishAsync(FinishCall(startPaused: false), cancelled: true, t);
                },
                FarewellDeadline,
                "Finish(cancelled)",
                _leaving.Token);
            _peerKnows = reply.Cookie.IsEmpty; // with one, it runs the guest
        }
        catch (WherryException e) when (e.Code == ErrorCode.NoDomain)
        {
            // It has given up before us; or it is another host, or has lost its memory. Withdraw will tell.
        }
        catch (Exception e)
        {
            MigrationLog.PeerNotTold(_logger, Id, _domain.Name, e.Message);
        }
    }

    private async Task<SourceInput?> ForgetAtPeerAsync(HandoverId id, CancellationToken ct)
    {
        var peer = await LinkToAsk().WaitAsync(QuestionDeadline, ct);
        FaultPoint.Reached("src.forget.sent");
        await WithDeadlineAsync(
            async t =>
            {
                await peer.ForgetAsync(id.Value, t);
                return true;
            },
            QuestionDeadline,
            "Forget",
            ct);
        return new SourceInput.PeerForgot(id);
    }

    /// <summary>Managed: the client had the connection to the destination, and we make our own only now.</summary>
    private PeerLink LinkToAsk()
    {
        _link ??= NewLink(PeerUri());
        if (_link.Current is null)
            _link.Keep();

        return _link;
    }

    private string PeerUri() => _order.PeerUri is { Length: > 0 } uri
        ? uri
        : throw new PeerLostException("the destination did not say where it can be reached");

    private MigrationCookie OwnCookie() => new()
    {
        Name = _domain.Name,
        Uuid = _domain.Uuid,
        HostName = _context.Host.HostName,
        HostUuid = _context.Host.HostUuid,
        Handover = new HandoverSection(Id.Value, _context.Host.PeerUri, _context.Host.BootId),
    };

    private bool MemoryGrows => _domain.Snapshot is var now
        && (now.Live?.Spec.MaxMemory is not null || (_order.PersistentXml is not null && now.Config?.Spec.MaxMemory is not null));

    /// <summary>Begin to Prepare: who moves, what is copied.</summary>
    internal ImmutableArray<byte> BeginCookie() => [.. (OwnCookie() with
    {
        MandatoryFeatures = MemoryGrows ? ["lockstate", "memory-hotplug"] : ["lockstate"],
        Nbd = _order.CopiedDisks.IsEmpty
            ? null
            : new NbdSection(0, [.. _order.CopiedDisks.Select(disk => new NbdDisk(disk.Target, disk.CapacityBytes))]),
        Capabilities = StreamStatuses.CookieCapabilities,
        CpuXml = _domain.Snapshot.Live?.Document.GuestCpuXml,
    }).ToBytes()];

    /// <summary>Perform to Finish: the figures, the definition to keep, and an empty nbd element, which lets a stock destination stop its server.</summary>
    private ImmutableArray<byte> PerformCookie() => [.. (OwnCookie() with
    {
        Nbd = _order.CopiedDisks.IsEmpty ? null : new NbdSection(0, []),
        PersistentXml = _order.PersistentXml,
        Statistics = _statistics.ToCookie(),
    }).ToBytes()];

    private PhaseCall FinishCall(bool startPaused) => new(
        MigrationParameters.Default with { DestinationName = _order.Parameters.DestinationName ?? _domain.Name, MigrateUri = _terms?.DataUri.ToString() },
        PerformCookie(),
        startPaused ? _order.DestinationFlags | MigrationFlags.Paused : _order.DestinationFlags);

    /// <summary>
    /// The data URI that the destination has chosen. One that leads to this host, where the QEMU of another guest may listen, is taken from a caller and
    /// from a destination that is on this host itself.
    /// </summary>
    private string? Believed(IMigrationPeer peer, PrepareReply reply)
    {
        if (reply.UriOut is null || peer.IsLocal || MigrationUri.Parse(reply.UriOut) is not { IsOfDialer: true } chosen)
            return reply.UriOut;

        return _order.Parameters.MigrateUri is { } asked && MigrationUri.Parse(asked).WithPort(chosen.Port) == chosen
            ? reply.UriOut
            : throw new WherryException(
                ErrorCode.InternalError,
                $"the migration URI {chosen} that {peer.Uri} has chosen leads to this host: migration requires a name or address of the destination, such as its 'migration_host'");
    }

    /// <summary>What the destination's cookie and URI tell; see <see cref="DestinationTerms"/>.</summary>
    /// <exception cref="WherryException">InternalError: the cookie cannot be read, or is of another attempt, whose destination is not this one's.</exception>
    internal DestinationTerms ReadTerms(ReadOnlySpan<byte> cookieBytes, string? uriOut)
    {
        var cookie = MigrationCookie.Parse(cookieBytes, Expectation());
        if (cookie?.Handover is { HandoverId: var prepared } && prepared != Id.Value)
            throw new WherryException(ErrorCode.InternalError, $"Incoming cookie data is of hand-over {prepared}, and domain '{_domain.Name}' leaves with hand-over {Id}");

        var uri = uriOut ?? _order.Parameters.MigrateUri
            ?? throw new WherryException(ErrorCode.InternalError, "domainMigratePrepare3 did not set uri");
        return new DestinationTerms(
            cookie?.Handover is null ? PeerKind.Legacy : PeerKind.Wherry,
            MigrationUri.Parse(uri),
            cookie?.Nbd?.Port ?? 0,
            cookie?.Handover is { PeerUri: { Length: > 0 } peerUri } ? peerUri : null,
            cookie);
    }

    /// <summary>There is nothing in it but figures; one that cannot be read has none.</summary>
    private CookieStatistics? ReadFinishCookie(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return MigrationCookie.Parse(bytes, Expectation())?.Statistics;
        }
        catch (WherryException e)
        {
            MigrationLog.FinishCookieUnreadable(_logger, Id, _domain.Name, e.Message);
            return null;
        }
    }

    private CookieExpectation Expectation() => new(null, _domain.Uuid, _context.Host.HostUuid, []);

    private async Task<T> WithDeadlineAsync<T>(Func<CancellationToken, Task<T>> call, TimeSpan deadline, string what, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(deadline, _context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await call(both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new PeerLostException($"{what} at {_order.PeerUri} was not answered within {deadline.TotalSeconds:0} s");
        }
    }
}
