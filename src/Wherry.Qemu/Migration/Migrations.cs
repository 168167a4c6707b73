using System.Collections.Concurrent;
using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Destination;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Migration.Source;

namespace Wherry.Qemu.Migration;

/// <summary>
/// All migrations of this daemon, from and to it: what the handlers of the migration procedures call.
/// </summary>
/// <remarks>
/// <code>
///   Migrations.Source        Begin, Perform, Confirm, peer-to-peer          one OutgoingMigration per domain
///   Migrations.Destination   Prepare, Finish, Resolve, Forget               one IncomingMigration per hand-over id
///   Migrations.Recovery      what an earlier daemon left in the journal
///   Farewells                destinations that have not been told yet that a migration is over
/// </code>
/// A client that closes its connection is told of to every migration it drives (<see cref="ClientGone"/>); the machines know whether that
/// means anything to them.
/// </remarks>
public sealed partial class Migrations : IHandOverGuard, IAsyncDisposable
{
    // Answers of hand-overs that are over, for a managed client's late Finish. Only that many clients can be late at once.
    private const int MaxRemembered = 1024;

    private readonly MigrationContext _context;
    private readonly ConcurrentDictionary<Guid, OutgoingMigration> _outgoing = new(); // by domain
    private readonly ConcurrentDictionary<Guid, MigrationStart> _starting = new(); // by domain, until it is outgoing or was nothing
    private readonly ConcurrentDictionary<HandoverId, IncomingMigration> _incoming = new();
    private readonly ConcurrentDictionary<HandoverId, PeerAnswer> _remembered = new();
    private readonly ConcurrentQueue<HandoverId> _rememberedInOrder = new();
    private readonly ConcurrentDictionary<object, ImmutableList<Action>> _onClientGone = new(ReferenceEqualityComparer.Instance);
    private readonly Farewells _farewells;
    private ImmutableArray<DamagedHandover> _damaged = [];

    /// <param name="parts">What migrations need of this daemon.</param>
    public Migrations(MigrationParts parts)
    {
        _context = new MigrationContext
        {
            Host = parts.Host,
            Journal = new HandoverJournal(parts.JournalDirectory),
            Dialer = parts.Dialer,
            Driver = parts.Driver,
            Tools = parts.Tools,
            Ports = parts.Ports,
            Limits = parts.Limits,
            Time = parts.Time,
            Logger = parts.Logger,
        };
        _farewells = new Farewells(_context);
    }

    /// <inheritdoc/>
    public string? Refusal(Guid uuid) =>
        Doubt(uuid) ?? (_context.Driver.Domains.Find(uuid)?.Snapshot.IsActive == true ? null : _farewells.Doubt(uuid));

    /// <summary>Why nobody may do anything with this domain just now.</summary>
    private string? Doubt(Guid uuid)
    {
        if (_outgoing.TryGetValue(uuid, out var leaving) && leaving.Doubt is { } doubt)
            return doubt;

        if (_incoming.Values.FirstOrDefault(m => m.Domain.Uuid == uuid)?.Doubt is { } arriving)
            return arriving;

        return Damaged(uuid) is { } wreck
            ? $"the record of a hand-over {(wreck.DomainUuid is null ? "that may be of this domain" : "of this domain")} is damaged: "
                + $"find out where the guest runs, then remove '{wreck.File.KeptAs}'"
            : null;
    }

    public async Task<bool> MayStartAnewAsync(Guid uuid, CancellationToken ct)
    {
        bool? ours = _outgoing.TryGetValue(uuid, out var leaving) ? await leaving.MayStartAnewAsync(ct) : null;
        return ours != false && (await _farewells.SettledAsync(uuid, ct) ?? ours ?? false);
    }

    /// <summary>A record that does not even say whose it was concerns every guest that was left on its way.</summary>
    private DamagedHandover? Damaged(Guid uuid) => _damaged.FirstOrDefault(wreck => !wreck.IsCleared
        && (wreck.DomainUuid == uuid
            || (wreck.DomainUuid is null && _context.Driver.Domains.Find(uuid)?.Snapshot.Status == DomainStatus.Paused(PausedReason.Migration))));

    /// <summary>A user's call that concerns a migrating guest: returns when it may go on, at once if the guest does not migrate.</summary>
    /// <exception cref="WherryException">OperationInvalid, saying why not now.</exception>
    public async Task AdmitAsync(Domain domain, MigrationUserCall call, CancellationToken ct)
    {
        var asked = (UserCall)call;
        if (_outgoing.TryGetValue(domain.Uuid, out var leaving))
            await leaving.AdmitAsync(asked, ct);
        else if (_incoming.Values.FirstOrDefault(m => m.Domain.Uuid == domain.Uuid && m.FinalAnswer is null) is { } arriving)
            await arriving.AdmitAsync(asked, ct);
        else if (call == MigrationUserCall.AbortJob)
            throw new WherryException(ErrorCode.OperationInvalid, "no job is active on the domain");
    }

    /// <summary>The client's connection is closed; <paramref name="client"/> is what its calls carried.</summary>
    public void ClientGone(object client)
    {
        if (_onClientGone.TryRemove(client, out var told))
        {
            foreach (var tell in told)
                tell();
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A daemon that stops leaves every migration as its record says; the next one goes on from there.
        foreach (var migration in _outgoing.Values)
            await migration.DisposeAsync();

        foreach (var migration in _incoming.Values)
            await migration.DisposeAsync();

        await _farewells.DisposeAsync();
    }

    private void TellWhenGone(object client, Action tell) =>
        _onClientGone.AddOrUpdate(client, _ => [tell], (_, others) => others.Add(tell));

    private void Remember(HandoverId id, PeerAnswer answer)
    {
        if (_remembered.TryAdd(id, answer))
        {
            _rememberedInOrder.Enqueue(id);
            while (_rememberedInOrder.Count > MaxRemembered && _rememberedInOrder.TryDequeue(out var oldest))
                _remembered.TryRemove(oldest, out _);
        }
    }

    private void RefuseInDoubt(Guid uuid)
    {
        if (Doubt(uuid) is { } refusal)
            throw new WherryException(ErrorCode.OperationInvalid, refusal);
    }
}

/// <summary>What <see cref="Migrations"/> is made of; composed once, in Program.</summary>
public sealed record MigrationParts
{
    public required MigrationHost Host { get; init; }

    /// <summary>On a disk that survives a reboot, never under /run.</summary>
    public required string JournalDirectory { get; init; }
    public required IMigrationPeerDialer Dialer { get; init; }
    public required QemuDriver Driver { get; init; }
    public required Process.ToolRunner Tools { get; init; }
    public required Launch.PortAllocator Ports { get; init; }
    public MigrationLimits Limits { get; init; } = MigrationLimits.Default;
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public required Microsoft.Extensions.Logging.ILogger Logger { get; init; }
}

/// <summary>Users' calls that a migrating guest may have to refuse.</summary>
public enum MigrationUserCall
{
    AbortJob = UserCall.AbortJob,
    Suspend = UserCall.Suspend,
    Resume = UserCall.Resume,
    Destroy = UserCall.Destroy,
}
