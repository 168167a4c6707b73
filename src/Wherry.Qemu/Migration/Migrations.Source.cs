using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Migration.Source;
using Wherry.Qemu.Process;

namespace Wherry.Qemu.Migration;

/// <summary>Migrations away from this host.</summary>
public sealed partial class Migrations
{
    /// <summary>Managed, first call: checks that the guest may go, and says what it is.</summary>
    /// <param name="domain">The guest.</param>
    /// <param name="parameters">As the client gave them.</param>
    /// <param name="flags">As the client gave them.</param>
    /// <param name="client">Who drives; its end is an input.</param>
    /// <param name="ct">Stops waiting for the domain's turn.</param>
    public async Task<BeginReply> BeginAsync(
        Domain domain, MigrationParameters parameters, MigrationFlags flags, object client, CancellationToken ct)
    {
        if (flags.HasFlag(MigrationFlags.PostCopyResume))
        {
            var broken = InPostCopy(domain, flags);
            return new BeginReply(broken.ResumeCookie(), MigrationDefinitions.ForDestination(RequireActive(domain).Live, parameters.DestinationXml));
        }

        if (flags.HasFlag(MigrationFlags.Offline))
        {
            MigrationFlagRules.Validate(flags);
            return await BeginOfflineAsync(domain, parameters, client, ct);
        }

        var migration = await StartAsync(domain, MigrationMode.Managed, peerUri: null, parameters, flags, ct);
        TellWhenGone(client, migration.ClientGone);
        await migration.BegunAsync(ct);
        return new BeginReply(migration.BeginCookie(), migration.DestinationXml);
    }

    /// <summary>Managed, third call: moves the guest's disks and memory. The guest is handed over when this returns.</summary>
    public Task<ImmutableArray<byte>> PerformAsync(Domain domain, PhaseCall call, CancellationToken ct)
    {
        var migration = Leaving(domain);
        if (call.Flags.HasFlag(MigrationFlags.PostCopyResume))
            return migration.PerformResumeAsync(call, ct);

        return migration.PerformAsync(migration.ReadTerms(call.Cookie.AsSpan(), call.Parameters.MigrateUri), call.Parameters, ct);
    }

    /// <summary>Managed, last call.</summary>
    public async Task ConfirmAsync(Domain domain, PhaseCall call, bool cancelled, CancellationToken ct)
    {
        if (call.Flags.HasFlag(MigrationFlags.Offline))
        {
            await ConfirmOfflineAsync(domain, call.Flags, cancelled, ct);
            return;
        }

        if (!_outgoing.TryGetValue(domain.Uuid, out var migration))
        {
            // Settled before the client came back: its belief and ours agree, or it hears what is true.
            if (cancelled == domain.Snapshot.IsActive)
                return;

            throw new WherryException(ErrorCode.OperationInvalid, $"domain '{domain.Name}' is not being migrated");
        }

        var cookie = cancelled ? null : ReadConfirmCookie(call, domain, migration.Id);
        var answered = cookie?.Handover is { Answer: "run" } handover && handover.HandoverId == migration.Id.Value;
        await migration.ConfirmAsync(cancelled, answered ? PeerAnswer.Run : null, cookie?.Statistics, ct);
    }

    /// <summary>Null when it cannot be read: what the client says counts without it, and of one of ours the destination can be asked.</summary>
    private MigrationCookie? ReadConfirmCookie(PhaseCall call, Domain domain, HandoverId id)
    {
        try
        {
            return MigrationCookie.Parse(call.Cookie.AsSpan(), new CookieExpectation(null, domain.Uuid, _context.Host.HostUuid, []));
        }
        catch (WherryException e)
        {
            MigrationLog.FinishCookieUnreadable(_context.Logger, id, domain.Name, e.Message);
            return null;
        }
    }

