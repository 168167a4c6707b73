using System.Text;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// Start-up: stored definitions, then QEMUs that an earlier daemon left running, then autostart.
// A file that cannot be understood is set aside and reported; it stops nothing else.
public sealed partial class QemuDriver
{
    /// <summary>How long start-up waits for one QEMU to answer; it is asked on beside the daemon's other work.</summary>
    private static readonly TimeSpan ReattachLimit = TimeSpan.FromSeconds(10);

    /// <summary>Loads everything. When it returns, every domain is known and every living QEMU is watched.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        await LoadDefinitionsAsync(ct);
        var names = _files.Status.Names();
        var found = names
            .Select(name => Load(_files.Status, name, LiveStatus.FromJson))
            .OfType<LiveStatus>()
            .ToList();
        foreach (var status in found)
            Domains.ReserveId(status.Id);
        var unreadable = names.Except(found.Select(status => status.Name), StringComparer.Ordinal).ToList();
        await EndOrphansAsync(found, unreadable, ct);
        foreach (var path in _files.RemoveAbandonedRuns(found.Select(status => (status.Id, status.Name))))
            DomainLog.AbandonedRunRemoved(_logger, path);
        await Task.WhenAll(found.Select(status => ReattachAsync(status, ct)));
    }

    /// <summary>Starts what is marked so and does not run, in the order of names, once per boot of the host: an operator who has shut a
    /// domain down does not want it back because the daemon restarts. Failures are reported and stop nothing. Last those that were being sent away
    /// when the host went down, when their destination has said that it does not run them, however long that takes.</summary>
    public async Task AutostartAsync(CancellationToken ct)
    {
        if (!_files.TryMarkAutostarted())
            return;
        var marked = Domains.All.Where(domain => domain.Snapshot is { Autostart: true, IsActive: false });
        List<Task> undecided = [];
        foreach (var domain in marked.OrderBy(domain => domain.Name, StringComparer.Ordinal).ToList())
        {
            if (HandOvers.Refusal(domain.Uuid) is not null)
                undecided.Add(AutostartWhenDecidedAsync(domain, ct));
            await AutostartAsync(domain, ct);
        }

        await Task.WhenAll(undecided);
    }

    private async Task AutostartWhenDecidedAsync(Domain domain, CancellationToken ct)
    {
        if (await HandOvers.MayStartAnewAsync(domain.Uuid, ct) && domain.Snapshot is { Autostart: true, IsActive: false })
            await AutostartAsync(domain, ct);
    }

    private async Task AutostartAsync(Domain domain, CancellationToken ct)
    {
        try
        {
            await StartAsync(domain, new StartOptions(), "autostart", ct);
        }
        catch (WherryException e)
        {
            DomainLog.NotAutostarted(_logger, domain.Name, e.Message);
        }
    }

    /// <summary>Each file is read by itself, by as many threads as there are processors: with hundreds of them this is most of a start.</summary>
    private async Task LoadDefinitionsAsync(CancellationToken ct)
    {
        var names = _files.Definitions.Names();
        var share = Math.Max(1, (names.Count + Environment.ProcessorCount - 1) / Environment.ProcessorCount);
        var shares = await Task.WhenAll(names.Chunk(share).Select(some => Task.Run(() => Array.ConvertAll(some, LoadDefinition), ct)));
        foreach (var found in shares.SelectMany(some => some).OfType<DomainSnapshot>())
        {
            if (Domains.Find(found.Uuid) is { } first)
                DomainLog.DefinitionLeftOut(_logger, found.Name, $"domain '{first.Name}' has its UUID {first.Uuid}");
            else
                Domains.GetOrAdd(found.Name, found.Uuid, () => NewDomain(found), out _);
        }
    }

    private DomainSnapshot? LoadDefinition(string name) => Load(_files.Definitions, name, bytes => Understand(name, bytes)) is { } definition
        ? new DomainSnapshot { Name = name, Uuid = definition.Spec.Uuid, Config = definition, Autostart = _files.IsAutostart(name) }
        : null;

    private static DomainDefinition Understand(string name, byte[] bytes)
    {
        var definition = new DomainDefinition(DomainDocument.ParsePacked(Encoding.UTF8.GetString(bytes)));
        if (definition.Spec.Name != name)
            throw new InvalidDataException($"it defines '{definition.Spec.Name}'");
        return definition;
    }

    private T? Load<T>(State.StateDirectory directory, string name, Func<byte[], T> parse)
        where T : class
    {
        var loaded = directory.Load(name, parse, out var damage);
        if (damage is { IsOfLaterVersion: true })
            DomainLog.FileOfLaterVersion(_logger, damage.Path, damage.Problem);
        else if (damage is not null)
            DomainLog.FileSetAside(_logger, damage.Path, damage.KeptAs, damage.Problem);
        return loaded;
    }

    private async Task ReattachAsync(LiveStatus status, CancellationToken ct)
    {
        try
        {
            var live = new DomainDefinition(DomainDocument.ParseStatus(status.Xml));
            var domain = Domains.GetOrAdd(
                status.Name, status.Uuid, () => NewDomain(new DomainSnapshot { Name = status.Name, Uuid = status.Uuid }), out _);
            if (_processes.Adopt(status.Pid, status.StartTime, status.Uuid) is not { } process)
            {
                await GoneAsync(domain, status);
                return;
            }
            // Active from this moment, whatever its monitor says: a guest that lives must not be started a second time.
            domain.Launching = process;
            var recorded = new DomainStatus(status.State, status.Reason);
            domain.Apply(
                new DomainInput.Reattached(recorded, recorded.IsRunning, RebootPending: status.RebootPending),
                now => now with { Id = status.Id, Live = live, UsedByMonitor = status.UsedByMonitor, AgentPatienceSeconds = status.AgentPatienceSeconds ?? now.AgentPatienceSeconds });
            var attaching = AttachWhenItAnswersAsync(domain, status, process, recorded);
            await Task.WhenAny(attaching, Task.Delay(ReattachLimit, _time, ct));
            if (!attaching.IsCompleted)
                DomainLog.NotAnswering(_logger, status.Name, status.Pid, ReattachLimit.TotalSeconds);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            DomainLog.NotReattached(_logger, status.Name, status.Pid, e.Message);
        }
    }

    /// <summary>Ends when the monitor has answered, or the process is gone. Until then the domain can be seen and destroyed.</summary>
    private async Task AttachWhenItAnswersAsync(Domain domain, LiveStatus status, QemuProcess process, DomainStatus recorded)
    {
        while (!process.Exited.IsCompleted)
        {
            try
            {
                await AttachAsync(domain, status, process, recorded);
                return;
            }
            catch (WherryException e)
            {
                DomainLog.NotReattached(_logger, domain.Name, process.Pid, e.Message);
                // Refused at once means that QEMU is ending, or that somebody else holds the monitor: not worth a busy loop.
                await Task.WhenAny(process.Exited, Task.Delay(TimeSpan.FromSeconds(1), _time));
            }
        }
        await GoneAsync(domain, status);
    }

    private async Task AttachAsync(Domain domain, LiveStatus status, QemuProcess process, DomainStatus recorded)
    {
        var monitor = await MonitorSession.ConnectAsync(status.MonitorPath, _monitor with { Owner = status.Name }, CancellationToken.None);
        var cpus = await monitor.ExecuteAsync(new QueryStatus(), CancellationToken.None);
        var live = domain.Snapshot.Live!;
        var gone = await GoneDevicesAsync(live.Spec, monitor);
        var qemu = new QemuInstance(process, monitor, status.MonitorPath, [])
        {
            LastBlockNode = Math.Max(status.LastBlockNode, live.Spec.Disks.SelectMany(disk => live.Document.BlockNodeNumbers(disk.Alias ?? "")).Append(live.Spec.Disks.Length).Max()),
            Cgroup = _cgroups.FindOf(process.Pid, status.Id, status.Name),
        };
        domain.Apply(new DomainInput.Reattached(recorded, cpus.Running, Standing(cpus.Status), status.RebootPending));
        domain.Attach(qemu);
        domain.Launching = null;
        KeepStatusWritten(domain, qemu, written: null);
        Watch(domain, qemu);
        DomainLog.Reattached(_logger, domain.Name, process.Pid, domain.Snapshot.Status.ToString());
        if (status.Job is { } job)
            DomainLog.JobInterrupted(_logger, domain.Name, job.ToString());
        qemu.Recovering = Run(domain, "recovery", () => RecoverAsync(domain, qemu, recorded, status.Job));
        foreach (var alias in gone)
            await Run(domain, $"removal of '{alias}'", () => AfterRemovalAsync(domain, qemu, alias));
    }

    /// <summary>Finishes what the earlier daemon, or the guest without one, had begun. Migrations are recovered by their journal.</summary>
    private async Task RecoverAsync(Domain domain, QemuInstance qemu, DomainStatus recorded, Jobs.JobOperation? job)
    {
        var now = domain.RunState;
        if (now.Status.IsPausedFor(PausedReason.StartingUp))
            // Launched and never run: nobody was told that it had started.
            await StopAsync(domain, qemu, StopIntent.NotStarted(), TerminationFlags.Force, CancellationToken.None);
        else if (now.PoweredOff)
            await ResetAndRunAsync(domain, qemu);
        else if (now.Status.State == DomainState.Shutdown)
            await _termination.TerminateAsync(domain.Name, qemu.Process, TerminationFlags.NoWait, CancellationToken.None);
        else if (now.Status.State == DomainState.Crashed && job == Jobs.JobOperation.Dump)
            await FinishPanicAsync(domain, qemu);
        else if (now.Status.IsPausedFor(PausedReason.Watchdog) && recorded == now.Status && job == Jobs.JobOperation.Dump)
            await AfterWatchdogAsync(domain, qemu);
    }

    /// <summary>Why QEMU's CPUs stand, as far as QEMU knows.</summary>
    private static DomainStatus Standing(RunState state) => state.Value switch
    {
        "shutdown" => new DomainStatus(DomainState.Shutdown, 0),
        "guest-panicked" => new DomainStatus(DomainState.Crashed, 1),
        "suspended" => new DomainStatus(DomainState.PmSuspended, 0),
        "paused" => DomainStatus.Paused(PausedReason.User),
        "io-error" => DomainStatus.Paused(PausedReason.IoError),
        "watchdog" => DomainStatus.Paused(PausedReason.Watchdog),
        "save-vm" => DomainStatus.Paused(PausedReason.Save),
        "inmigrate" or "postmigrate" or "finish-migrate" => DomainStatus.Paused(PausedReason.Migration),
        "prelaunch" => DomainStatus.Paused(PausedReason.StartingUp),
        _ => DomainStatus.Paused(PausedReason.Unknown),
    };

    /// <summary>
    /// A monitor socket that no status names belongs to a QEMU whose start was cut short between its launch and its first status. Its
    /// CPUs never ran (-S), so it is ended. One whose CPUs have run is somebody's guest: it is left alone, and not started a second time.
    /// </summary>
    /// <param name="unreadable">Names of statuses that cannot be read.</param>
    private async Task EndOrphansAsync(IEnumerable<LiveStatus> known, IReadOnlyCollection<string> unreadable, CancellationToken ct)
    {
        var orphan = _monitor with { ConnectDeadline = ReattachLimit, CommandDeadline = ReattachLimit };
        foreach (var path in _files.Monitors().Except(known.Select(status => status.MonitorPath), StringComparer.Ordinal).ToList())
        {
            var (id, name) = DomainFiles.OwnerOfMonitor(path);
            Domains.ReserveId(id);
            try
            {
                await using var monitor = await MonitorSession.ConnectAsync(path, orphan with { Owner = path }, ct);
                var cpus = await monitor.ExecuteAsync(new QueryStatus(), ct);
                if (cpus.Status == RunState.Prelaunch || (cpus.Status == RunState.Inmigrate && !unreadable.Any(other => DomainFiles.Short(other) == name)))
                {
                    await monitor.ExecuteAsync(new Quit(), ct);
                    DomainLog.OrphanEnded(_logger, path);
                }
                else
                {
                    LeaveAlone(name, path);
                    continue;
                }
            }
            catch (WherryException e) when (e.Code != ErrorCode.OperationTimeout)
            {
                // Nobody listens: the socket outlived its process.
            }
            catch (WherryException)
            {
                LeaveAlone(name, path); // It lives, and says nothing.
                continue;
            }
            await _cgroups.RemoveUnfinishedAsync(id, name);
            File.Delete(path);
        }
    }

    private void LeaveAlone(string shortName, string monitorPath)
    {
        DomainLog.UnknownRun(_logger, shortName, monitorPath);
        _unknownRuns = _unknownRuns.SetItem(shortName, monitorPath);
    }

    /// <summary>Two QEMUs on one disk destroy it, so a domain whose QEMU may run unknown to us is not started.</summary>
    private void RefuseUnknownRun(string name)
    {
        if (!_unknownRuns.TryGetValue(DomainFiles.Short(name), out var monitorPath))
            return;
        if (MonitorSocket.HasListener(monitorPath))
            throw new WherryException(
                ErrorCode.OperationInvalid,
                $"domain '{name}' runs already, and its status could not be read: QEMU listens at '{monitorPath}'. "
                + "Restore the status file and restart the daemon, or end that process",
                ErrorDomain.Domain);
        _unknownRuns = _unknownRuns.Remove(DomainFiles.Short(name));
    }

    /// <summary>QEMU ended while no daemon looked. What cannot be known is not made up: the reason is the one that fits what is known.</summary>
    private async Task GoneAsync(Domain domain, LiveStatus status)
    {
        DomainLog.GoneMeanwhile(_logger, status.Name, status.Pid);
        var live = DomainDocument.ParseStatus(status.Xml);
        await _cgroups.RemoveLeftAsync(status.Id, status.Name, live.Partition ?? CgroupNames.DefaultPartition);
        await RemovePortsAsync(status.Name, DomainSpec.From(live).Interfaces);
        RemoveRunFiles(domain.Snapshot with { Id = status.Id });
        domain.Launching = null;
        var reason = status.State == DomainState.Shutdown ? ShutoffReason.Shutdown : ShutoffReason.Crashed;
        var detail = reason == ShutoffReason.Shutdown ? StoppedDetail.Shutdown : StoppedDetail.Failed;
        await EndRunAsync(domain, () => domain.Apply(
            new DomainInput.StatusSet(DomainStatus.Shutoff(reason), LifecycleEvent.Stopped(detail)),
            now => now with { Id = -1, Live = null, UsedByMonitor = false }));
    }
}
