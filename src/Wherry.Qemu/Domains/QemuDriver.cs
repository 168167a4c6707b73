using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Process;
using Wherry.Qmp;

namespace Wherry.Qemu.Domains;

/// <summary>
/// Everything one can do to the domains of this host; what libvirt calls the QEMU driver. It knows neither sessions nor wire types:
/// handlers and migration translate and call.
/// </summary>
/// <remarks>
/// <code>
///   QemuDriver.Definitions   define, undefine, autostart, load at start-up
///   QemuDriver.Starting      start, create; DomainLauncher makes the process
///   QemuDriver.Cpus          suspend, resume
///   QemuDriver.Power         shutdown, reboot, reset
///   QemuDriver.Crashes       what follows a guest's power-off, panic or watchdog
///   QemuDriver.Dumping       memory dumps
///   QemuDriver.Devices       attach, detach, update; Plugging, Unplugging, Updating for the guest's part
///   QemuDriver.Events        what QEMU says by itself; the end of its monitor
///   QemuDriver.Stopping      destroy, and the one clean-up of every run
///   QemuDriver.Modifying     live and config: what changes of a domain while it exists; Memory, Vcpus, Pinning,
///                            IoThreads, IoTune, Bandwidth, Tuning, Resizing
///   QemuDriver.Agent         what the agent inside the guest is asked to do
///   QemuDriver.Consoles      serial ports, consoles, the screen
///   QemuDriver.Reattaching   QEMUs that an earlier daemon left running
/// </code>
/// Rules of every operation: take the job, look again (the world may have changed while waiting), act, publish. Errors are
/// <see cref="WherryException"/> with libvirt's code and words.
/// </remarks>
public sealed partial class QemuDriver
{
    private readonly IDomainLauncher _launcher;
    private readonly ProcessSupervisor _processes;
    private readonly ProcessTermination _termination;
    private readonly DomainFiles _files;
    private readonly GuestCgroups _cgroups;
    private readonly JobLimits _jobLimits;
    private readonly MonitorOptions _monitor;
    private readonly IDomainEventSink _sink;

    /// <summary>Monitor sockets, by shortened name, of QEMUs that run and that we know nothing else about.</summary>
    private ImmutableDictionary<string, string> _unknownRuns = ImmutableDictionary<string, string>.Empty;
    private readonly EmulatorCatalog _emulators;
    private readonly ToolRunner _tools;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public QemuDriver(QemuDriverParts parts)
    {
        _launcher = parts.Launcher;
        _processes = parts.Processes;
        _termination = parts.Termination;
        _files = parts.Files;
        _cgroups = parts.Cgroups;
        _jobLimits = parts.JobLimits;
        _monitor = parts.Monitor with { TimeProvider = parts.Time, Logger = parts.Logger };
        _sink = parts.Sink;
        _emulators = parts.Emulators;
        _tools = new ToolRunner(parts.Processes, parts.Time);
        _time = parts.Time;
        _logger = parts.Logger;
    }

    public DomainRegistry Domains { get; } = new();

    public DomainFiles Files => _files;

    /// <summary>Set once, when the daemon is put together: migrations need the driver, and the driver must not start what they are deciding.</summary>
    public IHandOverGuard HandOvers { private get; set; } = new NoHandOvers();

    private Domain NewDomain(DomainSnapshot snapshot) => new(snapshot, _sink, _jobLimits, _time);

    /// <summary>The domain, or libvirt's error for one that is gone: it may have been removed since the client looked it up.</summary>
    public Domain Get(Guid uuid, string name) =>
        Domains.Find(uuid) ?? throw new WherryException(ErrorCode.NoDomain, $"no domain with matching uuid '{uuid}' ({name})");

    /// <summary>Waits for the domain's turn, and looks whether it is still there. While QEMU owes an answer that the holder has given up
    /// on, the turn stays the holder's: others then fail at their own deadline, and the error names who began it.</summary>
    private async Task<JobLease> BeginAsync(Domain domain, JobKind job, string owner, CancellationToken ct) =>
        CheckStillThere(domain, await domain.Jobs.BeginAsync(job, owner, ct)).Until(() => domain.Qemu?.Monitor.Owed);

    /// <summary>The same for a long operation; migration keeps such a lease over several calls.</summary>
    public async Task<JobLease> BeginAsync(Domain domain, AsyncJobKind job, string owner, CancellationToken ct) =>
        CheckStillThere(domain, await domain.Jobs.BeginAsync(job, owner, ct));

    private JobLease CheckStillThere(Domain domain, JobLease lease)
    {
        if (Domains.Find(domain.Uuid) == domain)
            return lease;
        lease.Dispose();
        throw DomainRefusals.Vanished(domain);
    }

    private static QemuInstance ActiveQemu(Domain domain) =>
        domain.Qemu is { } qemu && domain.Snapshot.IsActive ? qemu : throw DomainRefusals.NotRunning();
}

/// <summary>What a driver is made of; composed once, in Program.</summary>
public sealed record QemuDriverParts
{
    public required IDomainLauncher Launcher { get; init; }
    public required ProcessSupervisor Processes { get; init; }
    public required ProcessTermination Termination { get; init; }
    public required DomainFiles Files { get; init; }
    public required GuestCgroups Cgroups { get; init; }
    public required EmulatorCatalog Emulators { get; init; }
    public required IDomainEventSink Sink { get; init; }
    public JobLimits JobLimits { get; init; } = JobLimits.Default;

    /// <summary>Limits of the sessions with QEMUs that run already; who owns one is filled in.</summary>
    public MonitorOptions Monitor { get; init; } = new() { Owner = "" };
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public required ILogger Logger { get; init; }
}

/// <summary>Knows the hand-overs that are not decided yet (migration rule 12).</summary>
public interface IHandOverGuard
{
    /// <summary>Why this domain must not be started or resumed now, naming the id, the peer and the way out; null when it may.</summary>
    string? Refusal(Guid uuid);

    /// <summary>Waits until it is decided whose guest this is.</summary>
    /// <returns>True: ours, and no copy of it is left here. False: another's, or nobody can say.</returns>
    Task<bool> MayStartAnewAsync(Guid uuid, CancellationToken ct);
}

internal sealed class NoHandOvers : IHandOverGuard
{
    public string? Refusal(Guid uuid) => null;

    public Task<bool> MayStartAnewAsync(Guid uuid, CancellationToken ct) => Task.FromResult(false);
}
