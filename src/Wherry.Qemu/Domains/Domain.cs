using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Process;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Domains;

/// <summary>
/// One virtual machine: the owner of its state. Nobody else changes it, everybody may read its snapshot.
/// </summary>
/// <remarks>
/// <code>
///   handlers, migration ---- BeginJob ----> JobSlots (who may change something now)
///        |                                       |
///        | Apply(input)                          | lease
///        v                                       v
///   +--------------------------------------------------+      snapshot (versioned)  ---> reads: list, info, dumpxml
///   | gate:  DomainMachine.Step(run, input)            | ---> lifecycle events       ---> subscribers, in order
///   +--------------------------------------------------+      status file           ---> next daemon
///        ^                          ^
///        | Apply(input)             | Apply(Stopped), once
///   QMP event pump            process exit, destroy
/// </code>
/// The gate is held for one pure step and one publication: no I/O, no await, no callback but the event sink, which only enqueues.
/// There is no lock shared by two domains.
/// </remarks>
public sealed partial class Domain
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _defining = new(1, 1);
    private readonly VersionedState<DomainSnapshot> _state;
    private readonly IDomainEventSink _sink;
    private DomainRunState _run;
    private volatile QemuInstance? _qemu;

    internal Domain(DomainSnapshot initial, IDomainEventSink sink, JobLimits limits, TimeProvider time)
    {
        _state = new VersionedState<DomainSnapshot>(initial);
        _run = DomainRunState.Off with { Status = initial.Status };
        _sink = sink;
        Jobs = new DomainJobs(limits, time);
    }

    public string Name => Snapshot.Name;

    public Guid Uuid => Snapshot.Uuid;

    public DomainSnapshot Snapshot => _state.Current;

    /// <summary>For waits on conditions ("until shut off"); see <see cref="VersionedState{T}"/>.</summary>
    public VersionedState<DomainSnapshot> State => _state;

    public DomainJobs Jobs { get; }

    /// <summary>The present run; null when inactive, and while QEMU is being launched.</summary>
    public QemuInstance? Qemu => _qemu;

    /// <summary>QEMU between its start and its first answer: nothing to talk to yet, but it can be ended.</summary>
    internal IQemuProcess? Launching { get; set; }

    /// <summary>Whose end ends this run as well (autodestroy, an unfinished incoming migration); null: nobody's. Cleared when the run ends
    /// (S4.12), so that a later run does not inherit it.</summary>
    public object? AutodestroyOwner { get; set; }

    /// <summary>What a migration without a limit of its own is limited to, in MiB/s (migrate-setspeed); 0 for nothing. Until the daemon ends.</summary>
    public ulong MigrationSpeedMiBps { get; set; }

    /// <summary>
    /// Held while what the domain exists for changes: its stored definition, the beginning and the end of a run. So two definitions reach
    /// the disk in the order they reach the snapshot, and a domain that is forgotten has neither a definition nor a run.
    /// </summary>
    /// <returns>Dispose it when done.</returns>
    internal async Task<IDisposable> DefineAloneAsync(CancellationToken ct)
    {
        await _defining.WaitAsync(ct);
        return new DefiningTurn(_defining);
    }

    /// <summary>What the state machine knows, for those who decide by more than the visible status.</summary>
    public DomainRunState RunState
    {
        get
        {
            lock (_gate)
                return _run;
        }
    }

    /// <summary>One step of the machine; the snapshot and the events are out when it returns.</summary>
    public DomainSnapshot Apply(DomainInput input) => Apply(input, static snapshot => snapshot);

    /// <summary>One step of the machine together with a change of the snapshot, published as one.</summary>
    public DomainSnapshot Apply(DomainInput input, Func<DomainSnapshot, DomainSnapshot> change) => Apply(input, change, toldAs: null);

    /// <param name="toldAs">Who the events are about; null: the domain as it is after the step.</param>
    private DomainSnapshot Apply(DomainInput input, Func<DomainSnapshot, DomainSnapshot> change, DomainIdentity? toldAs)
    {
        lock (_gate)
        {
            var (next, events) = DomainMachine.Step(_run, input);
            _run = next;
            var published = _state.Update(now => change(now) with { Status = next.Status, RebootPending = next.RebootPending });
            foreach (var happened in events)
                _sink.Publish(toldAs ?? published.Identity, new DomainEvent.Lifecycle(happened));
            return published;
        }
    }

    internal void Attach(QemuInstance qemu) => _qemu = qemu;

    /// <summary>
    /// Completes when the present run is over: its QEMU has ended, and has been cleaned up after. At once when there is none. A QEMU that lives
    /// and whose monitor does not answer, so that <see cref="Qemu"/> is null, is a run as any other.
    /// </summary>
    internal Task RunEndedAsync(CancellationToken ct)
    {
        var now = Snapshot;
        return now.IsActive ? _state.WaitAsync(later => later.Id != now.Id, ct) : Task.CompletedTask;
    }

    /// <summary>The run is over: state, snapshot and instance change as one.</summary>
    internal DomainSnapshot Detach(StopIntent intent)
    {
        lock (_gate)
        {
            _qemu = null;
            AutodestroyOwner = null;
            return Apply(
                new DomainInput.Stopped(intent.Reason, intent.Detail),
                now => now with { Id = -1, Live = null, Job = null, UsedByMonitor = false },
                intent.OfItself ? Snapshot.Identity : null);
        }
    }

    /// <summary>Changes what the machine does not decide (documents, autostart, job progress).</summary>
    public DomainSnapshot Change(Func<DomainSnapshot, DomainSnapshot> change)
    {
        lock (_gate)
            return _state.Update(change);
    }

    /// <summary>Renews the figures of the job that goes on. One that has ended meanwhile stays ended: a look at QEMU that was under way when
    /// the last word was said must not bring it back.</summary>
    public DomainSnapshot ReportJob(JobStats figures) => Change(s => s.Job is null ? s : s with { Job = figures });

    /// <summary>Tells subscribers something that is not a change of state, in order with the changes.</summary>
    public void Announce(DomainEvent happened)
    {
        lock (_gate)
            _sink.Publish(Snapshot.Identity, happened);
    }

    public override string ToString() => $"domain '{Name}'";

    private sealed class DefiningTurn(SemaphoreSlim defining) : IDisposable
    {
        public void Dispose() => defining.Release();
    }
}
