using System.Collections.Immutable;
using Wherry.Qemu.Consoles;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Process;
using Wherry.Qemu.State;
using Wherry.Qemu.Statistics;
using Wherry.Qmp;

namespace Wherry.Qemu.Domains;

/// <summary>
/// One run of a domain: the QEMU process, its monitor, and what has to be given back when it ends. A restart of the guest by QEMU
/// (reset) is the same run; stop and start are two.
/// </summary>
/// <remarks>
/// The end of a run is one task, whoever causes it (destroy, guest shutdown, crash, failed start, migration): the first intent counts,
/// the clean-up runs once, and everybody waits for the same task.
/// </remarks>
public sealed class QemuInstance
{
    private readonly Lock _gate = new();
    private ImmutableArray<QmpEventFeed> _feeds = [];
    private ImmutableArray<PendingRemoval> _removals = [];
    private bool _eventsEnded;
    private StopIntent? _intent;
    private readonly CancellationTokenSource _ended = new();
    private Task? _ending;
    private readonly VersionedState<long> _taken = new(0);

    internal QemuInstance(IQemuProcess process, MonitorSession monitor, string monitorPath, IReadOnlyList<IDisposable> resources)
    {
        Process = process;
        Monitor = monitor;
        MonitorPath = monitorPath;
        Resources = resources;
        Figures = new QemuFigures(monitor);
    }

    public IQemuProcess Process { get; }

    public MonitorSession Monitor { get; }

    public string MonitorPath { get; }

    /// <summary>Counters that QEMU keeps, for those who only look.</summary>
    public QemuFigures Figures { get; }

    /// <summary>Its control group; null when it has none.</summary>
    public DomainCgroup? Cgroup { get; internal init; }

    /// <summary>The way to the agent inside the guest.</summary>
    internal AgentLink Agent { get; } = new();

    /// <summary>Serial ports and consoles that clients have open.</summary>
    internal OpenConsoles Consoles { get; } = new();

    /// <summary>The highest number that a block node of this run has had; a number is never given twice.</summary>
    public int LastBlockNode { get; internal set; }

    /// <summary>Ports, tap devices and the like, released when the run ends.</summary>
    internal IReadOnlyList<IDisposable> Resources { get; }

    /// <summary>The task that reads events and ends the run at EOF. Completes after the clean-up.</summary>
    public Task Watching { get; internal set; } = Task.CompletedTask;

    /// <summary>Completes when every event that QEMU sent has been taken: at the end of its monitor.</summary>
    internal Task EventsTaken { get; set; } = Task.CompletedTask;

    /// <summary>Ends with the last clean-up of a device that the guest has let go of. Touched by the reader of events alone.</summary>
    internal Task Removals { get; set; } = Task.CompletedTask;

    /// <summary>Finishes what an earlier daemon had begun.</summary>
    internal Task Recovering { get; set; } = Task.CompletedTask;

    /// <summary>What the live status file says; null before its first write.</summary>
    internal VersionedState<DomainSnapshot?> WrittenStatus { get; set; } = new(null);

    /// <summary>Writes the live status whenever it changes; ends when <see cref="GetEndingToken"/> is cancelled.</summary>
    internal Task KeepingStatus { get; set; } = Task.CompletedTask;

    /// <summary>Cancelled when the clean-up begins.</summary>
    internal CancellationToken GetEndingToken() => _ended.Token;

    /// <summary>Somebody has decided to end this run: what QEMU still says is no news about the guest.</summary>
    internal bool IsEnding
    {
        get
        {
            lock (_gate)
                return _intent is not null;
        }
    }

    /// <summary>Its process is gone, and it is cleaned up after or about to be.</summary>
    internal bool HasEnded
    {
        get
        {
            lock (_gate)
                return _ending is not null;
        }
    }

    /// <summary>A user's destroy ends this run.</summary>
    internal bool EndsByDestroy
    {
        get
        {
            lock (_gate)
                return _intent is { Reason: ShutoffReason.Destroyed };
        }
    }

    /// <summary>Events from now on. Dispose it when done.</summary>
    public QmpEventFeed Subscribe()
    {
        var feed = new QmpEventFeed(gone =>
        {
            lock (_gate)
                _feeds = _feeds.Remove(gone);
        });
        lock (_gate)
        {
            if (_eventsEnded)
                feed.End();
            else
                _feeds = _feeds.Add(feed);
        }
        return feed;
    }

    /// <summary>Numbers for block nodes to be made. Called under the domain's job.</summary>
    /// <returns>The first of them.</returns>
    internal int TakeBlockNodes(int count) => (LastBlockNode += count) - count + 1;

