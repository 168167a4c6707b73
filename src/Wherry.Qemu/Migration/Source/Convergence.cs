using System.Globalization;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// Whether a migration comes nearer to its end, and for how long the guest would stand if it were stopped now (migration.md B7).
/// </summary>
/// <remarks>
/// Pure, fed with looks at QEMU and the time of each.
/// <code>
///   memory   owed now = what the last pass left + what was dirtied since      / rate of the stream
///   disks    owed now = what the mirrors have not copied                      / rate at which they copied during the last seconds
/// </code>
/// The guest's silence is the sum: QEMU sends both while it stands. Nothing is decided by it; it is told to whoever can: raise the limits, pause the
/// guest, switch to post-copy, give up.
/// </remarks>
internal sealed class Convergence
{
    private const double MiB = 1024 * 1024;

    // Pages dirtied this close to the rate of the stream leave as many for the next pass, give or take what is measured wrong.
    private const double AsFastAsSent = 0.9;

    // The first pass sends everything, and the second what was dirtied meanwhile; only then have two passes of the same kind been seen.
    private const long FirstTellingPass = 3;

    /// <summary>Rates of the disks are those of this time; a backlog that has not shrunk for as long does not shrink.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Queue<Copied> _copied = new();
    private long _pass;
    private TimeSpan _passBegan;

    /// <summary>Milliseconds; null before memory is sent, and when the rates are not known yet.</summary>
    public ulong? DowntimeMs { get; private set; }

    /// <summary>Bytes of disks copied in a second; null before it was seen for a while.</summary>
    public ulong? DiskBytesPerSecond { get; private set; }

    /// <summary>Why it does not end, as long as it does not; null otherwise.</summary>
    public string? Complaint { get; private set; }

    /// <param name="seen">What QEMU says. The migration is copying disks or sending memory.</param>
    /// <param name="now">Since any fixed moment.</param>
    public void Observe(SourceObservation seen, TimeSpan now)
    {
        var disks = ObserveDisks(seen, now);
        var memory = ObserveMemory(seen, now);
        Complaint = disks.Complaint ?? memory.Complaint;
        DowntimeMs = memory.Seconds is { } forMemory ? (ulong)((forMemory + (disks.Seconds ?? 0)) * 1000) : null;
    }

    private (double? Seconds, string? Complaint) ObserveDisks(SourceObservation seen, TimeSpan now)
    {
        if (seen.Mirrors.IsEmpty)
            return (null, null);

        var last = new Copied(now, Sum(seen, m => m.OffsetBytes), Sum(seen, m => m.LengthBytes), Sum(seen, m => m.BacklogBytes));
        _copied.Enqueue(last);
        while (_copied.Count > 2 && now - _copied.ElementAt(1).At >= Window)
            _copied.Dequeue();

        var first = _copied.Peek();
        var elapsed = (last.At - first.At).TotalSeconds;
        if (elapsed < 1 || last.Offset < first.Offset)
            return (null, null); // too short, or a job has ended and says no lengths any more

        var rate = (last.Offset - first.Offset) / elapsed;
        DiskBytesPerSecond = (ulong)rate;
        double? seconds = last.Backlog == 0 ? 0 : rate > 0 ? last.Backlog / rate : null;

        // No byte at all is a stall, which is dealt with as such.
        var written = (last.Length - (double)first.Length) / elapsed;
        return (seconds, elapsed >= Window.TotalSeconds && rate > 0 && last.Backlog > 0 && last.Backlog >= first.Backlog
            ? Text($"disks do not converge: written at {written / MiB:0.0} MiB/s, copied at {rate / MiB:0.0} MiB/s, {last.Backlog / MiB:0.0} MiB are owed")
            : null);
    }

    private (double? Seconds, string? Complaint) ObserveMemory(SourceObservation seen, TimeSpan now)
    {
        if (seen.Stream != StreamStatus.Active || seen.Info.Ram is not { } ram)
            return (null, null);

        if (ram.DirtySyncCount != _pass)
            (_pass, _passBegan) = (ram.DirtySyncCount, now);

        var sent = ram.Mbps * 1_000_000 / 8;
        if (sent <= 0)
            return (null, null);

        var dirtied = ram.DirtyPagesRate * (double)ram.PageSize;
        var owed = Math.Min(ram.Total, ram.Remaining + (dirtied * (now - _passBegan).TotalSeconds));
        return (owed / sent, ram.DirtySyncCount >= FirstTellingPass && dirtied >= sent * AsFastAsSent
            ? Text($"memory does not converge: dirtied at {dirtied / MiB:0.0} MiB/s, sent at {sent / MiB:0.0} MiB/s")
            : null);
    }

    private static ulong Sum(SourceObservation seen, Func<Disks.MirrorReport, ulong> figure) =>
        seen.Mirrors.Aggregate(0UL, (sum, mirror) => sum + figure(mirror));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Copied(TimeSpan At, ulong Offset, ulong Length, ulong Backlog);
}
