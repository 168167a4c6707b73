using System.Globalization;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Xml;

namespace Wherry.Qemu.Migration.Source;

/// <summary>The effects that concern our own QEMU and domain.</summary>
internal sealed partial class OutgoingMigration
{
    private const ulong MiB = 1024 * 1024;

    // Requirement S3.17: what the guest wrote since the copies were complete must fit into the downtime budget. At 100 MB/s this takes 80 ms.
    private const ulong LargestBacklogBytes = 8 * MiB;

    // The driver ends a QEMU that has lived without its monitor for half as long.
    private static readonly TimeSpan DeathAfterItsMonitor = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan GoesOnWithin = TimeSpan.FromSeconds(5);

    /// <summary>The machine asks nothing of a QEMU that it knows to be dead.</summary>
    private SourceQemu Qemu => _qemu ??= new SourceQemu(
        _domain.Qemu ?? throw new InvalidOperationException($"{_domain} has no monitor"), _context.Time, Observe);

    private StreamStatus _lastReported = StreamStatus.None;
    private bool _mirrorFailureReported;
    private bool _jobEnded;
    private readonly HashSet<string> _mirrorsSeen = [];
    private readonly HashSet<(string Target, BlockJobStatus Status)> _mirrorsAnnounced = [];

    /// <summary>Copies with write-blocking mirrors where they are safe (<see cref="CopyMethod"/>): they cost the guest some latency of its writes,
    /// and save it the whole backlog when it stops (B3: 0.02 s instead of 12 to 38 s on a slow link).</summary>
    private async Task<SourceInput?> StartMirrorsAsync(CancellationToken ct)
    {
        var server = NbdServer(Destination());

        // QEMU's own connect blocks its main loop, and with it the guest, for as long as TCP tries: two minutes in a black hole.
        if (server is { Host: { } host, Port: { } port })
            await _context.Dialer.RequireListenerAsync(host, int.Parse(port, CultureInfo.InvariantCulture), ct);

        var verdict = await Qemu.MirrorAsync(
            new MirrorOrder(
                _order.CopiedDisks,
                server,
                _order.Flags.HasFlag(MigrationFlags.NonSharedIncremental),
                () => (long)(Volatile.Read(ref _speedMiBps) * MiB),
                _order.Tls,
                _order.Stream.TlsHostName),
            LargestBacklogBytes,
            ct);
        FaultPoint.Reached("src.mirror.ready");
        return verdict is MirrorVerdict.Broken broken ? MirrorBroken(broken) : new SourceInput.MirrorsReady();
    }

    private async Task<SourceInput?> StartStreamAsync(CancellationToken ct)
    {
        _domain.Apply(new DomainInput.MigratingOut(OutgoingMigrationPhase.Precopy));
        if (_tunnel is not null)
            _memory = MemoryTunnel.Listen(TunnelPath, _tunnel);

        AllowLocking();
        await Qemu.SendAsync(Destination().DataUri, _order.Stream with { BandwidthMiBps = Volatile.Read(ref _speedMiBps) }, _order.Tls, ct);
        FaultPoint.Reached("src.migrate.sent");
        if (!_order.Flags.HasFlag(MigrationFlags.Live) && await Qemu.FlowsAsync(ct))
            await StandStillAsync(ct);

        return null; // what becomes of it is observed
    }

    /// <summary>
    /// Without the flag LIVE the guest stands while its memory is sent, but neither while its disks are copied nor, other than with libvirt, while QEMU tries
    /// to connect, which may take minutes. Its state before the migration is still "running" on record, so that every way back lets it go on.
    /// </summary>
    private async Task StandStillAsync(CancellationToken ct)
    {
        using var turn = await _domain.Jobs.BeginAsync(JobKind.Suspend, "migration", ct); // of a user's suspend or resume that came before
        if (_domain is not { Snapshot.Status.IsRunning: true, Qemu: { } instance })
            return;

        await QemuDriver.StopCpusAsync(_domain, instance, PausedReason.Migration, ct);
        _statistics.GuestStopped();
        FaultPoint.Reached("src.stands");
    }

