using System.Collections.Immutable;
using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>Pages of one size: how many the cell has in all. The smallest size counts what the larger ones have not taken.</summary>
/// <param name="SizeKiB">Page size in KiB.</param>
/// <param name="Total">Pages in the pool.</param>
/// <param name="Free">Pages not in use (<c>virsh freepages</c>).</param>
public sealed record PagePool(uint SizeKiB, ulong Total, ulong Free);

/// <summary>Distance from one cell to another as the firmware's SLIT tells it; 10 is the cell itself.</summary>
public sealed record NumaDistance(int CellId, int Value);

/// <summary>One NUMA cell of the host, as <c>virsh capabilities</c> lists it.</summary>
public sealed record NumaCell(
    int Id,
    ulong MemoryKiB,
    ImmutableArray<PagePool> Pages,
    ImmutableArray<NumaDistance> Distances,
    ImmutableArray<CpuTopology> Cpus)
{
    internal const string Directory = "sys/devices/system/node";

    /// <summary>All cells. A kernel without NUMA still has one, holding every CPU online.</summary>
    public static ImmutableArray<NumaCell> ReadAll(HostFiles files)
    {
        var cells = files.NumberedEntries(Directory, "node").Select(id => Read(files, id)).ToImmutableArray();
        if (!cells.IsEmpty)
            return cells;
        var cpus = CpuMap.Read(files).Online.Select(cpu => CpuTopology.Read(files, cpu));
        return [new NumaCell(0, NodeMemory.Read(files).TotalKiB, [], [], [.. cpus])];
    }

    private static NumaCell Read(HostFiles files, int id)
    {
        var memory = NodeMemory.Read(files, id) ?? new NodeMemory(0, 0, null, null);
        var cpus = files.TryReadCpuSet($"{Directory}/node{id}/cpulist") ?? CpuSet.Empty;
        return new NumaCell(
            id,
            memory.TotalKiB,
            ReadPages(files, $"{Directory}/node{id}/hugepages", memory),
            ReadDistances(files, id),
            [.. cpus.Select(cpu => CpuTopology.Read(files, cpu))]);
    }

    private static ImmutableArray<PagePool> ReadPages(HostFiles files, string directory, NodeMemory memory)
    {
        var pools = HugePageSizesKiB(files, directory)
            .Select(size => new PagePool(
                size,
                (ulong)(files.TryReadNumber($"{directory}/hugepages-{size}kB/nr_hugepages") ?? 0),
                (ulong)(files.TryReadNumber($"{directory}/hugepages-{size}kB/free_hugepages") ?? 0)))
            .ToImmutableArray();
        var hugeKiB = pools.Aggregate(0UL, (sum, pool) => sum + pool.SizeKiB * pool.Total);
        var small = (uint)(Environment.SystemPageSize / 1024);
        return [new PagePool(small, (memory.TotalKiB - Math.Min(hugeKiB, memory.TotalKiB)) / small, memory.FreeKiB / small), .. pools];
    }

    /// <summary>Sizes of the huge page pools below a <c>hugepages</c> directory, ascending.</summary>
    internal static IEnumerable<uint> HugePageSizesKiB(HostFiles files, string directory)
    {
        const string prefix = "hugepages-", suffix = "kB";
        return files.Entries(directory)
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal))
            .Select(name => uint.Parse(name.AsSpan(prefix.Length, name.Length - prefix.Length - suffix.Length), CultureInfo.InvariantCulture))
            .Order();
    }

    /// <summary>The <c>distance</c> file has one column per cell online, in the order of their ids.</summary>
    private static ImmutableArray<NumaDistance> ReadDistances(HostFiles files, int id)
    {
        var columns = (files.TryReadText($"{Directory}/node{id}/distance") ?? "").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return [.. files.NumberedEntries(Directory, "node")
            .Zip(columns, (cell, value) => new NumaDistance(cell, int.Parse(value, CultureInfo.InvariantCulture)))
            .Where(distance => distance.Value != 0)];
    }
}
