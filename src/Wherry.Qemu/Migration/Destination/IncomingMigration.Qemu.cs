using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Xml;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>The effects that concern our own QEMU and domain.</summary>
internal sealed partial class IncomingMigration
{
    private static readonly TimeSpan ResetDeadline = TimeSpan.FromSeconds(10);

    private CookieStatistics? _finishStatistics;
    private string? _savedParameters; // as QEMU came up with them; null until it has
    private Task _reset = Task.CompletedTask;

    /// <summary>The guest as it was sent, or as it was re-attached. There is one for as long as there is a QEMU.</summary>
    private DomainDefinition Definition => _order.Definition ?? throw new InvalidOperationException($"{_domain} has no definition");

    private QemuInstance Qemu => _domain.Qemu ?? throw new InvalidOperationException($"{_domain} has no QEMU"); // its death is an input of its own

    private async Task<DestinationInput?> LaunchIncomingAsync(CancellationToken ct)
    {
        var request = new LaunchRequest { Incoming = true, GuestCpu = _order.Cookie?.CpuXml is { } cpu ? DomainDocument.ParseCpu(cpu) : null };
        await _context.Driver.LaunchAsync(_domain, Definition, request, ct);
        WatchProcess();
        _domain.Apply(new DomainInput.Launched(StartedDetail.Migrated, PausedReason.Migration));
        FaultPoint.Reached("dst.launched");
        var monitor = Qemu.Monitor;
        _savedParameters = await StreamConfiguration.SaveAsync(monitor, ct);
        if (_order.Tls is { } tls)
            await tls.AddAsync(monitor, MigrationParty.Destination, ct);

        await StreamConfiguration.ApplyAsync(monitor, MigrationParty.Destination, _order.Stream, TlsCredentials, ct);
        if (_order.NbdServer is { } address)
        {
            await StartNbdServerAsync(monitor, address, ct);
            FaultPoint.Reached("dst.nbd.up");
        }

        await monitor.ExecuteAsync(new MigrateIncoming(_order.ListenUri.ToQemu()), ct);
        FaultPoint.Reached("dst.incoming.sent");
        _loop.Start(WatchStreamAsync, _ => null);
        return new DestinationInput.IncomingReady();
    }

    private string? TlsCredentials => _order.Tls is null ? null : MigrationTls.CredentialsId;

    private DestinationInput LaunchFailed(Exception e)
    {
        _progress.Update(p => p with { LaunchError = e as WherryException });
        return new DestinationInput.LaunchFailed(new Failure(FailureKind.LaunchFailed, e.Message));
    }

    /// <summary>Exports the disks under the names that any source asks for.</summary>
    private async Task StartNbdServerAsync(MonitorSession monitor, SocketAddress address, CancellationToken ct)
    {
        await monitor.ExecuteAsync(new NbdServerStart(SocketAddressLegacy.From(address)) { TlsCreds = TlsCredentials }, ct);
        foreach (var disk in await CopiedDisks.FindAsync(Qemu, _domain, _order.CopiedDisks, ct))
        {
            try
            {
                await monitor.ExecuteAsync(BlockExportAdd.Nbd($"libvirt-nbd-{disk.SourceNode}", disk.JobId, disk.SourceNode, writable: true), ct);
            }
            catch (QmpErrorException e)
            {
                throw new WherryException(ErrorCode.OperationFailed, NotOurs(disk, e), inner: e);
            }
        }
    }

    private async Task StopNbdServerAsync(MonitorSession monitor, CancellationToken ct)
    {
        try
        {
            await monitor.ExecuteAsync(new NbdServerStop(), ct);
        }
        catch (QmpErrorException) when (_order.NbdServer is null)
        {
            // Started by a daemon before this one, which may have stopped it as well.
        }
    }