    /// <summary>Zero-copy: any of the guest's pages may wait to be sent, and is locked meanwhile. Nobody can say how many at once, so all: libvirt's choice.</summary>
    /// <exception cref="WherryException">SystemError: this daemon may not grant that much.</exception>
    private void AllowLocking()
    {
        if (_order.SavedLockedMemory is not { } before || _domain is not { Qemu.Process: var process, Snapshot.Live: { } live })
            return;

        const ulong kib = 1024;
        var limit = live.Document.MemoryLimitKiB("hard_limit");
        before.AtLeast(limit < DomainDocument.UnlimitedMemoryKiB ? limit * kib : live.Spec.Memory.Bytes).Grant(process.Pid);
    }

    /// <summary>The guest stays: its QEMU as it was.</summary>
    private void DisallowLocking()
    {
        if (_order.SavedLockedMemory is not { } before || _domain.Qemu is not { Process: var process })
            return;

        try
        {
            before.Grant(process.Pid);
        }
        catch (WherryException e)
        {
            MigrationLog.EffectFailed(_logger, Id, _domain.Name, "return of the limit of locked memory", e.Message);
        }
    }

    private async Task<SourceInput?> DrainMirrorsAsync(CancellationToken ct)
    {
        var verdict = await Qemu.DrainAsync(ct);
        FaultPoint.Reached("src.drained");
        return verdict is MirrorVerdict.Broken broken ? MirrorBroken(broken) : new SourceInput.MirrorsDrained();
    }

    private async Task<SourceInput?> ContinueStreamAsync(CancellationToken ct)
    {
        await Qemu.ContinueAsync(ct);
        FaultPoint.Reached("src.continue.sent");
        return null; // what becomes of it is observed
    }

    private async Task<SourceInput?> CancelStreamAsync(Task[] onward, CancellationToken ct)
    {
        // What is still on its way to QEMU would begin behind the cancel's back.
        await _turnedBack.CancelAsync();
        await Task.WhenAll(onward);
        return new SourceInput.StreamStopped(await Qemu.CancelAsync(ct));
    }

    /// <summary>The machine's own timer asks for more force; if QEMU is gone, the process watch says so.</summary>
    private SourceInput? NotYetCancelled(Exception e)
    {
        MigrationLog.EffectFailed(_logger, Id, _domain.Name, "cancel of the stream", e.Message);
        return null;
    }

    private async Task<SourceInput?> YankStreamAsync(CancellationToken ct)
    {
        await Qemu.YankAsync(ct);
        return null;
    }

    /// <summary>Beside the other effects, for as long as the guest runs and waits for its mirrors: cuts what has come to a standstill.</summary>
    private async Task<SourceInput?> WatchForStallAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(StallWatch.Interval, timeProvider: _context.Time, ct);
            if (_state is not (SourceState.Copying or SourceState.Sending or SourceState.Draining))
                return null;

