using System.Diagnostics;
using System.Globalization;

namespace Wherry.Bench;

/// <summary>The samples of one figure, in the unit that its name tells.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    public void Add(double sample) => _values.Add(sample);

    public double Quantile(double q)
    {
        var sorted = _values.Order().ToList();
        return sorted[(int)Math.Min(sorted.Count - 1, q * sorted.Count)];
    }

    public override string ToString()
    {
        if (_values.Count == 0)
            return "-";
        var sorted = _values.Order().ToList();
        var median = (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
        return sorted.Count == 1 ? Text(median) : $"{Text(median)} [{Text(sorted[0])}..{Text(sorted[^1])}]";
    }

    private static string Text(double value) => double.IsPositiveInfinity(value) ? "no answer" : value.ToString(Math.Abs(value) < 1000 ? "0.##" : "0", CultureInfo.InvariantCulture);
}

/// <summary>All figures of one daemon, by name, in the order in which they were first measured.</summary>
internal sealed class Figures
{
    /// <summary>In the place of a latency: the caller gave up.</summary>
    public static readonly TimeSpan NoAnswer = TimeSpan.MaxValue;

    private readonly Dictionary<string, Samples> _samples = [];

    /// <summary>A time, in milliseconds.</summary>
    public void Add(string figure, TimeSpan sample) => Add($"{figure}, ms", sample.TotalMilliseconds);

    public void Add(string figure, double sample)
    {
        if (!_samples.TryGetValue(figure, out var samples))
            _samples.Add(figure, samples = new Samples());
        samples.Add(sample);
    }

    /// <summary>Median, p99 and worst of many like calls.</summary>
    public void AddLatencies(string figure, IEnumerable<TimeSpan> calls)
    {
        var all = new Samples();
        foreach (var call in calls)
            all.Add(call == NoAnswer ? double.PositiveInfinity : call.TotalMilliseconds);
        foreach (var (name, q) in new[] { ("p50", 0.5), ("p99", 0.99), ("worst", 1) })
            Add($"{figure}: {name}, ms", all.Quantile(q));
    }

    /// <summary>
    /// How often per second an action can be done, one after another: three times a second and a half. As long before that is not counted: our own
    /// client is compiled in it, which would be laid to the charge of the daemon that happens to be measured first.
    /// </summary>
    public async Task AddRateAsync(string figure, Func<Task> action)
    {
        await RateAsync(action);
        for (var round = 0; round < 3; round++)
            Add($"{figure}, 1/s", await RateAsync(action));
    }

    private static async Task<double> RateAsync(Func<Task> action)
    {
        var began = Stopwatch.GetTimestamp();
        var count = 0;
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(1.5))
        {
            await action();
            count++;
        }

        return count / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    public static void Print(IReadOnlyList<(string Daemon, Figures Figures)> all, int n)
    {
        Console.WriteLine($"\nmedian [min..max] of {n}, or the one figure of many calls\n");
        Console.WriteLine($"| figure | {string.Join(" | ", all.Select(column => column.Daemon))} |");
        Console.WriteLine($"|---|{string.Concat(all.Select(_ => "---|"))}");
        foreach (var figure in all.SelectMany(column => column.Figures._samples.Keys).Distinct())
            Console.WriteLine($"| {figure} | {string.Join(" | ", all.Select(column => column.Figures._samples.GetValueOrDefault(figure)?.ToString() ?? "-"))} |");
    }
}
