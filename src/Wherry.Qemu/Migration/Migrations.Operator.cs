using System.Collections.Immutable;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>What an operator sees of hand-overs, and what only he may decide (migration.md C6).</summary>
public sealed partial class Migrations
{
    /// <summary>Every hand-over that is not over, in doubt or not.</summary>
    public ImmutableArray<HandOverReport> HandOvers =>
        [.. _outgoing.Values.Select(m => m.Report).Concat(_farewells.Doubts).Concat(_incoming.Values.Select(m => m.Report)).OrderBy(report => report.DomainName, StringComparer.Ordinal)];

    /// <summary>What a person should know about a domain's migration while it lasts; for <c>virsh dominfo</c>.</summary>
    public ImmutableArray<string> Messages(Guid domain)
    {
        var leaving = _outgoing.GetValueOrDefault(domain)?.Message;
        var arriving = _incoming.Values.FirstOrDefault(m => m.Domain.Uuid == domain)?.Message;
        var untold = _farewells.Doubt(domain) is { } doubt ? $"migration in doubt: {doubt}" : null;
        return [.. new[] { leaving, arriving, untold }.OfType<string>()];
    }

    /// <summary>The destination's host is off for good: the source takes its guest back.</summary>
    /// <param name="id">The hand-over.</param>
    /// <param name="host">The host that was powered off, by the name or UUID it has in the hand-over.</param>
    /// <param name="by">Who says so.</param>
    /// <param name="ct">Stops waiting.</param>
    /// <returns>One sentence: what became of it.</returns>
    /// <exception cref="WherryException">OperationInvalid: unknown id, nothing in doubt, another host, or that host answers. InvalidArg: no host is
    /// named. OperationFailed: the guest could not be taken back; the text says how it stands.</exception>
    public async Task<string> ForceSourceAsync(Guid id, string host, string by, CancellationToken ct)
    {
        var statement = new FencingStatement(host, by, _context.Time.GetUtcNow());
        if (_outgoing.Values.FirstOrDefault(m => m.Id.Value == id) is not { } migration)
            return await _farewells.ForceAsync(new HandoverId(id), statement, ct) ?? throw Unknown(id, "source");

        var outcome = await WithinAsync(migration.TakeBackAsync(statement, ct));
        return outcome switch
        {
            MigrationOutcome.StayedOnSource { GuestDied: true } => $"domain '{migration.Domain.Name}' is shut off here: its QEMU had died before it was taken back",
            MigrationOutcome.StayedOnSource => $"domain '{migration.Domain.Name}' is back on this host",
            _ => throw MigrationFailures.ToException(outcome, migration.Domain.Name),
        };
    }

    /// <summary>The source's host is off for good: the destination, which has loaded everything, starts the guest without its word.</summary>
    /// <inheritdoc cref="ForceSourceAsync"/>
    public async Task<string> ForceDestinationAsync(Guid id, string host, string by, CancellationToken ct)
    {
        var migration = _incoming.GetValueOrDefault(new HandoverId(id)) ?? throw Unknown(id, "destination");
        await WithinAsync(migration.StartWithoutSourceAsync(new FencingStatement(host, by, _context.Time.GetUtcNow()), ct));
        return $"domain '{migration.Domain.Name}' runs on this host";
    }

    private static WherryException Unknown(Guid id, string role) =>
        new(ErrorCode.OperationInvalid, $"this host is not the {role} of any open hand-over {id}");

    private static async Task<T> WithinAsync<T>(Task<T> forced)
    {
        await WithinAsync((Task)forced);
        return await forced;
    }

    private static async Task WithinAsync(Task forced)
    {
        try
        {
            await forced;
        }
        catch (TimeoutException e)
        {
            throw new WherryException(ErrorCode.OperationTimeout, $"the statement was taken, and its effect is still awaited: {e.Message}", inner: e);
        }
    }
}