            if (_stall.Tick() is { } why)
            {
                // The cause first: what the cut makes of stream and mirrors is only its consequence.
                _loop.Post(new SourceInput.MirrorFailed(why with { Text = $"migration of domain '{_domain.Name}' to {PeerName} stalled: {why.Text}" }));
                await Qemu.YankAsync(ct);
                return null;
            }
        }
    }

    /// <summary>Its failure changes nothing: the machine is on its way back, and yanks again if that does not end.</summary>
    private SourceInput? NotCut(Exception e)
    {
        MigrationLog.EffectFailed(_logger, Id, _domain.Name, "yank of a stalled migration", e.Message);
        return null;
    }

    private async Task<SourceInput?> UndoAsync(CancellationToken ct)
    {
        await UntilAnsweredAsync("end of the disks' copies", GiveUpCopiesAsync, ct);
        await UntilAnsweredAsync("removal of the migration's traces", t => Qemu.UndoAsync(_order.SavedParameters, t), ct);
        AnnounceMirrorsGone();
        _domain.Apply(new DomainInput.MigratingOut(OutgoingMigrationPhase.None));
        return new SourceInput.PreparationsUndone();
    }

    /// <summary>What may be done twice is done again if its answer is late, until QEMU says something or is gone.</summary>
    private async Task UntilAnsweredAsync(string what, Func<CancellationToken, Task> act, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await act(ct);
                return;
            }
            catch (WherryException e) when (e.Code == ErrorCode.OperationTimeout)
            {
                MigrationLog.EffectFailed(_logger, Id, _domain.Name, what, e.Message);
            }
            catch (QmpErrorException e)
            {
                MigrationLog.EffectFailed(_logger, Id, _domain.Name, what, e.Message);
                return;
            }
        }
    }

    private async Task GiveUpCopiesAsync(CancellationToken ct)
    {
        var unfinished = await Qemu.CutMirrorsAsync(ct);
        await Qemu.QuietAsync(ct);
        if (unfinished)
            await (await Qemu.WritesReachAsync(_order.CopiedDisks, ct) ? WhileGuestStandsAsync(Qemu.CancelMirrorsAsync, ct) : Qemu.CancelMirrorsAsync(ct));

        await Qemu.DismissMirrorsAsync(ct);
    }

    /// <summary>What needs that no write of the guest is in flight.</summary>
    private async Task WhileGuestStandsAsync(Func<CancellationToken, Task> act, CancellationToken ct)
    {
        var instance = _domain.Qemu!; // as in ContAsync
        using var turn = await _domain.Jobs.BeginAsync(JobKind.Suspend, "migration", ct); // of a user's suspend or resume that came before
        try
        {
            // Also when it stands already: the answer says that nothing is in flight.
            await QemuDriver.StopCpusAsync(_domain, instance, PausedReason.Migration, ct);
            FaultPoint.Reached("src.copies.cut");
            await act(ct);
        }
        finally
        {
            await GoOnAsync(instance);
        }
    }

    /// <summary>Takes back our own stop, also when this daemon is being stopped. The machine does so as well, later, and after a crash: this
    /// spares the guest the time until then.</summary>
    private async Task GoOnAsync(QemuInstance instance)
    {
        var answered = (await instance.Monitor.ExecuteAsync(new QueryStatus(), CancellationToken.None, GoesOnWithin)).Status;
        if (answered == RunState.Paused && _state is SourceState.Reclaiming { Attempt.PreState: GuestRunState.Running })
            await QemuDriver.RunCpusAsync(_domain, instance, RunningReason.MigrationCanceled, CancellationToken.None, GoesOnWithin);
    }

    private async Task<SourceInput?> ContAsync(CancellationToken ct)
    {
        if (StandsForAnotherReason(_domain.Snapshot.Status))
            return new SourceInput.ContAccepted();

        var instance = _domain.Qemu!; // the machine asks for cont only while QEMU lives; its death is an input of its own
        var monitor = instance.Monitor;
        _domain.Apply(new DomainInput.CpusStarting(RunningReason.MigrationCanceled));
        try
        {
            if (!(await monitor.ExecuteAsync(new QueryStatus(), ct)).Running)
            {
                await monitor.ExecuteAsync(new Cont(), ct);
                await instance.CatchUpAsync(ct);
            }

            _domain.Apply(new DomainInput.CpusStarted());
            FaultPoint.Reached("src.reclaimed");
            return new SourceInput.ContAccepted();
        }
        catch (QmpErrorException refused)
        {
            if ((await monitor.ExecuteAsync(new QueryStatus(), ct)).Running)
                return new SourceInput.ContAccepted();

            _domain.Apply(new DomainInput.CommandRefused());
            return new SourceInput.ContRefused(refused.Message);
        }
    }

    /// <summary>It stopped by itself while it migrated: its disk failed, its watchdog fired. That is for its user to see, and not for us to undo.</summary>
    private static bool StandsForAnotherReason(DomainStatus status) => status.State is DomainState.Crashed or DomainState.Shutdown or DomainState.PmSuspended
        || status.IsPausedFor(PausedReason.IoError) || status.IsPausedFor(PausedReason.Watchdog);

    private async Task<SourceInput?> KillAsync(CancellationToken ct)
    {
        if (_domain.Qemu is { } instance)
            await _context.Driver.StopAsync(_domain, instance, StopIntent.Migrated(), TerminationFlags.Force, ct);

        FaultPoint.Reached("src.killed");
        return new SourceInput.QemuGone();
    }

    private async ValueTask RetireAsync()
    {
        if (_order.Flags.HasFlag(MigrationFlags.UndefineSource) && _domain.Snapshot.IsPersistent)
            await _context.Driver.UndefineAsync(_domain, NvramFate.Keep, _loop.Ending);
    }

    /// <summary>Each look at QEMU: progress for readers, and inputs when something has changed.</summary>
    private void Observe(SourceObservation seen)
    {
        _statistics.Observe(seen, goesOn: _state is SourceState.Copying or SourceState.Sending);
        TellConcern();
        _stall.Observe(seen);
        AnnounceMirrors(seen);
        _domain.ReportJob(_statistics.Running(Undecided));

        if (!_mirrorFailureReported && _state is SourceState.Sending
            && MirrorVerdict.Of(_order.CopiedDisks, seen.Mirrors, finishing: false) is MirrorVerdict.Broken broken)
        {
            _mirrorFailureReported = true;
            _loop.Post(MirrorBroken(broken));
        }

        if (_order.Flags.HasFlag(MigrationFlags.AbortOnError) && _domain.Snapshot.Status == DomainStatus.Paused(PausedReason.IoError))
            _loop.Post(new SourceInput.StreamReported(StreamStatus.Failed, $"domain '{_domain.Name}' stopped with an I/O error"));

        if (seen.Stream != _lastReported)
        {
            _lastReported = seen.Stream;
            if (seen.Stream == StreamStatus.PreSwitchover)
            {
                _statistics.GuestStopped();
                FaultPoint.Reached("src.stopped");
            }
            else if (seen.Stream == StreamStatus.Completed)
            {
                FaultPoint.Reached("src.completed");
            }

            _loop.Post(new SourceInput.StreamReported(seen.Stream, seen.Info.ErrorDesc));
        }
    }

    /// <summary>Tells subscribers of each disk's copy when it has caught up, and when it has ended.</summary>
    private void AnnounceMirrors(SourceObservation seen)
    {
        foreach (var mirror in seen.Mirrors)
        {
            _mirrorsSeen.Add(mirror.JobId);
            BlockJobStatus? status = mirror switch
            {
                { Error: not null } => BlockJobStatus.Failed,
                { Concluded: true } => BlockJobStatus.Completed,
                { Ready: true } => BlockJobStatus.Ready,
                _ => null,
            };
            if (status is not { } reached || _order.CopiedDisks.FirstOrDefault(disk => disk.JobId == mirror.JobId) is not { } copied)
                continue;

            // A quick copy can be over before we look for the first time.
            if (reached == BlockJobStatus.Completed)
                Announce(copied.Target, BlockJobStatus.Ready);

            Announce(copied.Target, reached);
        }
    }

    /// <summary>A copy that was given up with its migration has failed, as far as subscribers are concerned.</summary>
    private void AnnounceMirrorsGone()
    {
        foreach (var copied in _order.CopiedDisks.Where(disk => _mirrorsSeen.Contains(disk.JobId)))
        {
            if (!_mirrorsAnnounced.Contains((copied.Target, BlockJobStatus.Completed)))
                Announce(copied.Target, BlockJobStatus.Failed);
        }
    }

    private void Announce(string target, BlockJobStatus status)
    {
        if (_mirrorsAnnounced.Add((target, status)))
        {
            var source = _domain.Snapshot.Live?.Spec.Disks.FirstOrDefault(disk => disk.TargetDev == target)?.Source?.Path ?? "";
            _domain.Announce(new DomainEvent.BlockJob(source, target, BlockJobType.Copy, status));
        }
    }

    /// <summary>Says the word: to callers who wait, in the job's statistics, in the log.</summary>
    private void Tell(MigrationOutcome outcome)
    {
        if (outcome is MigrationOutcome.NeedsDecision undecided)
        {
            // The machine knows neither the one nor the other.
            undecided = undecided with
            {
                Command = undecided.Command
                    .Replace("HOST", PeerHost ?? "HOST", StringComparison.Ordinal)
                    .Replace("DOMAIN", _domain.Name, StringComparison.Ordinal),
            };
            outcome = undecided;
            AlarmDoubt();
        }

        outcome = WithConcern(outcome);
        MigrationLog.Outcome(_logger, Id, _domain.Name, outcome.ToString());

        // The machine repeats its word to whoever asks again; the job ended once.
        if (outcome is not MigrationOutcome.NeedsDecision && !_jobEnded)
        {
            _jobEnded = true;
            if (outcome is MigrationOutcome.StayedOnSource)
                DisallowLocking();

            var completed = _statistics.Completed(outcome);
            _domain.Change(s => s with { Job = null, CompletedJob = completed });
            if (outcome is MigrationOutcome.Moved)
                _domain.Announce(new DomainEvent.JobCompleted(completed));
        }

        _progress.Update(p => p with { Outcome = outcome });
    }

    /// <summary>
    /// What QEMU's death cuts short has nothing to say of its own: the watch of the process tells of it, with the cause. Only if QEMU lives on
    /// without its monitor, the effect has failed by itself.
    /// </summary>
    private Func<CancellationToken, Task<SourceInput?>> OfQemu(Func<CancellationToken, Task<SourceInput?>> effect) => async ct =>
    {
        try
        {
            return await effect(ct);
        }
        catch (MonitorClosedException e) when (!e.IsProtocolError)
        {
            if (_domain.Qemu is not { Process.Exited: var exited })
                return null;
            await ((Task)exited.WaitAsync(DeathAfterItsMonitor, _context.Time, ct)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!exited.IsCompleted)
                throw;
            return null;
        }
    };

    /// <summary>An effect that leads to the destination: it ends when the way back begins.</summary>
    private void StartOnward(Func<CancellationToken, Task<SourceInput?>> effect, Func<Exception, SourceInput?> failed) => _onward.Add(_loop.StartTask(
        async ct =>
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _turnedBack.Token);
            return await OfQemu(effect)(either.Token);
        },
        e => e is OperationCanceledException ? null : failed(e)));

    private SourceInput MirrorFailed(Exception e) =>
        new SourceInput.MirrorFailed(new Failure(FailureKind.MirrorFailed, $"disk copy of domain '{_domain.Name}' failed: {e.Message}"));

    private SourceInput MirrorBroken(MirrorVerdict.Broken broken) => new SourceInput.MirrorFailed(
        new Failure(FailureKind.MirrorFailed, $"migration of disk {broken.Target} failed: {broken.Error}"));

    private DestinationTerms Destination() =>
        _terms ?? throw new InvalidOperationException("the destination has not answered Prepare"); // the machine never asks earlier

    private SocketAddress NbdServer(DestinationTerms destination)
    {
        if (_order.Parameters.DisksUri is { } text)
        {
            var uri = MigrationUri.ParseDisks(text);
            return uri.Scheme == "unix" ? SocketAddress.Unix(uri.Path) : SocketAddress.Inet(uri.Host, uri.Port == 0 ? destination.NbdPort : uri.Port);
        }

        return SocketAddress.Inet(destination.DataUri.Host, destination.NbdPort);
    }

    private HandoverRecord ToHandoverRecord(SourceRecord record) => new()
    {
        DomainUuid = _domain.Uuid,
        DomainName = _domain.Name,
        Created = _context.Time.GetUtcNow(),
        Flags = (uint)_order.Flags,
        BootId = _context.Host.BootId,
        Target = HandoverTarget.From(_order.Parameters),
        SavedParameters = _order.SavedParameters,
        SavedLockedMemory = _order.SavedLockedMemory,
        Peer = new HandoverPeer(_order.PeerUri, PeerHostUuid, _terms?.Cookie?.Handover?.BootId, PeerHost),
        Disks = [.. _order.CopiedDisks.Select(disk => new HandoverDisk(disk.Target, disk.SourceNode, disk.JobId, disk.IsRaw))],
        Source = record with { FarewellOwed = record.FarewellOwed && !_peerKnows && CanBeAsked(_context, _order.PeerUri, PeerHostUuid) },
    };
}
