using System.Collections.Concurrent;
using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Destination;

namespace Wherry.Qemu.Migration;

/// <summary>
/// Migrations of a guest that does not run (flag OFFLINE): its definition moves, and nothing else. There is no right to run that could be
/// lost or doubled, so there is no machine and no record; what a call began and its client did not end is dropped with the client.
/// </summary>
/// <remarks>
/// <code>
///   managed:       Begin (job held) --> Prepare (checked, remembered) --> Finish (defined) --> Confirm (undefined if asked, job ends)
///   peer-to-peer:  the same, driven from here in one call
/// </code>
/// </remarks>
public sealed partial class Migrations
{
    private readonly ConcurrentDictionary<Guid, JobLease> _leavingOffline = new(); // by domain; managed only
    private readonly ConcurrentDictionary<string, DomainDefinition> _arrivingOffline = new(StringComparer.Ordinal); // by name

    private async Task MigrateOfflineAsync(Domain domain, string peerUri, MigrationParameters parameters, MigrationFlags flags, CancellationToken ct)
    {
        using var job = await domain.Jobs.BeginAsync(AsyncJobKind.MigrationOut, "remoteDispatchDomainMigratePerform3Params", ct);
        var leaving = DescribeOffline(domain, parameters);
        await using var peer = await _context.Dialer.DialAsync(peerUri, ct);
        await PeerFeatures.RequireAsync(peer, offline: true, ct);
        try
        {
            await peer.PrepareAsync(new PhaseCall(parameters with { DestinationXml = leaving.Xml }, leaving.Cookie, flags.ForDestination()), ct);
            await peer.FinishAsync(
                new PhaseCall(
                    MigrationParameters.Default with { DestinationName = parameters.DestinationName ?? domain.Name }, OfflineCookie(domain, []), flags.ForDestination()),
                cancelled: false,
                ct);
        }
        catch (PeerLostException e)
        {
            throw new WherryException(
                ErrorCode.OperationFailed, $"the definition of domain '{domain.Name}' is still here, and {peerUri} may have it as well: {e.Message}", inner: e);
        }

        await RetireOfflineAsync(domain, flags, ct);
    }

    private async Task<BeginReply> BeginOfflineAsync(Domain domain, MigrationParameters parameters, object client, CancellationToken ct)
    {
        var job = await domain.Jobs.BeginAsync(AsyncJobKind.MigrationOut, "remoteDispatchDomainMigrateBegin3Params", ct);
        try
        {
            var leaving = DescribeOffline(domain, parameters);
            _leavingOffline[domain.Uuid] = job;
            TellWhenGone(client, () => EndOffline(domain));
            return leaving;
        }
        catch
        {
            job.Dispose();
            throw;
        }
    }

    private async Task ConfirmOfflineAsync(Domain domain, MigrationFlags flags, bool cancelled, CancellationToken ct)
    {
        try
        {
            if (!cancelled)
                await RetireOfflineAsync(domain, flags, ct);
        }
        finally
        {
            EndOffline(domain);
        }
    }

    private async Task<PrepareReply> PrepareOfflineAsync(PhaseCall call, DomainDefinition definition, IncomingClient client)
    {
        // Whether the place is free; it is taken at Finish.
        await _context.Driver.ForgetUnlessUsedAsync(_context.Driver.AddActive(definition));
        if (_arrivingOffline.Count >= MaxRemembered)
            throw new WherryException(ErrorCode.OperationFailed, $"{MaxRemembered} offline migrations to this host wait for their end");

        var name = definition.Spec.Name;
        _arrivingOffline[name] = definition;
        TellWhenGone(client.Connection, () => _arrivingOffline.TryRemove(new(name, definition)));

        // Of no use to anybody, but clients take its absence for a failure.
        return new PrepareReply([], call.Parameters.MigrateUri is null ? IncomingPreparation.AdvertisedUri(_context.Host).ToString() : null);
    }

    private async Task<(Domain Domain, FinishReply Reply)> FinishOfflineAsync(PhaseCall call, string name, bool cancelled, CancellationToken ct)
    {
        if (!_arrivingOffline.TryRemove(name, out var prepared))
            throw new WherryException(ErrorCode.NoDomain, $"no domain with matching name '{name}'");
        if (cancelled)
            throw new WherryException(ErrorCode.MigrateFinishOk, "migration successfully aborted");

        // Not the client's persistent_xml, which comes a second time here: nobody has checked or renamed it. What was prepared was made of it at Begin.
        var xml = prepared.Document.ToXml(Wherry.Xml.DomainXmlFlags.Secure | Wherry.Xml.DomainXmlFlags.Inactive);
        return (await _context.Driver.DefineAsync(xml, ct), new FinishReply([]));
    }

    /// <summary>The definition as it is kept, or as the client wants it kept.</summary>
    /// <exception cref="WherryException">OperationInvalid: the guest runs, and would then be defined where it does not; or there is no definition.</exception>
    private BeginReply DescribeOffline(Domain domain, MigrationParameters parameters)
    {
        if (domain.Snapshot.IsActive)
            throw new WherryException(ErrorCode.OperationInvalid, $"domain '{domain.Name}' is running, an offline migration is of one that does not");

        var config = domain.Snapshot.Config ?? throw new WherryException(ErrorCode.OperationInvalid, $"domain '{domain.Name}' has no definition that could move");
        return new BeginReply(
            OfflineCookie(domain, ["lockstate"]), MigrationDefinitions.ToPersist(config, parameters.PersistentXml ?? parameters.DestinationXml));
    }

    private ImmutableArray<byte> OfflineCookie(Domain domain, ImmutableArray<string> features) => [.. new MigrationCookie
    {
        Name = domain.Name,
        Uuid = domain.Uuid,
        HostName = _context.Host.HostName,
        HostUuid = _context.Host.HostUuid,
        MandatoryFeatures = features,
    }.ToBytes()];

    private async Task RetireOfflineAsync(Domain domain, MigrationFlags flags, CancellationToken ct)
    {
        MigrationLog.MovedOffline(_context.Logger, domain.Name);
        if (flags.HasFlag(MigrationFlags.UndefineSource) && domain.Snapshot is { IsPersistent: true, IsActive: false })
            await _context.Driver.UndefineAsync(domain, NvramFate.Keep, ct);
    }

    private void EndOffline(Domain domain)
    {
        if (_leavingOffline.TryRemove(domain.Uuid, out var job))
            job.Dispose();
    }
}
