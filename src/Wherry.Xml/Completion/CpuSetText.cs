using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Sets of host CPUs: "0-3,^2,8". libvirt writes them back sorted, as ranges.</summary>
internal static class CpuSetText
{
    /// <summary>libvirt's bound on host CPU numbers.</summary>
    private const int MaxCpus = 16384;

    public static string Canonical(string text, XElement at)
    {
        var cpus = new SortedSet<int>();
        foreach (var part in text.Split(','))
        {
            var item = part.Trim();
            var remove = item.StartsWith('^');
            var bounds = (remove ? item[1..] : item).Split('-');
            if (bounds.Length > 2 || !int.TryParse(bounds[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(bounds[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last) || first > last || last >= MaxCpus)
            {
                throw DomainXmlException.InvalidArgument($"Failed to parse bitmap '{text}'", at);
            }

            for (var cpu = first; cpu <= last; cpu++)
                _ = remove ? cpus.Remove(cpu) : cpus.Add(cpu);
        }

        return cpus.Count == 0 ? throw DomainXmlException.Unsupported($"Invalid value of 'cpuset': {text}", at) : Ranges(cpus);
    }

    private static string Ranges(SortedSet<int> cpus)
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
}
