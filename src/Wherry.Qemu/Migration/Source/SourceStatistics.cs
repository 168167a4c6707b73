using System.Collections.Immutable;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// The figures of one outgoing migration: what <c>domjobinfo</c> shows while it runs and after it, and what goes into the cookie.
/// Written by the look-out and the machine's effects, read by anyone.
/// </summary>
internal sealed class SourceStatistics(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly long _began = time.GetTimestamp();
    private SourceObservation _last = SourceObservation.None;
    private readonly Convergence _convergence = new();
    private TransferStats? _disks;
    private long? _stopped;
    private CookieStatistics? _fromDestination;

    /// <summary>Why the migration does not come to its end, as long as it does not; afterwards as it was when it ended.</summary>
    public string? Complaint
    {
        get
        {
            lock (_gate)
                return _convergence.Complaint;
        }
    }

    /// <param name="seen">A look at QEMU.</param>
    /// <param name="goesOn">Disks are copied or memory is sent: it is on its way to its end.</param>
    public void Observe(SourceObservation seen, bool goesOn)
    {
        lock (_gate)
        {
            _last = seen;
            if (goesOn)
                _convergence.Observe(seen, time.GetElapsedTime(_began));

            // A job that has ended says no lengths any more, and vanishes when it is dismissed; its last figures are the result.
            if (!seen.Mirrors.IsEmpty && Sum(seen, m => m.LengthBytes) is var total && total >= (_disks?.Total ?? 0))
                _disks = new TransferStats(total, Sum(seen, m => m.OffsetBytes), Sum(seen, m => m.BacklogBytes), _convergence.DiskBytesPerSecond);
        }
    }

    /// <summary>The guest stands; its silence is measured from here.</summary>
    public void GuestStopped()
    {
        lock (_gate)
        {
            _stopped ??= time.GetTimestamp();
        }
    }

    /// <summary>The destination's figures, with the downtime as it saw it.</summary>
    public void Finished(CookieStatistics? statistics)
    {
        lock (_gate)
        {
            _fromDestination = statistics ?? _fromDestination;
        }
    }

    /// <summary>The job as it runs. Handed over means that it is not over, whatever the figures say (migration.md C8).</summary>
    public JobStats Running(HandOverReport? undecided)
    {
        lock (_gate)
        {
            var figures = Figures(JobType.Unbounded);
            var expected = _last.Info.Downtime is null ? _convergence.DowntimeMs : null;
            return figures with { HandOver = undecided, DowntimeMs = expected ?? figures.DowntimeMs, Concern = _convergence.Complaint };
        }
    }

    public JobStats Completed(MigrationOutcome outcome)
    {
        lock (_gate)
        {
            var type = outcome switch
            {
                MigrationOutcome.Moved => JobType.Completed,
                MigrationOutcome.StayedOnSource { Why.Kind: FailureKind.Cancelled } => JobType.Cancelled,
                _ => JobType.Failed,
            };
            var figures = Figures(type);
            return type == JobType.Completed
                ? figures with
                {
                    TimeElapsedNetMs = _fromDestination?.Net(figures.TimeElapsedMs),
                    DowntimeMs = Downtime(),
                    DowntimeNetMs = Downtime() is { } downtime ? _fromDestination?.Net(downtime) : null,
                }
                : figures with { ErrorMessage = MigrationFailures.WhyOf(outcome)?.Text };
        }
    }

    public CookieStatistics ToCookie()
    {
        lock (_gate)
        {
            var figures = Figures(JobType.Completed);
            var values = ImmutableSortedDictionary.CreateBuilder<string, ulong>(StringComparer.Ordinal);
            values["time_elapsed"] = figures.TimeElapsedMs;
            values["downtime"] = figures.DowntimeMs ?? 0;
            if (figures.SetupTimeMs is { } setup)
                values["setup_time"] = setup;

            AddTransfer(values, "memory", figures.Memory);
            AddTransfer(values, "disk", figures.Disk);
            if (figures.MemoryDetail is { } detail)
            {
                values["memory_constant"] = detail.ConstantPages;
                values["memory_normal"] = detail.NormalPages;
                values["memory_normal_bytes"] = detail.NormalBytes;
                values["memory_dirty_rate"] = detail.DirtyRate;
                values["memory_iteration"] = detail.Iteration;
                values["memory_page_size"] = detail.PageSize;
            }

            if (figures.Compression is { } compression)
            {
                values["compression_cache"] = compression.Cache;
                values["compression_bytes"] = compression.Bytes;
                values["compression_pages"] = compression.Pages;
                values["compression_cache_misses"] = compression.CacheMisses;
                values["compression_overflow"] = compression.Overflow;
            }

            // Reckoned back from now: somebody may have set the clock since (F64).
            var now = time.GetUtcNow();
            return new CookieStatistics(
                Before(now, _began),
                _stopped is { } stopped ? Before(now, stopped) : 0,
                (ulong)now.ToUnixTimeMilliseconds(),
                DeltaMs: null,
                values.ToImmutable());
        }
    }

    private ulong Before(DateTimeOffset now, long timestamp) => (ulong)(now - time.GetElapsedTime(timestamp)).ToUnixTimeMilliseconds();

    private static ulong Sum(SourceObservation seen, Func<Disks.MirrorReport, ulong> figure) =>
        seen.Mirrors.Aggregate(0UL, (sum, mirror) => sum + figure(mirror));

    private static void AddTransfer(ImmutableSortedDictionary<string, ulong>.Builder values, string prefix, TransferStats? stats)
    {
        values[$"{prefix}_total"] = stats?.Total ?? 0;
        values[$"{prefix}_processed"] = stats?.Processed ?? 0;
        values[$"{prefix}_remaining"] = stats?.Remaining ?? 0;
        values[$"{prefix}_bps"] = stats?.BytesPerSecond ?? 0;
    }

    /// <summary>As the destination measured it if it did, otherwise QEMU's own figure.</summary>
    private ulong? Downtime() =>
        _fromDestination?.Values.TryGetValue("downtime", out var seen) == true && seen > 0
            ? seen
            : _last.Info.Downtime is { } own and >= 0 ? (ulong)own : null;

    private JobStats Figures(JobType type)
    {
        var ram = _last.Info.Ram;
        return new JobStats
        {
            Type = type,
            Operation = JobOperation.MigrationOut,
            TimeElapsedMs = (ulong)time.GetElapsedTime(_began).TotalMilliseconds,
            DowntimeMs = (_last.Info.Downtime ?? _last.Info.ExpectedDowntime) is { } downtime and >= 0 ? (ulong)downtime : null,
            SetupTimeMs = _last.Info.SetupTime is { } setup and >= 0 ? (ulong)setup : null,
            Memory = ram is null ? null : new TransferStats((ulong)ram.Total, (ulong)ram.Transferred, (ulong)ram.Remaining, (ulong)(ram.Mbps * 1_000_000 / 8)),
            Disk = _disks ?? new TransferStats(0, 0, 0),
            MemoryDetail = ram is null ? null : ToDetail(ram),
            Compression = _last.Info.XbzrleCache is { } xbzrle ? ToCompression(xbzrle) : null,
            AutoConvergeThrottle = _last.Info.CpuThrottlePercentage,
        };
    }

    private static CompressionStats ToCompression(XbzrleCacheStats xbzrle) =>
        new((ulong)xbzrle.CacheSize, (ulong)xbzrle.Bytes, (ulong)xbzrle.Pages, (ulong)xbzrle.CacheMiss, (ulong)xbzrle.Overflow);

    private static MemoryDetail ToDetail(MigrationStats ram) => new()
    {
        ConstantPages = (ulong)ram.Duplicate,
        NormalPages = (ulong)ram.Normal,
        NormalBytes = (ulong)ram.NormalBytes,
        DirtyRate = (ulong)ram.DirtyPagesRate,
        Iteration = (ulong)ram.DirtySyncCount,
        PostcopyRequests = (ulong)ram.PostcopyRequests,
        PageSize = (ulong)ram.PageSize,
    };
}