    /// <summary>From now on the end of a device is this caller's to take in. Dispose it when done.</summary>
    internal PendingRemoval ExpectRemoval(string alias)
    {
        var removal = new PendingRemoval(alias, gone =>
        {
            lock (_gate)
                _removals = _removals.Remove(gone);
        });
        lock (_gate)
            _removals = _removals.Add(removal);
        return removal;
    }

    /// <summary>False when nobody waits for it.</summary>
    internal bool TrySignalRemoval(string alias, RemovalOutcome outcome)
    {
        lock (_gate)
        {
            if (_removals.FirstOrDefault(removal => removal.Alias == alias) is not { } waiting)
                return false;
            _removals = _removals.Remove(waiting);
            waiting.Set(outcome);
            return true;
        }
    }

    internal void Deliver(QmpEvent happened)
    {
        foreach (var feed in _feeds)
            feed.Deliver(happened);
        _taken.Publish(happened.Sequence);
    }

    /// <summary>
    /// Waits until all that QEMU has said so far is known. Called after a reply: the events that a command caused were sent before it, and
    /// must not pass for the effect of a later one.
    /// </summary>
    /// <remarks>Events are taken without waiting for anything, so this is short; it ends at the latest with QEMU's monitor.</remarks>
    internal Task CatchUpAsync(CancellationToken ct)
    {
        var last = Monitor.LastEvent;
        return _taken.WaitAsync(taken => taken >= last, ct);
    }

    internal void EndEvents()
    {
        lock (_gate)
        {
            _eventsEnded = true;
            foreach (var feed in _feeds)
                feed.End();
            _feeds = [];
        }
        _taken.Publish(long.MaxValue);
    }

    /// <summary>Says why this run will end, before the signal that ends it: the EOF that follows must not pass for a crash (S4.10).
    /// False when another intent was first.</summary>
    internal bool TryIntend(StopIntent intent)
    {
        lock (_gate)
        {
            _intent ??= intent;
            return ReferenceEquals(_intent, intent);
        }
    }

    /// <summary>The process did not end (a graceful destroy of a hung QEMU): the run goes on.</summary>
    internal void Withdraw(StopIntent intent)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_intent, intent) && _ending is null)
                _intent = null;
        }
    }

    /// <summary>Runs the clean-up once, with the intent that counts; later callers get the same task.</summary>
    internal Task EndOnceAsync(StopIntent fallback, Func<StopIntent, Task> cleanUp)
    {
        lock (_gate)
        {
            _intent ??= fallback;
            var intent = _intent;
            return _ending ??= EndAsync(intent, cleanUp);
        }
    }

    private async Task EndAsync(StopIntent intent, Func<StopIntent, Task> cleanUp)
    {
        await Task.Yield(); // out of the lock
        await _ended.CancelAsync();
        await cleanUp(intent);
    }
}

/// <summary>Why a run ends, as clients will see it. Compared by identity: the first intent of a run is the one that counts.</summary>
/// <param name="reason">Shown as the reason of the state "shut off".</param>
/// <param name="detail">Null: no event, because no start was announced either.</param>
public sealed class StopIntent(ShutoffReason reason, StoppedDetail? detail)
{
    public ShutoffReason Reason => reason;

    public StoppedDetail? Detail => detail;

    /// <summary>Nobody but the guest or QEMU ended it. libvirt makes that event before it stops the domain, and so with the id that it had.</summary>
    public bool OfItself { get; private init; }

    public static StopIntent Destroyed() => new(ShutoffReason.Destroyed, StoppedDetail.Destroyed);

    /// <summary>The guest powered itself off.</summary>
    public static StopIntent GuestShutdown() => new(ShutoffReason.Shutdown, StoppedDetail.Shutdown) { OfItself = true };

    /// <summary>QEMU went away without a word. The event says "failed", the state "crashed": libvirt's choice.</summary>
    public static StopIntent Crashed() => new(ShutoffReason.Crashed, StoppedDetail.Failed) { OfItself = true };

    /// <summary>The guest panicked and its definition says to end it.</summary>
    public static StopIntent Panicked() => new(ShutoffReason.Crashed, StoppedDetail.Crashed);

    /// <summary>A start that did not work out.</summary>
    public static StopIntent NotStarted() => new(ShutoffReason.Failed, null);

    /// <summary>An incoming migration that did not work out.</summary>
    public static StopIntent Failed() => new(ShutoffReason.Failed, StoppedDetail.Failed);

    /// <summary>The guest runs on another host now.</summary>
    public static StopIntent Migrated() => new(ShutoffReason.Migrated, StoppedDetail.Migrated);
}