    /// <summary>Peer-to-peer: all five phases, driven from here. Returns when the guest has moved.</summary>
    /// <exception cref="WherryException">It stayed, or nobody can say yet; the text says which, and why.</exception>
    public async Task MigrateAsync(
        Domain domain, string peerUri, MigrationParameters parameters, MigrationFlags flags, CancellationToken ct)
    {
        if (flags.HasFlag(MigrationFlags.PostCopyResume))
        {
            var broken = InPostCopy(domain, flags);
            await broken.ResumePostCopyAsync(uri: null, ct);
            await broken.MovedAsync(ct);
            return;
        }

        if (flags.HasFlag(MigrationFlags.Offline))
        {
            MigrationFlagRules.Validate(flags);
            await MigrateOfflineAsync(domain, peerUri, parameters, flags, ct);
            return;
        }

        var migration = await StartAsync(domain, MigrationMode.PeerToPeer, peerUri, parameters, flags, ct);
        await migration.MovedAsync(ct);
    }

    /// <summary>virsh migrate-postcopy.</summary>
    /// <exception cref="WherryException">OperationInvalid: no migration, or one without the POSTCOPY flag.</exception>
    public Task StartPostCopyAsync(Domain domain, CancellationToken ct)
    {
        // In this order: the one becomes the other.
        if (_starting.TryGetValue(domain.Uuid, out var start))
            return start.AdmitAsync(UserCall.StartPostCopy, ct);

        return _outgoing.TryGetValue(domain.Uuid, out var migration)
            ? migration.AdmitAsync(UserCall.StartPostCopy, ct)
            : throw new WherryException(ErrorCode.OperationInvalid, "post-copy can only be started while outgoing migration is in progress");
    }

    /// <summary>virsh migrate-setspeed of a domain that migrates just now. What QEMU keeps for itself, the driver has told it.</summary>
    public Task LimitAsync(Domain domain, ulong speedMiBps, CancellationToken ct) =>
        _outgoing.TryGetValue(domain.Uuid, out var migration) ? migration.LimitAsync(speedMiBps, ct) : Task.CompletedTask;

    private OutgoingMigration InPostCopy(Domain domain, MigrationFlags flags)
    {
        MigrationFlagRules.Validate(flags);
        return _outgoing.GetValueOrDefault(domain.Uuid)
            ?? throw new WherryException(ErrorCode.OperationInvalid, $"domain '{domain.Name}' is not being migrated");
    }