    /// <summary>Tells the machine how the stream stands, whenever that has changed, until it has ended.</summary>
    private async Task<DestinationInput?> WatchStreamAsync(CancellationToken ct)
    {
        var reported = StreamStatus.None;
        await Lookout.UntilAsync(
            Qemu,
            _context.Time,
            async t =>
            {
                var info = await Qemu.Monitor.ExecuteAsync(new QueryMigrate(), t);
                var status = StreamStatuses.Of(info.Status);
                if (status != reported)
                {
                    reported = status;
                    _loop.Post(new DestinationInput.StreamReported(status, info.ErrorDesc));
                }

                return StreamStatuses.HasEnded(status);
            },
            ct);
        return null;
    }

    /// <summary>D4: everything slow or fallible, before INTENT.</summary>
    private async Task<DestinationInput?> FinishLoadingAsync(CancellationToken ct)
    {
        var monitor = Qemu.Monitor;
        if (!_order.CopiedDisks.IsEmpty)
            await StopNbdServerAsync(monitor, ct);

        await QemuDriver.RefreshChannelsAsync(_domain, Qemu, ct);
        if (_order.Flags.HasFlag(MigrationFlags.PersistDestination))
        {
            await _context.Driver.PersistAsync(_domain, await DefinitionToKeepAsync(ct), ct);
            FaultPoint.Reached("dst.persisted");
        }

        string? error = null;
        var postCopy = false;
        var ended = await Lookout.UntilAsync(
            Qemu,
            _context.Time,
            async t =>
            {
                var info = await monitor.ExecuteAsync(new QueryMigrate(), t);
                var status = StreamStatuses.Of(info.Status);
                error = status is StreamStatus.Failed or StreamStatus.Cancelled ? info.ErrorDesc ?? "the incoming migration failed" : null;
                postCopy = StreamStatuses.IsPostCopy(status);
                return postCopy || StreamStatuses.HasEnded(status);
            },
            ct);
        if (!ended || error is not null)
            return new DestinationInput.LoadFailed(new Failure(FailureKind.LoadFailed, error ?? "QEMU closed its monitor before the guest was loaded"));

        FaultPoint.Reached("dst.loaded");
        return new DestinationInput.GuestLoaded(LacksMemory: postCopy);
    }

