using System.Text;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
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
        LoadDefinitions();
        var found = _files.Status.Names()
            .Select(name => Load(_files.Status, name, LiveStatus.FromJson))
            .OfType<LiveStatus>()
            .ToList();
        foreach (var status in found)
            Domains.ReserveId(status.Id);
        await EndOrphansAsync(found, ct);
        await Task.WhenAll(found.Select(status => ReattachAsync(status, ct)));
    }

    /// <summary>Starts what is marked so and does not run; failures are reported and stop nothing.</summary>
    public async Task AutostartAsync(CancellationToken ct)
    {
        foreach (var domain in Domains.All.Where(domain => domain.Snapshot is { Autostart: true, IsActive: false }).ToList())
        {
            try
            {
                await StartAsync(domain, paused: false, autodestroyOwner: null, "autostart", ct);
            }
            catch (WherryException e)
            {
                DomainLog.NotAutostarted(_logger, domain.Name, e.Message);
            }
        }
    }

    private void LoadDefinitions()
    {
        foreach (var name in _files.Definitions.Names())
        {
            var definition = Load(_files.Definitions, name, bytes => Understand(name, bytes));
            if (definition is null)
                continue;
            if (Domains.Find(definition.Spec.Uuid) is { } first)
            {
                DomainLog.DefinitionLeftOut(_logger, name, $"domain '{first.Name}' has its UUID {first.Uuid}");
                continue;
            }
            Domains.GetOrAdd(
                name,
                definition.Spec.Uuid,
                () => NewDomain(new DomainSnapshot
                {
                    Name = name,
                    Uuid = definition.Spec.Uuid,
                    Config = definition,
                    Autostart = _files.IsAutostart(name),
                }),
                out _);
        }
    }

    private static DomainDefinition Understand(string name, byte[] bytes)
    {
        var definition = new DomainDefinition(DomainDocument.Parse(Encoding.UTF8.GetString(bytes)));
        return definition.Spec.Name == name
            ? definition
            : throw new InvalidDataException($"it defines '{definition.Spec.Name}'");
    }

    private T? Load<T>(State.StateDirectory directory, string name, Func<byte[], T> parse)
        where T : class
    {
        var loaded = directory.Load(name, parse, out var damage);
        if (damage is not null)
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
                Gone(domain, status);
                return;
            }
            // Active from this moment, whatever its monitor says: a guest that lives must not be started a second time.
            domain.Launching = process;
            var recorded = new DomainStatus(status.State, status.Reason);
            domain.Apply(
                new DomainInput.Reattached(recorded, recorded.IsRunning), now => now with { Id = status.Id, Live = live, UsedByMonitor = status.UsedByMonitor });
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
        Gone(domain, status);
    }

    private async Task AttachAsync(Domain domain, LiveStatus status, QemuProcess process, DomainStatus recorded)
    {
        var options = new MonitorOptions { Owner = status.Name, TimeProvider = _time, Logger = _logger };
        var monitor = await MonitorSession.ConnectAsync(status.MonitorPath, options, CancellationToken.None);
        var cpus = await monitor.ExecuteAsync(new QueryStatus(), CancellationToken.None);
        var qemu = new QemuInstance(process, monitor, status.MonitorPath, []);
        domain.Apply(new DomainInput.Reattached(recorded, cpus.Running));
        domain.Attach(qemu);
        domain.Launching = null;
        KeepStatusWritten(domain, qemu);
        Watch(domain, qemu);
        DomainLog.Reattached(_logger, domain.Name, process.Pid, domain.Snapshot.Status.ToString());
    }

    /// <summary>
    /// A monitor socket that no status names belongs to a QEMU whose start was cut short between its launch and its first status. Its
    /// CPUs never ran (-S), so it is ended.
    /// </summary>
    private async Task EndOrphansAsync(IEnumerable<LiveStatus> known, CancellationToken ct)
    {
        foreach (var path in _files.Monitors().Except(known.Select(status => status.MonitorPath), StringComparer.Ordinal).ToList())
        {
            try
            {
                var options = new MonitorOptions { Owner = path, TimeProvider = _time, Logger = _logger, ConnectDeadline = ReattachLimit };
                await using var monitor = await MonitorSession.ConnectAsync(path, options, ct);
                await monitor.ExecuteAsync(new Quit(), ct);
                DomainLog.OrphanEnded(_logger, path);
            }
            catch (WherryException)
            {
                // Nobody listens: the socket outlived its process.
            }
            File.Delete(path);
        }
    }

    private void Gone(Domain domain, LiveStatus status)
    {
        DomainLog.GoneMeanwhile(_logger, status.Name, status.Pid);
        RemoveRunFiles(domain.Snapshot with { Id = status.Id });
        domain.Apply(new DomainInput.StatusSet(DomainStatus.Shutoff(ShutoffReason.Daemon), Announce: null));
        if (!domain.Snapshot.IsPersistent)
            Forget(domain);
    }
}
