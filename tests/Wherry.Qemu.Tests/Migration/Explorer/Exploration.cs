using System.Diagnostics;
using System.Text;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>
/// Breadth-first search over every world that can be reached, so that the first violation found has a shortest trail. Afterwards: from every world
/// a settled one must be reachable by fair transitions alone (STUCK); what only a further fault could end would be waited for for ever.
/// </summary>
internal sealed class Exploration
{
    private const int Fair = 1 << 30;

    private readonly Scenario scenario;
    private readonly Model model;
    private World[] worlds = new World[1 << 16];
    private int[] parents = new int[1 << 16];
    private int[] firstEdge = new int[1 << 16];
    private int[] table = new int[1 << 18];
    private int count;
    private readonly List<int> edges = [];

    private Exploration(Scenario scenario)
    {
        this.scenario = scenario;
        model = new Model(scenario);
    }

    public int States => count;

    public int Transitions => edges.Count;

    /// <summary>Every machine state that some world is in.</summary>
    public HashSet<string> StatesMet =>
        [.. worlds.Take(count).Select(world => (world.Source.State, world.Destination.State)).Distinct().SelectMany(pair => model.NamesOf(pair.Item1, pair.Item2))];

    public Violation? Violation { get; private set; }

    /// <summary>The shortest way into the violation, one line per step.</summary>
    public IReadOnlyList<string> Trail { get; private set; } = [];

    public TimeSpan Took { get; private set; }

    public static Exploration Run(Scenario scenario)
    {
        var exploration = new Exploration(scenario);
        var watch = Stopwatch.StartNew();
        exploration.Search();
        if (exploration.Violation is null && scenario.Only is null or "STUCK") exploration.FindStuck();
        exploration.Took = watch.Elapsed;
        return exploration;
    }

    public string Summary => $"explorer {scenario}: {States} states, {Transitions} transitions, " +
        $"{(Violation is null ? "0 violations" : $"{Violation.Invariant} violated in {Trail.Count} steps")}, {Took.TotalSeconds:0.0} s";

    public string Report()
    {
        var text = new StringBuilder().AppendLine(Summary);
        if (Violation is null) return text.ToString();
        text.AppendLine($"{Violation.Invariant}: {Violation.Meaning}");
        for (int i = 0; i < Trail.Count; i++)
            text.AppendLine($"{i + 1,4} {Trail[i]}");
        return text.ToString();
    }

    private void Search()
    {
        var found = new Found(this);
        Add(model.Canonical(model.Initial(found)), parent: -1);
        for (int i = 0; i < count; i++)
        {
            found.From = i;
            firstEdge[i] = edges.Count;
            model.Expand(worlds[i], found);
            if (found.Broken is null) continue;
            Violation = found.Broken;
            Trail = TrailTo(i, andBreak: true);
            return;
        }
    }

    private void FindStuck()
    {
        int[] reverseFirst = new int[count + 1];
        foreach (int edge in edges)
        {
            if ((edge & Fair) != 0) reverseFirst[(edge & ~Fair) + 1]++;
        }
        for (int i = 0; i < count; i++)
            reverseFirst[i + 1] += reverseFirst[i];
        int[] reverse = new int[reverseFirst[count]];
        int[] filled = reverseFirst[..count];
        for (int from = 0; from < count; from++)
        {
            int end = from + 1 < count ? firstEdge[from + 1] : edges.Count;
            for (int e = firstEdge[from]; e < end; e++)
            {
                if ((edges[e] & Fair) != 0) reverse[filled[edges[e] & ~Fair]++] = from;
            }
        }

        var ends = new bool[count];
        var queue = new Queue<int>();
        for (int i = 0; i < count; i++)
        {
            if (!model.IsSettled(worlds[i])) continue;
            ends[i] = true;
            queue.Enqueue(i);
        }
        while (queue.TryDequeue(out int to))
        {
            for (int e = reverseFirst[to]; e < reverseFirst[to + 1]; e++)
            {
                if (ends[reverse[e]]) continue;
                ends[reverse[e]] = true;
                queue.Enqueue(reverse[e]);
            }
        }

        int stuck = Array.IndexOf(ends, value: false);
        if (stuck < 0) return;
        Violation = new("STUCK", "from here no fair run ends with one guest");
        Trail = TrailTo(stuck, andBreak: false);
    }

    private List<string> TrailTo(int last, bool andBreak)
    {
        var path = new List<int>();
        for (int i = last; i >= 0; i = parents[i])
            path.Add(i);
        path.Reverse();
        var words = new Words(model, scenario.Only);
        var trail = new List<string>();
        for (int i = 1; i < path.Count; i++)
            trail.Add(words.Between(worlds[path[i - 1]], worlds[path[i]]));
        if (andBreak) trail.Add(words.Breaking(worlds[last]));
        return trail;
    }

    private int Add(in World world, int parent)
    {
        int mask = table.Length - 1;
        int slot = world.GetHashCode() & mask;
        for (; table[slot] != 0; slot = (slot + 1) & mask)
        {
            if (worlds[table[slot] - 1].Equals(world)) return table[slot] - 1;
        }
        if (count == scenario.MaxStates) throw new InvalidOperationException($"more than {count} states: {scenario}");
        if (count == worlds.Length)
        {
            Array.Resize(ref worlds, count * 2);
            Array.Resize(ref parents, count * 2);
            Array.Resize(ref firstEdge, count * 2);
        }
        worlds[count] = world;
        parents[count] = parent;
        table[slot] = ++count;
        if (count * 2 > table.Length) Rehash();
        return count - 1;
    }

    private void Rehash()
    {
        table = new int[table.Length * 4];
        int mask = table.Length - 1;
        for (int i = 0; i < count; i++)
        {
            int slot = worlds[i].GetHashCode() & mask;
            while (table[slot] != 0) slot = (slot + 1) & mask;
            table[slot] = i + 1;
        }
    }

    private sealed class Found(Exploration owner) : Successors(owner.scenario.Only)
    {
        public int From { get; set; }

        public override void Add(in World next, Luck luck, string what, object? about = null)
        {
            if (Broken is not null) return;
            owner.edges.Add(owner.Add(owner.model.Canonical(next), From) | (luck == Luck.Fair ? Fair : 0));
        }
    }

    /// <summary>Expands once more, to put words to a step that the search only kept as a pair of numbers.</summary>
    private sealed class Words(Model model, string? only) : Successors(only)
    {
        private World wanted;
        private string? found;
        private string? last;

        public string Between(in World from, in World to)
        {
            wanted = to;
            found = null;
            model.Expand(from, this);
            return found ?? "?";
        }

        public string Breaking(in World from)
        {
            var breaking = new Words(model, Only);
            model.Expand(from, breaking);
            return breaking.last ?? "?";
        }

        public override void Add(in World next, Luck luck, string what, object? about = null)
        {
            if (Broken is not null)
                last ??= Join(what, about);
            if (found is null && model.Canonical(next).Equals(wanted)) found = Join(what, about);
        }

        private static string Join(string what, object? about) => about is null ? what : $"{what} {Describe(about)}";

        private static string Describe(object about)
        {
            string text = about.ToString() ?? "";
            return about.GetType().IsEnum || text.Length <= 110 ? text : text[..110] + "...";
        }
    }
}
