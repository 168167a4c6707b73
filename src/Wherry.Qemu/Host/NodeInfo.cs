using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>
/// What <c>virsh nodeinfo</c> shows (virNodeInfo). The counts are those libvirt computes from sysfs, so that a controller that multiplies
/// nodes x sockets x cores x threads gets the number of CPUs, online or not.
/// </summary>
/// <param name="Model">Machine name of the kernel, such as <c>x86_64</c>; not the marketing name of the CPU.</param>
/// <param name="MemoryKiB">Memory of all NUMA cells, in KiB.</param>
/// <param name="Cpus">CPUs online.</param>
/// <param name="Mhz">Clock of the CPU listed last in <c>/proc/cpuinfo</c>, fraction dropped; 0 when the kernel does not say.</param>
/// <param name="Nodes">NUMA cells; 1 when the topology cannot be expressed (see <see cref="Read"/>).</param>
/// <param name="Sockets">Sockets per cell: the largest of all cells, as are the next two.</param>
/// <param name="Cores">Cores per socket.</param>
/// <param name="Threads">Threads per core.</param>
public sealed record NodeInfo(string Model, ulong MemoryKiB, uint Cpus, uint Mhz, uint Nodes, uint Sockets, uint Cores, uint Threads)
{
    /// <summary>CPUs present, online or not: VIR_NODEINFO_MAXCPUS.</summary>
    public uint MaxCpus => Nodes * Sockets * Cores * Threads;

    /// <summary>
    /// Counts as libvirt 9.0 does: per cell, then the largest of each; where the product does not give the number of CPUs (uneven sockets,
    /// modules counted as both core and thread) it reports one socket with that many single-threaded cores.
    /// </summary>
    public static NodeInfo Read(HostFiles files, string model = "x86_64")
    {
        var cpus = CpuMap.Read(files);
        var cells = files.NumberedEntries(NumaCell.Directory, "node").ToArray();
        var counts = cells.Select(cell => Count(files, cpus, files.NumberedEntries($"{NumaCell.Directory}/node{cell}", "cpu"))).ToArray();
        if (counts.Sum(count => count.Online) == 0)
            counts = [Count(files, cpus, cpus.Present)];

        var total = new Topology(
            counts.Sum(count => count.Online),
            counts.Sum(count => count.Offline),
            counts.Max(count => count.Sockets),
            counts.Max(count => count.Cores),
            counts.Max(count => count.Threads));
        var nodes = counts.Length;
        if (nodes * total.Sockets * total.Cores * total.Threads != total.Online + total.Offline)
        {
            nodes = 1;
            total = total with { Sockets = 1, Cores = total.Online + total.Offline, Threads = 1 };
        }

        return new NodeInfo(
            model,
            NodeMemory.TotalOfCellsKiB(files),
            (uint)total.Online,
            ReadMhz(files),
            (uint)nodes,
            (uint)total.Sockets,
            (uint)total.Cores,
            (uint)total.Threads);
    }

    private static Topology Count(HostFiles files, CpuMap map, IEnumerable<int> cpus)
    {
        var present = cpus.Where(map.Present.Contains).ToArray();
        var online = present.Where(map.Online.Contains).Select(cpu => CpuTopology.Read(files, cpu)).ToArray();
        return new Topology(
            online.Length,
            present.Length - online.Length,
            online.Select(cpu => cpu.SocketId).Distinct().Count(),
            online.GroupBy(cpu => cpu.SocketId).Select(socket => socket.Select(cpu => cpu.CoreId).Distinct().Count()).DefaultIfEmpty().Max(),
            online.Select(cpu => cpu.Siblings.Count).DefaultIfEmpty().Max());
    }

    private static uint ReadMhz(HostFiles files)
    {
        var mhz = 0u;
        foreach (var line in files.ReadLines("proc/cpuinfo"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || line.AsSpan(0, colon).TrimEnd() is not "cpu MHz")
                continue;
            if (double.TryParse(line.AsSpan(colon + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= 0)
                mhz = (uint)value;
        }
        return mhz;
    }

    private readonly record struct Topology(int Online, int Offline, int Sockets, int Cores, int Threads);
}
