using System.Collections.Immutable;
using System.Diagnostics;

namespace Wherry.Testbed.Guest;

/// <summary>One heartbeat: which QEMU sent it (numbered in the order in which they connected), when it was read, and its count.</summary>
public readonly record struct Beat(int Qemu, long Timestamp, long Count);

/// <summary>The guest went from one QEMU to another; <see cref="Silence"/> is what its users saw of it.</summary>
public readonly record struct HandOver(int From, int To, TimeSpan Silence, long Timestamp);

/// <summary>
/// All that the guest said, on one clock. The judges read it: never two at once, never a roll-back, not hung, and how long it was silent.
/// </summary>
public sealed class GuestTimeline
{
    private readonly Lock _lock = new();
    private readonly List<Beat> _beats = [];
    private readonly List<string> _other = [];
    private readonly List<int> _pids = [];
    private readonly Dictionary<char, long> _flushed = [];
    private readonly List<(Func<GuestTimeline, bool> Until, TaskCompletionSource Done)> _waiting = [];
    private int _speaker = -1;

    /// <summary>The QEMU whose guest printed the newest line, or -1 when none has come yet.</summary>
    public int Speaker => Read(() => _speaker);

    /// <summary>Process ids of the QEMUs, in the order in which they connected.</summary>
    public ImmutableArray<int> Pids => Read(() => _pids.ToImmutableArray());

    public ImmutableArray<Beat> Beats => Read(() => _beats.ToImmutableArray());

    public long LastCount => Read(() => _beats.Count == 0 ? 0 : _beats[^1].Count);

    /// <summary>What the guest and its kernel printed besides heartbeats and flushes; the newest thousand lines.</summary>
    public ImmutableArray<string> OtherLines => Read(() => _other.ToImmutableArray());

    /// <summary>The newest block of the disk ("a" for vda) that the guest says is flushed; 0 when none is.</summary>
    public long Flushed(char disk) => Read(() => _flushed.GetValueOrDefault(disk));

    public ImmutableArray<HandOver> HandOvers => Read(() => _beats.Zip(_beats.Skip(1))
        .Where(pair => pair.First.Qemu != pair.Second.Qemu)
        .Select(pair => new HandOver(pair.First.Qemu, pair.Second.Qemu, Elapsed(pair), pair.Second.Timestamp))
        .ToImmutableArray());

    /// <summary>The longest time between two heartbeats since <paramref name="since"/> (a <see cref="Stopwatch"/> timestamp).</summary>
    public TimeSpan LongestSilence(long since = 0) => Read(() => _beats.Zip(_beats.Skip(1))
        .Where(pair => pair.Second.Timestamp >= since)
        .Select(Elapsed)
        .DefaultIfEmpty()
        .Max());

    /// <summary>
    /// What must never happen, as sentences; empty when all is well. Each migration starts a QEMU of its own, so a heartbeat from an
    /// earlier one after a later one has spoken means two running copies, and a count that does not grow means that memory went back.
    /// </summary>
    public ImmutableArray<string> Violations => Read(() =>
    {
        var found = ImmutableArray.CreateBuilder<string>();
        foreach (var (before, after) in _beats.Zip(_beats.Skip(1)))
        {
            if (after.Qemu < before.Qemu)
                found.Add($"two copies ran: QEMU {after.Qemu} sent beat {after.Count} after QEMU {before.Qemu} had sent {before.Count}");
            else if (after.Count <= before.Count)
                found.Add($"the guest went back: beat {after.Count} came after {before.Count}");
        }

        found.AddRange(_other.Where(line => line.StartsWith("e:", StringComparison.Ordinal)).Select(line => $"a disk write failed in the guest: {line}"));
        return found.ToImmutable();
    });

    /// <summary>Waits until the condition holds; it is looked at after every line.</summary>
    /// <exception cref="TimeoutException">It did not hold within <paramref name="limit"/>; the message tells what the guest last said.</exception>
    public async Task WaitAsync(string what, Func<GuestTimeline, bool> until, TimeSpan limit, CancellationToken ct = default)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (until(this))
                return;
            _waiting.Add((until, done));
        }

        try
        {
            await done.Task.WaitAsync(limit, ct);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(
                $"{what}: not within {limit.TotalSeconds} s; {Beats.Length} beats, last count {LastCount} from QEMU {Speaker}; it said: {string.Join(" | ", OtherLines.TakeLast(20))}", e);
        }
    }

    /// <summary>Waits for heartbeats that are newer than this call: the guest runs now.</summary>
    public Task WaitForBeatAsync(TimeSpan limit, CancellationToken ct = default)
    {
        var seen = LastCount;
        return WaitAsync("the guest's next heartbeat", timeline => timeline.LastCount > seen, limit, ct);
    }

    internal void Connected(int pid)
    {
        lock (_lock)
            _pids.Add(pid);
    }

    internal void Add(int qemu, long timestamp, string line)
    {
        lock (_lock)
        {
            _speaker = qemu;
            if (line.StartsWith("b ", StringComparison.Ordinal) && long.TryParse(line.AsSpan(2), out var count))
                _beats.Add(new Beat(qemu, timestamp, count));
            else if (line.Length > 4 && line.StartsWith("f:", StringComparison.Ordinal) && long.TryParse(line.AsSpan(4), out var number))
                _flushed[line[2]] = number;
            else if (line.Length > 0)
                Remember(line);

            foreach (var waiter in _waiting.Where(waiter => waiter.Until(this)).ToList())
            {
                _waiting.Remove(waiter);
                waiter.Done.SetResult();
            }
        }
    }

    private void Remember(string line)
    {
        if (_other.Count == 1000)
            _other.RemoveAt(0);
        _other.Add(line);
    }

    private static TimeSpan Elapsed((Beat First, Beat Second) pair) => Stopwatch.GetElapsedTime(pair.First.Timestamp, pair.Second.Timestamp);

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
            return read();
    }
}
