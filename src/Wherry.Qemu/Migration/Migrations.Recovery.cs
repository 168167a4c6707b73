using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Destination;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Migration.Source;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Migration;

/// <summary>
/// What an earlier daemon left in the journal. Called once, after QEMUs were re-attached and before any domain is started or any call
/// is answered: until then nobody may act on a guest whose owner is not known.
/// </summary>
public sealed partial class Migrations
{
    /// <summary>Goes on with every hand-over that is not closed.</summary>
    public async Task RecoverAsync(CancellationToken ct)
    {
        _damaged = _context.Journal.Load();
        foreach (var wreck in _damaged)
            MigrationLog.RecordDamaged(_context.Logger, wreck.File.KeptAs, wreck.File.Problem);

        foreach (var record in _context.Journal.Open)
            await RecoverAsync(record, ct);
    }

    private async Task RecoverAsync(HandoverRecord record, CancellationToken ct)
    {
        if (record.Source is { Phase: SourcePhase.Closed })
        {
            MigrationLog.Recovered(_context.Logger, record.Id, record.DomainName, "source Closed, a farewell is owed");
            _farewells.Owe(record, acknowledged: false); // over; its domain may be gone, or another's by now
            return;
        }

        var domain = _context.Driver.AddRecovered(record.DomainName, record.DomainUuid);
        var evidence = await LookAsync(domain, ct);
        if (record.Source is { } source)
        {
            MigrationLog.Recovered(_context.Logger, record.Id, domain.Name, $"source {source.Phase}");
            var job = await domain.Jobs.BeginAsync(AsyncJobKind.MigrationOut, "recovery", ct);
            Keep(OutgoingMigration.Restart(_context, domain, job, OutgoingOrder.From(record, source), source, evidence));
        }
        else if (record.Destination is { } destination)
        {
            MigrationLog.Recovered(_context.Logger, record.Id, domain.Name, $"destination {destination.Phase}");
            var job = await domain.Jobs.BeginAsync(AsyncJobKind.MigrationIn, "recovery", ct);
            Keep(IncomingMigration.Restart(_context, domain, job, IncomingOrder.From(record, destination, domain.Snapshot.Live), destination, evidence));
        }
    }

    /// <summary>What QEMU itself says; never what we remember.</summary>
    private static async Task<QemuEvidence> LookAsync(Domain domain, CancellationToken ct)
    {
        if (domain.Qemu is not { } qemu)
        {
            // Active without a monitor: it lives, and does not answer yet.
            return domain.Snapshot.IsActive ? new QemuEvidence(Alive: true, Running: null, StreamStatus.None) : QemuEvidence.Dead;
        }

        try
        {
            var status = await qemu.Monitor.ExecuteAsync(new QueryStatus(), ct);
            var info = await qemu.Monitor.ExecuteAsync(new QueryMigrate(), ct);
            return new QemuEvidence(Alive: true, status.Running, StreamStatuses.Of(info.Status));
        }
        catch (Exception) when (!ct.IsCancellationRequested)
        {
            // A monitor that does not answer says nothing about the guest: alive, and unknown.
            return new QemuEvidence(Alive: true, Running: null, StreamStatus.None);
        }
    }
}