    private async Task<OutgoingMigration> StartAsync(
        Domain domain, MigrationMode mode, string? peerUri, MigrationParameters parameters, MigrationFlags flags, CancellationToken ct)
    {
        MigrationFlagRules.Validate(flags);
        RefuseInDoubt(domain.Uuid);
        RequireActive(domain);
        var job = await domain.Jobs.BeginAsync(AsyncJobKind.MigrationOut, "remoteDispatchDomainMigratePerform3Params", ct);
        using var start = new MigrationStart();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, start.Aborted);
        OutgoingMigration? migration = null;
        try
        {
            _starting[domain.Uuid] = start;
            domain.Jobs.AbortAsync = start.AbortAsync;
            RefuseInDoubt(domain.Uuid);
            var order = await DecideAsync(domain, mode, peerUri, parameters, flags, either.Token);
            migration = await OutgoingMigration.BeginAsync(_context, domain, job, order, either.Token);
            Keep(migration);
            return migration;
        }
        catch (OperationCanceledException) when (start.Aborted.IsCancellationRequested)
        {
            job.Dispose();
            throw new WherryException(ErrorCode.OperationAborted, "migration out: canceled by client");
        }
        catch
        {
            job.Dispose();
            throw;
        }
        finally
        {
            _starting.TryRemove(new(domain.Uuid, start));
            start.End(migration);
        }
    }

    /// <summary>Begin's checks (migration.md A5), and everything about the attempt that does not change any more.</summary>
    private async Task<OutgoingOrder> DecideAsync(
        Domain domain, MigrationMode mode, string? peerUri, MigrationParameters parameters, MigrationFlags flags, CancellationToken ct)
    {
        var (qemu, live) = RequireActive(domain);
        await SourceQemu.RequireUnblockedAsync(qemu, ct);
        var status = domain.Snapshot.Status;
        if (flags.HasFlag(MigrationFlags.AbortOnError) && status == DomainStatus.Paused(PausedReason.IoError))
            throw new WherryException(ErrorCode.OperationInvalid, "cannot migrate domain with I/O error");

        if (domain.AutodestroyOwner is not null)
            throw new WherryException(ErrorCode.OperationInvalid, "domain is marked for auto destroy");

        var copied = DiskSelection.Choose(live.Spec, flags, parameters.MigrateDisks);
        if (!flags.HasFlag(MigrationFlags.Unsafe))
            DiskSelection.RequireSafe(live.Spec, copied);

        if (flags.CopiesDisks())
            DiskSelection.RequireKnown(live.Spec, parameters.MigrateDisks);

        return new OutgoingOrder
        {
            Id = HandoverId.New(),
            Mode = mode,
            Flags = flags,
            Parameters = parameters,
            Stream = StreamSettings.From(MigrationParty.Source, flags, parameters, domain.MigrationSpeedMiBps),
            Tls = TlsFor(flags, MigrationParty.Source),
            PeerUri = peerUri,
            DestinationXml = MigrationDefinitions.ForDestination(live, parameters.DestinationXml),
            PersistentXml = flags.HasFlag(MigrationFlags.PersistDestination)
                ? MigrationDefinitions.ToPersist(domain.Snapshot.Config ?? live, live.Spec, parameters.PersistentXml)
                : null,
            CopiedDisks = copied.IsEmpty ? [] : await CopiedDisks.FindAsync(qemu, domain, [.. copied.Select(disk => disk.TargetDev)], ct),
            SavedParameters = await StreamConfiguration.SaveAsync(qemu.Monitor, ct),
            SavedLockedMemory = flags.HasFlag(MigrationFlags.ZeroCopy) ? LockedMemory.LimitOf(qemu.Process.Pid) : null,
            PreState = status.State == DomainState.Running ? GuestRunState.Running : GuestRunState.Paused,
        };
    }

    /// <summary>What this host needs for a migration with these flags, or without: some want nothing in the clear.</summary>
    /// <exception cref="WherryException">OperationInvalid: no certificates, or TLS is not asked for and has to be.</exception>
    private MigrationTls? TlsFor(MigrationFlags flags, MigrationParty party)
    {
        var tls = _context.Host.Tls;
        if (!flags.HasFlag(MigrationFlags.Tls))
        {
            return tls is { Force: true } && !flags.HasFlag(MigrationFlags.Tunnelled)
                ? throw new WherryException(ErrorCode.OperationInvalid, "this libvirtd instance allows migration only with VIR_MIGRATE_TLS flag")
                : null;
        }

        if (tls is null)
            throw new WherryException(ErrorCode.OperationInvalid, "host migration TLS directory not configured");

        tls.RequireFiles(party);
        return tls;
    }

    private void Keep(OutgoingMigration migration)
    {
        _outgoing[migration.Domain.Uuid] = migration;
        migration.Start(over: async () =>
        {
            _outgoing.TryRemove(new(migration.Domain.Uuid, migration));
            if (_context.Journal.Find(migration.Id) is { Source: { Phase: SourcePhase.Closed, FarewellOwed: true } } owed)
                _farewells.Owe(owed, acknowledged: migration.PeerKnows);

            await _context.Driver.ForgetUnlessUsedAsync(migration.Domain);
        });
    }

    private OutgoingMigration Leaving(Domain domain) =>
        _outgoing.GetValueOrDefault(domain.Uuid)
        ?? throw (domain.Snapshot.CompletedJob is { Operation: JobOperation.MigrationOut, Type: JobType.Cancelled, ErrorMessage: { } why }
            // Its user was quicker than its client, who comes for the next phase and has to hear that.
            ? new WherryException(ErrorCode.OperationAborted, why)
            : new WherryException(ErrorCode.OperationInvalid, $"domain '{domain.Name}' is not being migrated"));

    private static (QemuInstance Qemu, DomainDefinition Live) RequireActive(Domain domain) =>
        domain is { Qemu: { } qemu, Snapshot.Live: { } live }
            ? (qemu, live)
            : throw new WherryException(ErrorCode.OperationInvalid, "domain is not running");
}

/// <param name="Cookie">For Prepare.</param>
/// <param name="Xml">The definition to start at the destination.</param>
public sealed record BeginReply(ImmutableArray<byte> Cookie, string Xml);
