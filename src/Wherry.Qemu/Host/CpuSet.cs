using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Wherry.Qemu.Host;

/// <summary>A set of host CPU numbers, read and written as the kernel does: <c>0-3,8,10-11</c>.</summary>
public sealed class CpuSet : IEnumerable<int>
{
    /// <summary>Highest CPU number taken from a file: the kernel's own ceiling on x86 is 8192.</summary>
    private const int MaxCpu = 16_383;

    private readonly ImmutableSortedSet<int> _cpus;

    public CpuSet(IEnumerable<int> cpus) => _cpus = [.. cpus];

    public static CpuSet Empty { get; } = new([]);

    /// <summary>Number of CPUs in the set.</summary>
    public int Count => _cpus.Count;

    /// <summary>Highest CPU number plus one: the length of a map that can hold the set.</summary>
    public int Length => _cpus.IsEmpty ? 0 : _cpus.Max + 1;

    public bool Contains(int cpu) => _cpus.Contains(cpu);

    /// <exception cref="FormatException">The text is no list of CPU numbers.</exception>
    public static CpuSet Parse(string text)
    {
        var cpus = new List<int>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            var first = Number(dash < 0 ? part : part[..dash]);
            var last = dash < 0 ? first : Number(part[(dash + 1)..]);
            if (last < first)
                throw new FormatException($"CPU range '{part}' runs backwards");
            cpus.AddRange(Enumerable.Range(first, last - first + 1));
        }
        return new CpuSet(cpus);
    }

    /// <summary>As libvirt writes them in XML: the same, with <c>^2</c> for "but not 2".</summary>
    /// <exception cref="FormatException">The text is no list of CPU numbers.</exception>
    public static CpuSet ParseWithExclusions(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToLookup(part => part.StartsWith('^'));
        var excluded = Parse(string.Join(',', parts[true].Select(part => part[1..])));
        return new CpuSet(Parse(string.Join(',', parts[false])).Where(cpu => !excluded.Contains(cpu)));
    }

    /// <summary>libvirt's cpumap bytes: bit n%8 of byte n/8 is CPU n.</summary>
    public byte[] ToMap(int length)
    {
        var map = new byte[(length + 7) / 8];
        foreach (var cpu in _cpus.Where(cpu => cpu < length))
            map[cpu / 8] |= (byte)(1 << (cpu % 8));
        return map;
    }

    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)_cpus).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString()
    {
        var text = new StringBuilder();
        for (var i = 0; i < _cpus.Count; i++)
        {
            var first = _cpus[i];
            while (i + 1 < _cpus.Count && _cpus[i + 1] == _cpus[i] + 1)
                i++;
            if (text.Length > 0)
                text.Append(',');
            text.Append(first);
            if (_cpus[i] != first)
                text.Append('-').Append(_cpus[i]);
        }
        return text.ToString();
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cpu) && cpu <= MaxCpu
            ? cpu
            : throw new FormatException($"'{text}' is no CPU number");
}
