using System.Collections.Immutable;

namespace Wherry.Qemu.Host;

/// <summary>A security model and the label a guest process gets under it, by domain type; dac labels are <c>+uid:+gid</c>.</summary>
public sealed record SecurityModel(string Model, string Doi, ImmutableArray<(string DomainType, string Label)> BaseLabels);

/// <summary>
/// The <c>&lt;host&gt;</c> part of <c>virsh capabilities</c>, as facts; the text is written by Wherry.Xml's caller.
/// <code>
///   /proc/cpuinfo, CPUID ---- HostCpu ------.
///   /sys/.../node/nodeN ----- NumaCell[] ---+--&gt; HostCapabilities --&gt; capabilities XML
///   /sys/.../cpu/cpuN/cache - CacheBank[] --'
/// </code>
/// Power management targets (suspend to RAM and so on) are not reported: libvirt asks logind for them over D-Bus, and nothing here suspends hosts.
/// </summary>
public sealed record HostCapabilities
{
    /// <summary>Identity of the host: two daemons with equal uuids refuse to migrate to each other.</summary>
    public required Guid Uuid { get; init; }

    public required HostCpu Cpu { get; init; }

    /// <summary>Page sizes the host offers, in KiB, ascending.</summary>
    public required ImmutableArray<uint> PageSizesKiB { get; init; }

    /// <summary>Whether an IOMMU separates devices, which passing them through needs.</summary>
    public required bool HasIommu { get; init; }

    public required ImmutableArray<NumaCell> Cells { get; init; }

    public required ImmutableArray<CacheBank> Caches { get; init; }

    public required ImmutableArray<SecurityModel> SecurityModels { get; init; }

    /// <summary>
    /// Schemes of the migration URI. libvirt lists rdma whether or not this host has such a card, and clients compare the lists.
    /// </summary>
    public ImmutableArray<string> MigrationTransports { get; } = ["tcp", "rdma"];

    /// <param name="uid">User and group that QEMU runs as: the dac base label.</param>
    public static HostCapabilities Read(HostFiles files, HostCpu cpu, Guid uuid, uint uid, uint gid)
    {
        var label = $"+{uid}:+{gid}";
        return new HostCapabilities
        {
            Uuid = uuid,
            Cpu = cpu,
            PageSizesKiB = [(uint)(Environment.SystemPageSize / 1024), .. NumaCell.HugePageSizesKiB(files, "sys/kernel/mm/hugepages")],
            HasIommu = files.Entries("sys/kernel/iommu_groups").Any(),
            Cells = NumaCell.ReadAll(files),
            Caches = CacheBank.ReadAll(files),
            SecurityModels =
            [
                new SecurityModel("none", "0", []),
                new SecurityModel("dac", "0", [("kvm", label), ("qemu", label)]),
            ],
        };
    }
}
