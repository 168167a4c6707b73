using System.Collections.Immutable;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Statistics;

/// <summary>What only QEMU can count, of one run of a domain: asked for with a limited patience, and remembered.</summary>
public sealed class QemuFigures
{
    /// <summary>
    /// A QEMU that is only busy answers within some milliseconds. This is what one that hangs may cost the first caller who meets it; the
    /// next ones pay nothing.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly MonitorSession _monitor;
    private readonly RememberedAnswer<DriveFigures> _drives;
    private readonly RememberedAnswer<GuestMemoryFigures> _memory;
    private readonly RememberedAnswer<IoThreadFigures> _ioThreads;
    private readonly RememberedAnswer<DirtyRateInfo> _dirtyRate;
    private readonly RememberedAnswer<HaltPolling> _haltPolling;

    internal QemuFigures(MonitorSession monitor)
    {
        _monitor = monitor;
        _drives = new(monitor.TimeProvider);
        _memory = new(monitor.TimeProvider);
        _ioThreads = new(monitor.TimeProvider);
        _dirtyRate = new(monitor.TimeProvider);
        _haltPolling = new(monitor.TimeProvider);
    }

    /// <summary>Asks for several kinds at once. Never fails and never waits longer than <see cref="Patience"/>.</summary>
    /// <param name="balloonAlias">The balloon device; null for a guest without one.</param>
    /// <param name="patience">In place of <see cref="Patience"/>.</param>
    public async Task<LiveFigures> AskAsync(FigureKinds kinds, string? balloonAlias, CancellationToken ct, TimeSpan? patience = null)
    {
        var limit = patience ?? Patience;
        var drives = Ask(FigureKinds.Drives, _drives, () => DriveFigures.AskAsync(_monitor, CancellationToken.None));
        var memory = Ask(FigureKinds.GuestMemory, _memory, () => GuestMemoryFigures.AskAsync(_monitor, balloonAlias, CancellationToken.None));
        var ioThreads = Ask(FigureKinds.IoThreads, _ioThreads, async () => new IoThreadFigures(await _monitor.ExecuteAsync(new QueryIothreads(), CancellationToken.None)));
        var dirtyRate = Ask(FigureKinds.DirtyRate, _dirtyRate, () => _monitor.ExecuteAsync(new QueryDirtyRate(), CancellationToken.None));
        var haltPolling = Ask(FigureKinds.HaltPolling, _haltPolling, () => HaltPolling.AskAsync(_monitor, CancellationToken.None));
        return new LiveFigures(
            (await drives).Value,
            (await memory).Value,
            (await ioThreads).Value?.Threads ?? [],
            (await dirtyRate).Value,
            (await haltPolling).Value,
            Oldest((await drives).Age, (await memory).Age, (await ioThreads).Age, (await dirtyRate).Age, (await haltPolling).Age));

        Task<Answer<T>> Ask<T>(FigureKinds kind, RememberedAnswer<T> question, Func<Task<T>> ask)
            where T : class =>
            kinds.HasFlag(kind) ? question.AskAsync(ask, limit, ct) : Task.FromResult(default(Answer<T>));
    }

    private static TimeSpan? Oldest(params ReadOnlySpan<TimeSpan?> ages)
    {
        TimeSpan? oldest = null;
        foreach (var age in ages)
        {
            if (age is not null && (oldest is null || age > oldest))
                oldest = age;
        }
        return oldest;
    }
}

[Flags]
public enum FigureKinds
{
    None = 0,
    Drives = 1,
    GuestMemory = 2,
    IoThreads = 4,
    DirtyRate = 8,
    HaltPolling = 16,
}

/// <summary>Answers of QEMU; a kind that was not asked for, or that this QEMU does not have, is null.</summary>
/// <param name="Age">Null when all are of now; otherwise the age of the oldest: QEMU does not answer at present.</param>
public sealed record LiveFigures(
    DriveFigures? Drives,
    GuestMemoryFigures? Memory,
    ImmutableArray<IothreadInfo> IoThreads,
    DirtyRateInfo? DirtyRate,
    HaltPolling? HaltPolling,
    TimeSpan? Age)
{
    /// <summary>Of a domain that does not run.</summary>
    public static LiveFigures None { get; } = new(null, null, [], null, null, null);
}

internal sealed record IoThreadFigures(ImmutableArray<IothreadInfo> Threads);
