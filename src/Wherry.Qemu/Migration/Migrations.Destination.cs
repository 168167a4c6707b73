using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Destination;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>Migrations to this host.</summary>
public sealed partial class Migrations
{
    // Mandatory features of a Begin cookie that concern this host only if the definition does, which is checked on its own.
    private static readonly System.Collections.Immutable.ImmutableArray<string> KnownFeatures = ["lockstate", "memory-hotplug", "cpu-hotplug"];

    /// <summary>Starts a QEMU that waits for the guest.</summary>
    /// <param name="call">Parameters with the definition, the source's cookie, flags.</param>
    /// <param name="client">The connection the call came on.</param>
    /// <param name="ct">Stops the caller's wait; the attempt goes on until its owner is gone.</param>
    public async Task<PrepareReply> PrepareAsync(PhaseCall call, IncomingClient client, CancellationToken ct)
    {
        if (call.Flags.HasFlag(MigrationFlags.Tunnelled))
            throw new WherryException(ErrorCode.InternalError, "Tunnelled migration requested but invalid RPC method called");

        return (await PrepareAnyAsync(call, client, ct)).Reply;
    }

    /// <summary>The same, with the memory to come over a stream of the caller's connection.</summary>
    /// <returns>The destination's cookie, and where the memory is to be written.</returns>
    public async Task<(PrepareReply Reply, Stream Tunnel)> PrepareTunnelAsync(PhaseCall call, IncomingClient client, CancellationToken ct)
    {
        if (!call.Flags.HasFlag(MigrationFlags.Tunnelled))
            throw new WherryException(ErrorCode.InternalError, "PrepareTunnel called but no TUNNELLED flag set");

        var (reply, migration) = await PrepareAnyAsync(call, client, ct);
        return (reply, await migration!.OpenTunnelAsync(ct)); // there is one: neither offline nor a resumed post-copy can be tunnelled
    }

    private async Task<(PrepareReply Reply, IncomingMigration? Migration)> PrepareAnyAsync(PhaseCall call, IncomingClient client, CancellationToken ct)
    {
        MigrationFlagRules.Validate(call.Flags);
        var xml = call.Parameters.DestinationXml ?? throw new WherryException(ErrorCode.InternalError, "no domain XML passed");
        var definition = await _context.Driver.CompleteAsync(xml, newDomain: true, ct);
        var cookie = MigrationCookie.Parse(
            call.Cookie.AsSpan(),
            new CookieExpectation(definition.Spec.Name, definition.Spec.Uuid, _context.Host.HostUuid, KnownFeatures));
        definition = MigrationDefinitions.Renamed(definition, call.Parameters.DestinationName, _context.Driver.NvramOf);
        if (call.Flags.HasFlag(MigrationFlags.PostCopyResume))
        {
            var broken = FindIncoming(cookie, definition.Spec.Name)
                ?? throw new WherryException(ErrorCode.NoDomain, $"no domain with matching name '{definition.Spec.Name}'");
            return (await broken.RecoverAsync(call, ct), broken);
        }

        if (call.Flags.HasFlag(MigrationFlags.Offline))
            return (await PrepareOfflineAsync(call, definition, client), null);

        RefuseKnown(cookie);
        var tls = TlsFor(call.Flags, MigrationParty.Destination);
        await EndEarlierAttemptsAsync(definition.Spec.Uuid, cookie, ct);
        RefuseInDoubt(definition.Spec.Uuid);
        var domain = _context.Driver.AddActive(definition);
        JobLease? job = null;
        IncomingOrder? order = null;
        try
        {
            job = await domain.Jobs.BeginAsync(AsyncJobKind.MigrationIn, "remoteDispatchDomainMigratePrepare3Params", ct);
            order = await IncomingPreparation.DecideAsync(_context, domain, definition, call, cookie, client, tls, ct);
        }
        catch
        {
            job?.Dispose();
            await _context.Driver.ForgetUnlessUsedAsync(domain);
            throw;
        }

        var migration = IncomingMigration.Prepare(_context, domain, job, order);
        TellWhenGone(client.Connection, migration.LinkLost);
        Keep(migration);
        return (await migration.PreparedAsync(ct), migration);
    }

