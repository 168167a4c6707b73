namespace Wherry.Bench;

/// <summary>The samples of one figure; seconds inside, milliseconds on paper.</summary>
internal sealed class Samples
{
    private readonly List<double> _seconds = [];

    public void Add(TimeSpan sample) => _seconds.Add(sample.TotalSeconds);

    public override string ToString()
    {
        if (_seconds.Count == 0)
            return "-";
        var sorted = _seconds.Order().ToList();
        var median = (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
        return $"{median * 1000:0.0} [{sorted[0] * 1000:0.0}..{sorted[^1] * 1000:0.0}]";
    }
}

/// <summary>All figures of one daemon, by name, in the order in which they were first measured.</summary>
internal sealed class Figures
{
    private readonly Dictionary<string, Samples> _samples = [];

    public void Add(string figure, TimeSpan sample)
    {
        if (!_samples.TryGetValue(figure, out var samples))
            _samples.Add(figure, samples = new Samples());
        samples.Add(sample);
    }

    public static void Print(IReadOnlyList<(string Daemon, Figures Figures)> all, int n)
    {
        Console.WriteLine($"\nmilliseconds, median [min..max] of {n}\n");
        Console.WriteLine($"| figure | {string.Join(" | ", all.Select(column => column.Daemon))} |");
        Console.WriteLine($"|---|{string.Concat(all.Select(_ => "---|"))}");
        foreach (var figure in all.SelectMany(column => column.Figures._samples.Keys).Distinct())
            Console.WriteLine($"| {figure} | {string.Join(" | ", all.Select(column => column.Figures._samples.GetValueOrDefault(figure)?.ToString() ?? "-"))} |");
    }
}