    /// <summary>C7: a stock source resumes its guest as soon as it sees its connection die. So it must have answered just now.</summary>
    private async Task<DestinationInput?> PingSourceAsync(CancellationToken ct)
    {
        var ping = _order.PingSource ?? throw new PeerLostException("nobody to ping");
        using var limit = new CancellationTokenSource(_context.Limits.PingSource, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        return await ping(either.Token) ? new DestinationInput.SourceAlive() : new DestinationInput.SourceSilent();
    }

    private async Task<DestinationInput?> ContAsync(CancellationToken ct)
    {
        var qemu = Qemu;
        FaultPoint.Reached("dst.cont.sent");
        try
        {
            if (!(await qemu.Monitor.ExecuteAsync(new QueryStatus(), ct)).Running)
            {
                var reason = _state.Attempt.LacksMemory ? RunningReason.Postcopy : RunningReason.Migrated;
                await QemuDriver.RunCpusAsync(_domain, qemu, reason, ct, _context.Limits.ContSilence);
            }
        }
        catch (QmpErrorException refused)
        {
            var status = await qemu.Monitor.ExecuteAsync(new QueryStatus(), ct);
            return status.Running ? new DestinationInput.ContAccepted() : new DestinationInput.ContRefused(await ExplainAsync(refused, ct));
        }

        _finishStatistics = Finished();
        FaultPoint.Reached("dst.cont.reply");
        return new DestinationInput.ContAccepted();
    }

    /// <summary>A guest that stays paused: its images must become ours all the same, or the next migration away kills QEMU 7.2 (B2).</summary>
    private async Task<DestinationInput?> ActivateImagesAsync(CancellationToken ct) => await ImageRefusedAsync(ct) is { } why
        ? new DestinationInput.ActivationFailed(why)
        : new DestinationInput.ImagesActivated();

    /// <summary>QEMU says that a lock was not to be had, and not of which image.</summary>
    private async Task<string> ExplainAsync(QmpErrorException refused, CancellationToken ct)
    {
        try
        {
            return await ImageRefusedAsync(ct) is { } why ? $"{refused.Message}; {why}" : refused.Message;
        }
        catch (WherryException)
        {
            return refused.Message; // What QEMU said about the start is what counts.
        }
    }

    /// <summary>A read-only export activates a node, and takes its lock, without running anything.</summary>
    /// <returns>Null when every image is ours; else which is not, and why.</returns>
    private async Task<string?> ImageRefusedAsync(CancellationToken ct)
    {
        var monitor = Qemu.Monitor;
        var socket = Path.Combine(_context.Driver.Files.DirectoryOf(_domain.Snapshot.Id, _domain.Name), "activate.nbd");
        await monitor.ExecuteAsync(new NbdServerStart(SocketAddressLegacy.From(SocketAddress.Unix(socket))), ct);
        try
        {
            foreach (var disk in await CopiedDisks.FindAsync(Qemu, _domain, targets: null, ct))
            {
                var id = $"activate-{disk.Target}";
                try
                {
                    await monitor.ExecuteAsync(BlockExportAdd.Nbd(id, id, disk.SourceNode, writable: false), ct);
                }
                catch (QmpErrorException e)
                {
                    return NotOurs(disk, e);
                }

                await monitor.ExecuteAsync(new BlockExportDel(id), ct);
            }
        }
        finally
        {
            await monitor.ExecuteAsync(new NbdServerStop(), CancellationToken.None);
            File.Delete(socket);
        }

        return null;
    }

    /// <summary>QEMU keeps the reason to itself: it activates the image for writing, and goes on with what it then has.</summary>
    private string NotOurs(MirroredDisk disk, QmpErrorException refused)
    {
        var image = Definition.Spec.Disks.FirstOrDefault(d => d.TargetDev == disk.Target)?.Source?.Path;
        return $"disk {disk.Target}: image '{image}' cannot be written to on host '{_context.Host.HostName}', or another process has its lock: {refused.Message}";
    }

    private async Task<DestinationInput?> LookAtGuestAsync(CancellationToken ct) =>
        new DestinationInput.GuestSeen(
            (await Qemu.Monitor.ExecuteAsync(new QueryStatus(), ct, _context.Limits.ContSilence)).Running ? GuestSight.Running : GuestSight.NotRunning);

    private async Task<DestinationInput?> KillAsync(CancellationToken ct)
    {
        if (_domain.Qemu is { } qemu)
            await _context.Driver.StopAsync(_domain, qemu, StopIntent.Failed(), TerminationFlags.Force, ct);

        FaultPoint.Reached("dst.killed");
        return new DestinationInput.QemuGone();
    }

    private async Task<DestinationInput?> CleanUpAsync(CancellationToken ct)
    {
        foreach (var image in _order.CreatedImages.Values)
            File.Delete(image);

        if (_order.DefinitionAdded && _domain.Snapshot.IsPersistent)
            await _context.Driver.UndefineAsync(_domain, NvramFate.Keep, ct);

        return new DestinationInput.CleanedUp();
    }

    /// <summary>What the source kept, under the name the guest has here; the guest as it runs if the source said nothing.</summary>
    private async Task<DomainDefinition> DefinitionToKeepAsync(CancellationToken ct)
    {
        var xml = _performCookie?.PersistentXml ?? _order.PersistentXml;
        if (xml is null)
            return Definition;
        var kept = MigrationDefinitions.Renamed(await _context.Driver.CompleteAsync(xml, newDomain: false, ct), _domain.Name, _context.Driver.NvramOf);
        return MigrationDefinitions.Settled(kept, Definition.Spec, _context.Driver.NvramOf(_domain.Name));
    }

    /// <summary>
    /// QEMU as one that never took part in a migration. Beside the machine and after RUN: the guest runs, and nobody waits for this. After a
    /// restart its monitor may not answer yet; then it stays as it is, and the next migration sets everything anew.
    /// </summary>
    private void ResetQemu()
    {
        if (_domain.Qemu is { } qemu)
            _reset = ResetQemuAsync(qemu);
    }

    private async Task ResetQemuAsync(QemuInstance qemu)
    {
        await Task.Yield();
        using var limit = new CancellationTokenSource(ResetDeadline, _context.Time);
        try
        {
            await StreamConfiguration.RestoreAsync(qemu.Monitor, MigrationParty.Destination, _savedParameters, limit.Token);
            await MigrationTls.RemoveAsync(qemu.Monitor, limit.Token);
        }
        catch (Exception e)
        {
            MigrationLog.EffectFailed(_logger, Id, _domain.Name, "removal of the migration's traces", e.Message);
        }
    }

    private void AdoptGuest(bool crashed)
    {
        if (crashed)
        {
            // The end of its QEMU is news enough, and is told by the driver; but after a reboot of the host only the record knows that there was one.
            if (_domain.Snapshot is { IsActive: false } now && now.Status == DomainStatus.Shutoff(ShutoffReason.Unknown))
                _domain.Apply(new DomainInput.StatusSet(DomainStatus.Shutoff(ShutoffReason.Crashed), Announce: null));
            return;
        }

        if (_state.Attempt.StartPaused)
        {
            _domain.Apply(new DomainInput.StatusSet(
                DomainStatus.Paused(PausedReason.User), LifecycleEvent.Suspended(SuspendedDetail.Paused)));
        }

        if (_state.Attempt.LacksMemory)
            return; // the migration goes on

        ResetQemu();
        var figures = (_finishStatistics ?? _performCookie?.Statistics)?.ToJobStats();
        _domain.Change(s => s with { Job = null, CompletedJob = figures ?? s.CompletedJob });
        GiveBack();
    }

    /// <summary>Prepare to Perform: the id echoed, which makes the hand-over a safe one, and where the disks go.</summary>
    private ImmutableArray<byte> PrepareCookie() => [.. (OwnCookie() with
    {
        Nbd = _order.NbdServer is null ? null : new NbdSection(_order.NbdPort, []),
        Capabilities = StreamStatuses.CookieCapabilities,
    }).ToBytes()];

    /// <summary>Finish to Confirm: the figures, and our word on the hand-over for a source whose client carries it.</summary>
    private ImmutableArray<byte> FinishCookie() => [.. (OwnCookie(answered: true) with { Statistics = _finishStatistics }).ToBytes()];

    private MigrationCookie OwnCookie(bool answered = false) => new()
    {
        Name = _order.Cookie?.Name ?? _domain.Name,
        Uuid = _domain.Uuid,
        HostName = _context.Host.HostName,
        HostUuid = _context.Host.HostUuid,
        Handover = _order.Kind == PeerKind.Wherry
            ? new HandoverSection(Id.Value, _context.Host.PeerUri, _context.Host.BootId, answered ? "run" : null)
            : null,
    };

    /// <summary>
    /// The source's figures with the downtime as this side saw it: from the guest's stop there to its start here, each by the clock of its
    /// host. What the clocks differ by, and the cookie took, is told beside it and not taken off: readers of the cookie do that.
    /// </summary>
    private CookieStatistics? Finished()
    {
        if (_performCookie?.Statistics is not { } source)
            return null;

        // The clocks of two hosts differ; the moment the cookie was sent and the moment it came tell by how much, give or take the way.
        var now = _performCookieAt + (ulong)_context.Time.GetElapsedTime(_performCookieTimestamp).TotalMilliseconds;
        var delta = (long)(_performCookieAt - source.SentMs);
        var downtime = source.StoppedMs == 0 ? 0 : (long)(now - source.StoppedMs);
        return source with
        {
            DeltaMs = delta,
            Values = source.Values
                .SetItem("downtime", (ulong)Math.Max(0, downtime))
                .SetItem("time_elapsed", (ulong)Math.Max(0, (long)(now - source.StartedMs))),
        };
    }
}
