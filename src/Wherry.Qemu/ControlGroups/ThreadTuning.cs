using Wherry.Xml;

namespace Wherry.Qemu.ControlGroups;

/// <summary>What a definition says of one group of threads.</summary>
/// <param name="Cpus">Host CPUs as a list; null: it does not say.</param>
/// <param name="Nodes">NUMA nodes as a list; null: it does not say, or means the guest's memory alone.</param>
internal sealed record ThreadTuning(string? Cpus, string? Nodes, CpuBandwidth Bandwidth)
{
    public static ThreadTuning OfEmulator(DomainDocument document) =>
        new(Normalised(document.EmulatorPin), NodesOf(document), BandwidthOf(document, "emulator_"));

    public static ThreadTuning OfVcpu(DomainDocument document, int id) =>
        new(Normalised(document.VcpuPin(id)), NodesOf(document), BandwidthOf(document, ""));

    public static ThreadTuning OfIoThread(DomainDocument document, uint id) =>
        new(Normalised(document.IoThreadPin((int)id)), NodesOf(document), BandwidthOf(document, "iothread_"));

    /// <summary>That of the guest as a whole.</summary>
    public static CpuBandwidth GlobalBandwidth(DomainDocument document) => BandwidthOf(document, "global_");

    /// <param name="needed">What is written is of controllers that are there; the others were looked at before.</param>
    /// <param name="current">What the group has; asked only when it matters.</param>
    public IEnumerable<CgroupWrite> Writes(CgroupControllers needed, Func<CpuBandwidth> current)
    {
        if (needed.HasFlag(CgroupControllers.CpuSet))
        {
            if (Cpus is not null)
                yield return new CgroupWrite(DomainCgroup.CpusFile, Cpus);
            if (Nodes is not null)
                yield return new CgroupWrite(DomainCgroup.NodesFile, Nodes);
        }
        if (Bandwidth.IsGiven)
        {
            foreach (var write in Bandwidth.WritesFrom(current()))
                yield return write;
        }
    }

    private static CpuBandwidth BandwidthOf(DomainDocument document, string prefix) =>
        new((ulong)document.CpuTuning(prefix + "period"), document.CpuTuning(prefix + "quota"));

    /// <summary>Other modes than these are a matter of QEMU's memory, not of its threads.</summary>
    private static string? NodesOf(DomainDocument document) =>
        document.NumaTuning is { Mode: "strict" or "restrictive", Nodes: var nodes } ? CpuList.Write(nodes) : null;

    private static string? Normalised(string? cpus) => cpus is null ? null : CpuList.Write(CpuList.Parse(cpus));
}
