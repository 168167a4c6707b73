namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>Gives equal values equal small numbers, starting at 1.</summary>
internal sealed class Interned<T>
    where T : notnull
{
    private readonly Dictionary<T, ushort> _numbers = [];
    private readonly List<T> _values = [];

    public IReadOnlyList<T> All => _values;

    public T this[int number] => _values[number - 1];

    public ushort Of(T value)
    {
        if (_numbers.TryGetValue(value, out ushort number)) return number;
        _values.Add(value);
        number = checked((ushort)_values.Count);
        _numbers.Add(value, number);
        return number;
    }
}

/// <summary>Effect lists as linked, interned cells: the rest of a list is a number too.</summary>
internal sealed class InternedLists<T>
{
    private readonly Interned<(T Head, ushort Tail)> _cells = new();

    public ushort Of(IReadOnlyList<T> items)
    {
        ushort list = 0;
        for (int i = items.Count - 1; i >= 0; i--)
            list = _cells.Of((items[i], list));
        return list;
    }

    public T Head(ushort list) => _cells[list].Head;

    public ushort Tail(ushort list) => _cells[list].Tail;
}

/// <summary>A machine's Step, remembered: each (state, input) pair is computed once per exploration.</summary>
internal sealed class Steps<TState, TInput, TEffect>(
    Func<TState, TInput, (TState Next, IReadOnlyList<TEffect> Effects)> step,
    Func<TState, TState> blur)
    where TState : notnull
    where TInput : notnull
{
    private readonly Dictionary<(ushort State, ushort Input), (ushort Next, ushort Effects)> _known = [];
    private readonly Dictionary<ushort, HashSet<TInput>> _relevant = [];

    public Interned<TState> States { get; } = new();

    public Interned<TInput> Inputs { get; } = new();

    public InternedLists<TEffect> Effects { get; } = new();

    public (ushort Next, ushort Effects) Of(ushort state, ushort input)
    {
        if (_known.TryGetValue((state, input), out var result)) return result;
        var (next, effects) = step(States[state], Inputs[input]);
        result = Number(next, effects);
        _known.Add((state, input), result);
        return result;
    }

    /// <summary>The inputs of <paramref name="alphabet"/> that are not ignored in some state which the machine can still reach from this one.</summary>
    public HashSet<TInput> Relevant(ushort state, IReadOnlyCollection<TInput> alphabet)
    {
        if (_relevant.TryGetValue(state, out var known)) return known;
        known = [];
        var seen = new HashSet<ushort> { state };
        var queue = new Queue<ushort>(seen);
        while (queue.TryDequeue(out ushort at))
        {
            foreach (var input in alphabet)
            {
                var (next, effects) = Of(at, Inputs.Of(input));
                if (next != at || effects != 0) known.Add(input);
                if (seen.Add(next)) queue.Enqueue(next);
            }
        }
        _relevant.Add(state, known);
        return known;
    }

    public (ushort Next, ushort Effects) Number(TState next, IReadOnlyList<TEffect> effects) => (States.Of(blur(next)), Effects.Of(effects));
}