    /// <summary>A source begins every attempt with an id of its own. What became of one that is known here has been told, or will be (rule 4).</summary>
    private void RefuseKnown(MigrationCookie? begun)
    {
        if (begun is not { Handover: { } handover })
            return;

        var id = new HandoverId(handover.HandoverId);
        if (_incoming.ContainsKey(id) || _remembered.ContainsKey(id) || _context.Journal.Find(id) is not null || _damaged.Any(wreck => wreck.Id == id && !wreck.IsCleared))
            throw new WherryException(ErrorCode.OperationInvalid, $"hand-over {id} of domain '{begun.Name}' has been prepared before: each attempt has an id of its own");
    }

    /// <summary>
    /// A source of ours has one attempt at a time and begins none while another is in doubt: that it begins this one is the farewell of those
    /// before, which may have been lost with the link. One that may run the guest does not listen to it, as to any farewell.
    /// </summary>
    private async Task EndEarlierAttemptsAsync(Guid uuid, MigrationCookie? begun, CancellationToken ct)
    {
        if (begun is not { Handover: { } handover, HostUuid: var source })
            return;

        foreach (var earlier in _incoming.Values.Where(m => m.Domain.Uuid == uuid && m.Id.Value != handover.HandoverId && m.SourceHostUuid == source))
        {
            if (await earlier.SupersedeAsync(ct) == PeerAnswer.Abort)
                await earlier.Completion.WaitAsync(ct);
        }
    }

    /// <summary>Finish: with cancelled=0 the source lets go of the guest, and success says that it is this host's.</summary>
    public async Task<(Domain Domain, FinishReply Reply)> FinishAsync(PhaseCall call, bool cancelled, CancellationToken ct)
    {
        var name = call.Parameters.DestinationName
            ?? throw new WherryException(ErrorCode.InternalError, "no destination name passed to Finish");
        if (call.Flags.HasFlag(MigrationFlags.Offline))
            return await FinishOfflineAsync(call, name, cancelled, ct);

        var cookie = ReadPerformCookie(call, name);
        if (FindIncoming(cookie, name) is { } migration)
        {
            if (!cancelled)
                RequireNamed(migration, cookie);

            return (migration.Domain, await migration.FinishAsync(cookie, cancelled, call.Flags.HasFlag(MigrationFlags.Paused), ct));
        }

        // A late or repeated Finish of a hand-over that is settled: the same answer as then, without a second effect (F13).
        if (cookie?.Handover is { } handover
            && _remembered.TryGetValue(new HandoverId(handover.HandoverId), out var answer)
            && answer == PeerAnswer.Run
            && _context.Driver.Domains.Find(name) is { } domain)
        {
            return (domain, new FinishReply([]));
        }

        throw new WherryException(ErrorCode.NoDomain, $"no domain with matching name '{name}'");
    }

    /// <summary>A client that gives up may have no cookie of the source's. Who lets go of the guest has one, and says by it of which attempt it speaks.</summary>
    private static void RequireNamed(IncomingMigration migration, MigrationCookie? cookie)
    {
        if (migration.Kind == PeerKind.Wherry && cookie?.Handover is null)
        {
            throw new WherryException(
                ErrorCode.OperationInvalid, $"Finish of domain '{migration.Domain.Name}' does not name the hand-over with which it was prepared, {migration.Id}");
        }
    }

    /// <summary>What became of a hand-over; has the effect of a repeated Finish. An unknown id never ran here and never will (rule 4).</summary>
    public async Task<ResolveAnswer> ResolveAsync(Guid handoverId, Guid domainUuid, bool startPaused, CancellationToken ct)
    {
        var id = new HandoverId(handoverId);
        return Outside(_incoming.TryGetValue(id, out var migration)
            ? await migration.ResolveAsync(startPaused, ct)
            : AnswerSettled(id, domainUuid));
    }

