using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>
/// Memory counters of the host or of one NUMA cell, in KiB, in the words of the kernel's meminfo (<c>virsh nodememstats</c>). Buffers and
/// Cached exist for the whole host only.
/// </summary>
public sealed record NodeMemory(ulong TotalKiB, ulong FreeKiB, ulong? BuffersKiB, ulong? CachedKiB)
{
    /// <summary>The whole host, from <c>/proc/meminfo</c>.</summary>
    public static NodeMemory Read(HostFiles files)
    {
        var lines = Parse(files.ReadLines("proc/meminfo"));
        return new NodeMemory(
            lines.GetValueOrDefault("MemTotal"),
            lines.GetValueOrDefault("MemFree"),
            lines.GetValueOrDefault("Buffers"),
            lines.GetValueOrDefault("Cached"));
    }

    /// <summary>One NUMA cell; null when there is no such cell.</summary>
    public static NodeMemory? Read(HostFiles files, int cell)
    {
        var path = $"{NumaCell.Directory}/node{cell}/meminfo";
        if (files.TryReadText(path) is null)
            return null;
        var lines = Parse(files.ReadLines(path));
        return new NodeMemory(lines.GetValueOrDefault("MemTotal"), lines.GetValueOrDefault("MemFree"), null, null);
    }

    /// <summary>
    /// The sum over the cells, or MemTotal where the kernel has no cells. libvirt's nodeinfo sums cells too, and on machines with
    /// hot-added memory the two figures differ.
    /// </summary>
    public static ulong TotalOfCellsKiB(HostFiles files)
    {
        var sum = 0UL;
        foreach (var cell in files.NumberedEntries(NumaCell.Directory, "node"))
            sum += Read(files, cell)?.TotalKiB ?? 0;
        return sum > 0 ? sum : Read(files).TotalKiB;
    }

    /// <summary>Lines such as <c>MemTotal:  4942028 kB</c>, in cells prefixed by <c>Node 0 </c>.</summary>
    private static Dictionary<string, ulong> Parse(IEnumerable<string> lines)
    {
        var values = new Dictionary<string, ulong>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var at = words is ["Node", ..] ? 2 : 0;
            if (words.Length > at + 1 && ulong.TryParse(words[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var value))
                values.TryAdd(words[at].TrimEnd(':'), value);
        }
        return values;
    }
}
