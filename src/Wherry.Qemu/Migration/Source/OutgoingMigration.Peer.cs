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
    private static readonly TimeSpan QuestionDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FarewellDeadline = TimeSpan.FromSeconds(5);

    private async Task ConnectAsync(CancellationToken ct)
    {
        if (order.Mode != MigrationMode.PeerToPeer)
        {
            return;
        }

        var peer = await link!.DialAsync(ct); // peer-to-peer always has a peer URI, hence a link
        if (!await peer.SupportsAsync(MigrationFeature.PeerToPeer, ct))
        {
            throw new WherryException(ErrorCode.OperationFailed, "Destination libvirt does not support peer-to-peer migration protocol");
        }

        if (!await peer.SupportsAsync(MigrationFeature.MigrationV3, ct) || !await peer.SupportsAsync(MigrationFeature.Parameters, ct))
        {
            throw new WherryException(
                ErrorCode.ArgumentUnsupported, $"Migration APIs with extensible parameters are not supported by {order.PeerUri}");
        }
    }

    private async Task<SourceInput?> PrepareAtPeerAsync(CancellationToken ct)
    {
        var peer = link?.Current ?? throw new PeerLostException($"the connection to {order.PeerUri} was lost before Prepare");
        var call = new PhaseCall(order.Parameters with { DestinationXml = order.DestinationXml }, BeginCookie(), order.DestinationFlags);
        var reply = await WithDeadlineAsync(t => peer.PrepareAsync(call, t), PrepareDeadline, "Prepare", ct);
        terms = ReadTerms(reply.Cookie.AsSpan(), reply.UriOut);
        FaultPoint.Reached("src.prepare.reply");
        return new SourceInput.PrepareReplied(terms.Kind);
    }

    private SourceInput PrepareFailed(Exception e)
    {
        if (e is WherryException refusal)
        {
            progress.Update(p => p with { PrepareError = refusal });
            return new SourceInput.PrepareFailed(new Failure(FailureKind.PeerRefused, refusal.Message));
        }

        return new SourceInput.PrepareFailed(new Failure(FailureKind.LinkLost, $"Prepare at {order.PeerUri} got no answer: {e.Message}"));
    }

    /// <summary>COMMIT. The first time Finish, whose success is the answer; afterwards, or after an error reply, the question itself.</summary>
    private async Task<SourceInput?> AskPeerAsync(SourceEffect.AskPeer ask, CancellationToken ct)
    {
        var peer = await LinkToAsk().WaitAsync(QuestionDeadline, ct);
        if (order.Mode == MigrationMode.PeerToPeer && !finishAsked && terms is not null)
        {
            finishAsked = true;
            FaultPoint.Reached("src.commit.sent");
            try
            {
                var reply = await WithDeadlineAsync(t => peer.FinishAsync(FinishCall(ask.StartPaused), cancelled: false, t), FinishDeadline, "Finish", ct);
                statistics.Finished(ReadFinishCookie(reply.Cookie.AsSpan()));
                FaultPoint.Reached("src.commit.reply");
                return new SourceInput.PeerAnswered(ask.Id, PeerAnswer.Run);
            }
            catch (WherryException e) when (terms.Kind == PeerKind.Legacy)
            {
                // C7: a stock destination that answers Finish with an error has destroyed its copy.
                progress.Update(p => p with { PrepareError = e });
                return new SourceInput.PeerAnswered(ask.Id, PeerAnswer.Abort);
            }
            catch (WherryException e)
            {
                // Rule 11: the error says what went wrong, not who may run. Ask.
                MigrationLog.FinishRefused(logger, Id, domain.Name, e.Message);
                progress.Update(p => p with { PrepareError = e });
            }
        }

        var host = terms?.Cookie?.HostUuid ?? order.PeerHostUuid
            ?? throw new PeerLostException("the destination did not say which host it is");
        var answer = await WithDeadlineAsync(t => peer.ResolveAsync(ask.Id.Value, domain.Uuid, host, ask.StartPaused, t), QuestionDeadline, "Resolve", ct);
        return new SourceInput.PeerAnswered(ask.Id, answer switch
        {
            ResolveAnswer.Run => PeerAnswer.Run,
            ResolveAnswer.Abort => PeerAnswer.Abort,
            _ => PeerAnswer.Pending,
        });
    }

    private SourceInput Silent(HandoverId id, Exception e)
    {
        MigrationLog.PeerSilent(logger, Id, domain.Name, e.Message);
        return new SourceInput.PeerSilent(id);
    }

    private async Task<SourceInput?> LookAtPeerAsync(CancellationToken ct)
    {
        await using var fresh = await context.Dialer.DialAsync(PeerUri(), ct);
        var seen = await WithDeadlineAsync(t => fresh.LookAsync(domain.Uuid, t), QuestionDeadline, "domain lookup", ct);
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
        if (order.Mode != MigrationMode.PeerToPeer || link is null)
        {
            return;
        }

        await Task.Yield();
        try
        {
            await WithDeadlineAsync(
                async t =>
                {
                    var peer = await link.WaitAsync(FarewellDeadline, t);
                    return await peer.FinishAsync(FinishCall(startPaused: false), cancelled: true, t);
                },
                FarewellDeadline,
                "Finish(cancelled)",
                leaving.Token);
        }
        catch (WherryException e) when (e.Code == ErrorCode.NoDomain)
        {
            // It has given up before us.
        }
        catch (Exception e)
        {
            MigrationLog.PeerNotTold(logger, Id, domain.Name, e.Message);
        }
    }

    private async Task<SourceInput?> ForgetAtPeerAsync(HandoverId id, CancellationToken ct)
    {
        var peer = await LinkToAsk().WaitAsync(QuestionDeadline, ct);
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
        link ??= NewLink(PeerUri());
        if (link.Current is null)
        {
            link.Keep();
        }

        return link;
    }

    private string PeerUri() => order.PeerUri is { Length: > 0 } uri
        ? uri
        : throw new PeerLostException("the destination did not say where it can be reached");

    private MigrationCookie OwnCookie() => new()
    {
        Name = domain.Name,
        Uuid = domain.Uuid,
        HostName = context.Host.HostName,
        HostUuid = context.Host.HostUuid,
        Handover = new HandoverSection(Id.Value, context.Host.PeerUri, context.Host.BootId),
    };

    private bool MemoryGrows => domain.Snapshot is var now
        && (now.Live?.Spec.MaxMemory is not null || (order.PersistentXml is not null && now.Config?.Spec.MaxMemory is not null));

    /// <summary>Begin to Prepare: who moves, what is copied.</summary>
    internal ImmutableArray<byte> BeginCookie() => [.. (OwnCookie() with
    {
        MandatoryFeatures = MemoryGrows ? ["lockstate", "memory-hotplug"] : ["lockstate"],
        Nbd = order.CopiedDisks.IsEmpty
            ? null
            : new NbdSection(0, [.. order.CopiedDisks.Select(disk => new NbdDisk(disk.Target, disk.CapacityBytes))]),
        Capabilities = StreamStatuses.CookieCapabilities,
        CpuXml = domain.Snapshot.Live?.Document.GuestCpuXml,
    }).ToBytes()];

    /// <summary>Perform to Finish: the figures, the definition to keep, and an empty nbd element, which lets a stock destination stop its server.</summary>
    private ImmutableArray<byte> PerformCookie() => [.. (OwnCookie() with
    {
        Nbd = order.CopiedDisks.IsEmpty ? null : new NbdSection(0, []),
        PersistentXml = order.PersistentXml,
        Statistics = statistics.ToCookie(),
    }).ToBytes()];

    private PhaseCall FinishCall(bool startPaused) => new(
        MigrationParameters.Default with { DestinationName = order.Parameters.DestinationName ?? domain.Name, MigrateUri = terms?.DataUri.ToString() },
        PerformCookie(),
        startPaused ? order.DestinationFlags | MigrationFlags.Paused : order.DestinationFlags);

    /// <summary>What the destination's cookie and URI tell; see <see cref="DestinationTerms"/>.</summary>
    internal DestinationTerms ReadTerms(ReadOnlySpan<byte> cookieBytes, string? uriOut)
    {
        var cookie = MigrationCookie.Parse(cookieBytes, Expectation());
        var uri = uriOut ?? order.Parameters.MigrateUri
            ?? throw new WherryException(ErrorCode.InternalError, "domainMigratePrepare3 did not set uri");
        var echoed = cookie?.Handover is { } handover && handover.HandoverId == Id.Value;
        return new DestinationTerms(
            echoed ? PeerKind.Wherry : PeerKind.Legacy,
            MigrationUri.Parse(uri),
            cookie?.Nbd?.Port ?? 0,
            echoed && cookie!.Handover!.PeerUri is { Length: > 0 } peerUri ? peerUri : null,
            cookie);
    }

    private CookieStatistics? ReadFinishCookie(ReadOnlySpan<byte> bytes) => MigrationCookie.Parse(bytes, Expectation())?.Statistics;

    private CookieExpectation Expectation() => new(null, domain.Uuid, context.Host.HostUuid, []);

    private async Task<T> WithDeadlineAsync<T>(Func<CancellationToken, Task<T>> call, TimeSpan deadline, string what, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(deadline, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await call(both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new PeerLostException($"{what} at {order.PeerUri} was not answered within {deadline.TotalSeconds:0} s");
        }
    }
}
