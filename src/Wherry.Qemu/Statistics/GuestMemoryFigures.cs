using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Statistics;

/// <summary>What the balloon leaves to the guest, and what the guest's balloon driver reports of its memory.</summary>
/// <param name="Statistics">In libvirt's order; those that this guest's driver does not report are missing.</param>
public sealed record GuestMemoryFigures(ImmutableArray<MemoryStatistic> Statistics)
{
    /// <summary>What a driver that does not know a value sends: -1, as an unsigned number.</summary>
    private const ulong Unknown = ulong.MaxValue;

    private const ulong Pages = 1, Bytes = 1024;

    /// <summary>QEMU's names in libvirt's order, with what a value has to be divided by for libvirt's unit.</summary>
    private static readonly ImmutableArray<(string Name, MemoryStatisticKind Kind, ulong Divisor)> Reported =
    [
        ("stat-swap-in", MemoryStatisticKind.SwapIn, Bytes),
        ("stat-swap-out", MemoryStatisticKind.SwapOut, Bytes),
        ("stat-major-faults", MemoryStatisticKind.MajorFault, Pages),
        ("stat-minor-faults", MemoryStatisticKind.MinorFault, Pages),
        ("stat-free-memory", MemoryStatisticKind.Unused, Bytes),
        ("stat-total-memory", MemoryStatisticKind.Available, Bytes),
        ("stat-available-memory", MemoryStatisticKind.Usable, Bytes),
        ("last-update", MemoryStatisticKind.LastUpdate, Pages),
        ("stat-disk-caches", MemoryStatisticKind.DiskCaches, Bytes),
        ("stat-htlb-pgalloc", MemoryStatisticKind.HugetlbPgAlloc, Pages),
        ("stat-htlb-pgfail", MemoryStatisticKind.HugetlbPgFail, Pages),
    ];

    /// <param name="balloonAlias">Null for a guest without a balloon: then there is nothing to ask.</param>
    /// <exception cref="WherryException">QEMU did not answer in time, or the guest has no balloon driver yet.</exception>
    public static async Task<GuestMemoryFigures> AskAsync(MonitorSession monitor, string? balloonAlias, CancellationToken ct)
    {
        if (balloonAlias is null)
            return new GuestMemoryFigures([]);
        var actual = await monitor.ExecuteAsync(new QueryBalloon(), ct);
        var statistics = new List<MemoryStatistic> { new(MemoryStatisticKind.ActualBalloon, (ulong)actual.Actual / 1024) };
        try
        {
            statistics.AddRange(Read(await monitor.ExecuteAsync(new QomGet(PathOf(balloonAlias), "guest-stats"), ct)));
        }
        catch (QmpErrorException)
        {
            // "guest hasn't updated any stats yet": the size alone is known.
        }
        return new GuestMemoryFigures([.. statistics]);
    }

    /// <summary>Where QEMU's object tree has the balloon.</summary>
    public static string PathOf(string balloonAlias) => $"/machine/peripheral/{balloonAlias}";

    internal static IEnumerable<MemoryStatistic> Read(JsonElement guestStats)
    {
        if (guestStats.ValueKind != JsonValueKind.Object || !guestStats.TryGetProperty("stats", out var stats))
            yield break;
        foreach (var (name, kind, divisor) in Reported)
        {
            var within = kind == MemoryStatisticKind.LastUpdate ? guestStats : stats;
            if (within.TryGetProperty(name, out var value) && value.TryGetUInt64(out var number) && number != Unknown)
                yield return new MemoryStatistic(kind, number / divisor);
        }
    }
}

/// <param name="Value">KiB; a count for faults and huge pages, seconds since 1970 for the last update.</param>
public readonly record struct MemoryStatistic(MemoryStatisticKind Kind, ulong Value);

/// <summary>libvirt's virDomainMemoryStatTags.</summary>
public enum MemoryStatisticKind
{
    SwapIn = 0,
    SwapOut = 1,
    MajorFault = 2,
    MinorFault = 3,

    /// <summary>Free.</summary>
    Unused = 4,

    /// <summary>All that the guest has.</summary>
    Available = 5,

    ActualBalloon = 6,

    /// <summary>Of QEMU, on the host.</summary>
    Rss = 7,

    Usable = 8,
    LastUpdate = 9,
    DiskCaches = 10,
    HugetlbPgAlloc = 11,
    HugetlbPgFail = 12,
}
