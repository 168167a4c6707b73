using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// Tells a migration that goes slowly from one that goes nowhere: its destination hangs, or packets vanish without a reset. TCP alone
/// notices after minutes; a write-blocking mirror holds up the guest's writes all the while, and may hold up QEMU's whole main loop (B3).
/// </summary>
/// <remarks>
/// Pure. Time is counted in ticks of its own, not read from a clock: a host that stood still itself, and wakes after a minute, has seen one
/// tick and not sixty, so its QEMU gets the time to go on. No answer to a look is no progress, like an answer that shows none.
/// </remarks>
internal sealed class StallWatch
{
    /// <summary>Between two ticks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly MigrationLimits _limits;
    private readonly bool _copiesDisks;
    private readonly Dictionary<string, Copy> _copies;
    private bool _looked;
    private int _ticksSinceLook;
    private int _ticksSinceStream;
    private (StreamStatus Status, long Transferred)? _stream;

    /// <param name="disks">The disks that are copied.</param>
    /// <param name="limits">How long no progress is bearable.</param>
    public StallWatch(IEnumerable<MirroredDisk> disks, MigrationLimits limits)
    {
        _limits = limits;
        _copies = disks.ToDictionary(disk => disk.JobId, disk => new Copy(disk.Target), StringComparer.Ordinal);
        _copiesDisks = _copies.Count > 0;
    }

    /// <summary>A look at QEMU.</summary>
    public void Observe(SourceObservation seen)
    {
        lock (_gate)
        {
            _looked = true;
            _ticksSinceLook = 0;
            foreach (var mirror in seen.Mirrors)
            {
                if (_copies.TryGetValue(mirror.JobId, out var copy))
                    copy.Observe(mirror);
            }

            if (seen.Stream == StreamStatus.None)
            {
                return; // not begun: the copies come first
            }

            var now = (seen.Stream, seen.Info.Ram?.Transferred ?? 0);
            if (_stream != now)
            {
                _stream = now;
                _ticksSinceStream = 0;
            }
        }
    }

    /// <summary>One <see cref="Interval"/> has passed.</summary>
    /// <returns>Why the migration has to be given up; null while it goes on.</returns>
    public Failure? Tick()
    {
        lock (_gate)
        {
            _ticksSinceLook++;
            if (_looked && Lasts(_ticksSinceLook, _copiesDisks ? _limits.MirrorStall : _limits.StreamStall) is { } silence)
                return new Failure(FailureKind.TimedOut, $"QEMU has not answered for {silence} s");

            foreach (var copy in _copies.Values)
            {
                if (Lasts(++copy.Ticks, copy.HasMoved ? _limits.MirrorStall : _limits.StreamStall) is { } stalled && copy.BacklogBytes != 0)
                {
                    return new Failure(
                        FailureKind.MirrorFailed,
                        $"the copy of disk {copy.Target} has not progressed for {stalled} s"
                        + (copy.BacklogBytes is { } backlog ? $", {backlog} bytes are owed" : ""));
                }
            }

            return _stream is not null && Lasts(++_ticksSinceStream, _limits.StreamStall) is { } still
                ? new Failure(FailureKind.StreamFailed, $"the memory stream has not progressed for {still} s")
                : null;
        }
    }

    private static int? Lasts(int ticks, TimeSpan limit) => ticks * Interval >= limit ? (int)limit.TotalSeconds : null;

    private sealed class Copy(string target)
    {
        private ulong? _offset;

        public string Target => target;

        public int Ticks { get; set; }

        /// <summary>Null before it was seen.</summary>
        public ulong? BacklogBytes { get; private set; }

        /// <summary>Before its first byte a mirror looks for data and may write zeroes over the whole target: slow, and no stall.</summary>
        public bool HasMoved => _offset > 0;

        public void Observe(MirrorReport seen)
        {
            // One that has ended owes nothing, whatever its figures were.
            var backlog = seen.Concluded ? 0 : seen.BacklogBytes;
            if (_offset != seen.OffsetBytes || backlog == 0)
                Ticks = 0;

            (_offset, BacklogBytes) = (seen.OffsetBytes, backlog);
        }
    }
}
