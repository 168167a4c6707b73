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

    private readonly Scenario _scenario;
    private readonly Model _model;
    private World[] _worlds = new World[1 << 16];
    private int[] _parents = new int[1 << 16];
    private int[] _firstEdge = new int[1 << 16];
    private int[] _table = new int[1 << 18];
    private int _count;
    private readonly List<int> _edges = [];

    private Exploration(Scenario scenario)
    {
        _scenario = scenario;
        _model = new Model(scenario);
    }

    public int States => _count;

    public int Transitions => _edges.Count;

    /// <summary>Every machine state that some world is in.</summary>
    public HashSet<string> StatesMet =>
        [.. _worlds.Take(_count).Select(world => (world.Source.State, world.Destination.State)).Distinct().SelectMany(pair => _model.NamesOf(pair.Item1, pair.Item2))];

    public Violation? Violation { get; private set; }

    /// <summary>The shortest way into the violation, one line per step.</summary>
    public IReadOnlyList<string> Trail { get; private set; } = [];

    public TimeSpan Took { get; private set; }

    public static Exploration Run(Scenario scenario)
    {
        var exploration = new Exploration(scenario);
        var watch = Stopwatch.StartNew();
        exploration.Search();
        if (exploration.Violation is null && scenario.LooksFor("STUCK")) exploration.FindStuck();
        exploration.Took = watch.Elapsed;
        return exploration;
    }

    public string Summary => $"explorer {_scenario}: {States} states, {Transitions} transitions, " +
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
        Add(_model.Canonical(_model.Initial(found)), parent: -1);
        for (int i = 0; i < _count; i++)
        {
            found.From = i;
            _firstEdge[i] = _edges.Count;
            _model.Expand(_worlds[i], found);
            if (found.Broken is null) continue;
            Violation = found.Broken;
            Trail = TrailTo(i, andBreak: true);
            return;
        }
    }

    private void FindStuck()
    {
        int[] reverseFirst = new int[_count + 1];
        foreach (int edge in _edges)
        {
            if ((edge & Fair) != 0) reverseFirst[(edge & ~Fair) + 1]++;
        }
        for (int i = 0; i < _count; i++)
            reverseFirst[i + 1] += reverseFirst[i];
        int[] reverse = new int[reverseFirst[_count]];
        int[] filled = reverseFirst[.._count];
        for (int from = 0; from < _count; from++)
        {
            int end = from + 1 < _count ? _firstEdge[from + 1] : _edges.Count;
            for (int e = _firstEdge[from]; e < end; e++)
            {
                if ((_edges[e] & Fair) != 0) reverse[filled[_edges[e] & ~Fair]++] = from;
            }
        }

        var ends = new bool[_count];
        var queue = new Queue<int>();
        for (int i = 0; i < _count; i++)
        {
            if (!_model.IsSettled(_worlds[i])) continue;
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
        for (int i = last; i >= 0; i = _parents[i])
            path.Add(i);
        path.Reverse();
        var words = new Words(_model, _scenario);
        var trail = new List<string>();
        for (int i = 1; i < path.Count; i++)
            trail.Add(words.Between(_worlds[path[i - 1]], _worlds[path[i]]));
        if (andBreak) trail.Add(words.Breaking(_worlds[last]));
        return trail;
    }

    private int Add(in World world, int parent)
    {
        int mask = _table.Length - 1;
        int slot = world.GetHashCode() & mask;
        for (; _table[slot] != 0; slot = (slot + 1) & mask)
        {
            if (_worlds[_table[slot] - 1].Equals(world)) return _table[slot] - 1;
        }
        if (_count == _scenario.MaxStates) throw new InvalidOperationException($"more than {_count} states: {_scenario}");
        if (_count == _worlds.Length)
        {
            Array.Resize(ref _worlds, _count * 2);
            Array.Resize(ref _parents, _count * 2);
            Array.Resize(ref _firstEdge, _count * 2);
        }
        _worlds[_count] = world;
        _parents[_count] = parent;
        _table[slot] = ++_count;
        if (_count * 2 > _table.Length) Rehash();
        return _count - 1;
    }

    private void Rehash()
    {
        _table = new int[_table.Length * 4];
        int mask = _table.Length - 1;
        for (int i = 0; i < _count; i++)
        {
            int slot = _worlds[i].GetHashCode() & mask;
            while (_table[slot] != 0) slot = (slot + 1) & mask;
            _table[slot] = i + 1;
        }
    }

    private sealed class Found(Exploration owner) : Successors(owner._scenario)
    {
        public int From { get; set; }

        public override void Add(in World next, Luck luck, string what, object? about = null)
        {
            if (Broken is not null) return;
            owner._edges.Add(owner.Add(owner._model.Canonical(next), From) | (luck == Luck.Fair ? Fair : 0));
        }
    }

    /// <summary>Expands once more, to put words to a step that the search only kept as a pair of numbers.</summary>
    private sealed class Words(Model model, Scenario scenario) : Successors(scenario)
    {
        private World _wanted;
        private string? _found;
        private string? _last;

        public string Between(in World from, in World to)
        {
            _wanted = to;
            _found = null;
            model.Expand(from, this);
            return _found ?? "?";
        }

        public string Breaking(in World from)
        {
            var breaking = new Words(model, Scenario);
            model.Expand(from, breaking);
            return breaking._last ?? "?";
        }

        public override void Add(in World next, Luck luck, string what, object? about = null)
        {
            if (Broken is not null)
                _last ??= Join(what, about);
            if (_found is null && model.Canonical(next).Equals(_wanted)) _found = Join(what, about);
        }

        private static string Join(string what, object? about) => about is null ? what : $"{what} {Describe(about)}";

        private static string Describe(object about)
        {
            string text = about.ToString() ?? "";
            return about.GetType().IsEnum || text.Length <= 110 ? text : text[..110] + "...";
        }
    }
}
