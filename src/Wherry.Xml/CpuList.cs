using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>Sets of CPUs as clients write them: "0-3,^2,8". libvirt writes them back sorted, as ranges.</summary>
public static class CpuList
{
    /// <summary>libvirt's bound on CPU numbers.</summary>
    private const int MaxCpus = 16384;

    /// <summary>The CPUs; empty when all were taken out again.</summary>
    /// <exception cref="WherryException">InvalidArg: no such list.</exception>
    public static ImmutableSortedSet<int> Parse(string text) =>
        TryParse(text) ?? throw new WherryException(ErrorCode.InvalidArg, $"Failed to parse bitmap '{text}'", ErrorDomain.None);

    /// <summary>The list in libvirt's own form.</summary>
    public static string Write(ImmutableSortedSet<int> cpus)
    {
        var text = new StringBuilder();
        foreach (var first in cpus.Where(cpu => !cpus.Contains(cpu - 1)))
        {
            var last = first;
            while (cpus.Contains(last + 1))
                last++;
            text.Append(text.Length > 0 ? "," : "").Append(first);
            if (last > first)
                text.Append('-').Append(last);
        }

        return text.ToString();
    }

    internal static ImmutableSortedSet<int>? TryParse(string text)
    {
        var cpus = ImmutableSortedSet.CreateBuilder<int>();
        foreach (var part in text.Split(','))
        {
            var item = part.Trim();
            var remove = item.StartsWith('^');
            var bounds = (remove ? item[1..] : item).Split('-');
            if (bounds.Length > (remove ? 1 : 2) || !int.TryParse(bounds[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(bounds[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last) || first > last || last >= MaxCpus)
                return null;
            for (var cpu = first; cpu <= last; cpu++)
                _ = remove ? cpus.Remove(cpu) : cpus.Add(cpu);
        }

        return cpus.ToImmutable();
    }
}