    /// <summary>The source's copy died before it let go of it, or went on there unheard: what has not been decided here is given up.</summary>
    public async Task<ResolveAnswer> WithdrawAsync(Guid handoverId, Guid domainUuid, CancellationToken ct)
    {
        var id = new HandoverId(handoverId);
        return Outside(_incoming.TryGetValue(id, out var migration) ? await migration.WithdrawAsync(ct) : AnswerSettled(id, domainUuid));
    }

    private static ResolveAnswer Outside(PeerAnswer answer) => answer switch
    {
        PeerAnswer.Run => ResolveAnswer.Run,
        PeerAnswer.Abort => ResolveAnswer.Abort,
        _ => ResolveAnswer.Pending,
    };

    private PeerAnswer AnswerSettled(HandoverId id, Guid domainUuid) => _remembered.TryGetValue(id, out var final) ? final : AnswerUnknown(id, domainUuid);

    /// <summary>
    /// Rule 4 rests on a journal that loses nothing, and on a machine for everything in it. Where one is missing, a person has to look; and once the guest is
    /// here for good, however it came, the copy of the one who asks must never run again.
    /// </summary>
    private PeerAnswer AnswerUnknown(HandoverId id, Guid domainUuid)
    {
        if (_damaged.Any(wreck => wreck.Id == id && !wreck.IsCleared) || _context.Journal.Find(id) is { Destination: not null })
            return PeerAnswer.Pending;

        var comes = _incoming.Values.Any(m => m.Domain.Uuid == domainUuid && m.FinalAnswer != PeerAnswer.Run);
        return !comes && _context.Driver.Domains.Find(domainUuid) is { Snapshot.IsActive: true } ? PeerAnswer.Run : DestinationRecords.AnswerUnknown;
    }

    /// <summary>The source daemon is back, on another connection.</summary>
    public void Attach(Guid handoverId, object client)
    {
        if (_incoming.TryGetValue(new HandoverId(handoverId), out var migration))
        {
            TellWhenGone(client, migration.LinkLost);
            migration.LinkRestored();
        }
    }

    /// <summary>The source has ended its copy: the record may go.</summary>
    public async Task ForgetAsync(Guid handoverId, CancellationToken ct)
    {
        if (_incoming.TryGetValue(new HandoverId(handoverId), out var migration))
            await migration.ForgetAsync(ct);
    }

    private void Keep(IncomingMigration migration)
    {
        _incoming[migration.Id] = migration;
        migration.Start(over: async () =>
        {
            if (migration.FinalAnswer is { } answer)
                Remember(migration.Id, answer);

            _incoming.TryRemove(new(migration.Id, migration));
            await _context.Driver.ForgetUnlessUsedAsync(migration.Domain);
        });
    }

    private MigrationCookie? ReadPerformCookie(PhaseCall call, string name)
    {
        if (call.Cookie.IsEmpty)
            return null;

        var uuid = _context.Driver.Domains.Find(name)?.Uuid
            ?? throw new WherryException(ErrorCode.NoDomain, $"no domain with matching name '{name}'");
        return MigrationCookie.Parse(call.Cookie.AsSpan(), new CookieExpectation(null, uuid, _context.Host.HostUuid, KnownFeatures));
    }

    /// <summary>By id; a stock source has none, so by name.</summary>
    private IncomingMigration? FindIncoming(MigrationCookie? cookie, string name) => cookie?.Handover is { } handover
        ? _incoming.GetValueOrDefault(new HandoverId(handover.HandoverId))
        : _incoming.Values.FirstOrDefault(m => m.Domain.Name == name && m.FinalAnswer != PeerAnswer.Abort);
}

/// <summary>The connection on which Prepare came.</summary>
/// <param name="Connection">Its identity, as <see cref="Migrations.ClientGone"/> will name it.</param>
/// <param name="Ping">One keepalive round trip, as long as its token has patience; false when it will not be answered any more.</param>
public sealed record IncomingClient(object Connection, Func<CancellationToken, Task<bool>> Ping);
