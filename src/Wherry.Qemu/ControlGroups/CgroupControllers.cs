using System.Collections.Immutable;

namespace Wherry.Qemu.ControlGroups;

/// <summary>What the kernel shares out between control groups, as far as a guest's tuning needs it.</summary>
[Flags]
public enum CgroupControllers
{
    None = 0,

    /// <summary>Processor time.</summary>
    Cpu = 1,

    /// <summary>Which processors and NUMA nodes.</summary>
    CpuSet = 2,

    Memory = 4,

    /// <summary>Block devices; libvirt's name for it is the older one, <c>blkio</c>.</summary>
    Io = 8,

    /// <summary>Processor time is counted. Every group of the unified hierarchy does so without being asked.</summary>
    CpuAccounting = 16,

    All = Cpu | CpuSet | Memory | Io | CpuAccounting,
}

/// <summary>The controllers by name.</summary>
public static class CgroupControllerNames
{
    /// <summary>In the order in which libvirt enables them: one that fails leaves the same ones enabled.</summary>
    internal static ImmutableArray<(CgroupControllers Controller, string Name)> InKernel { get; } =
    [
        (CgroupControllers.Cpu, "cpu"),
        (CgroupControllers.CpuSet, "cpuset"),
        (CgroupControllers.Memory, "memory"),
        (CgroupControllers.Io, "io"),
    ];

    /// <summary>One of qemu.conf's <c>cgroup_controllers</c>; those that no tuning of ours needs are <see cref="CgroupControllers.None"/>.</summary>
    /// <returns>null: libvirt does not know it either.</returns>
    public static CgroupControllers? FromConfiguration(string name) => name switch
    {
        "cpu" => CgroupControllers.Cpu,
        "cpuacct" => CgroupControllers.CpuAccounting,
        "cpuset" => CgroupControllers.CpuSet,
        "memory" => CgroupControllers.Memory,
        "blkio" => CgroupControllers.Io,
        "devices" or "freezer" or "net_cls" or "perf_event" or "name=systemd" => CgroupControllers.None,
        _ => null,
    };

    /// <summary>Those of a <c>cgroup.controllers</c> file; ones that no tuning of ours needs are left out.</summary>
    internal static CgroupControllers Parse(string text)
    {
        var names = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return InKernel.Where(known => names.Contains(known.Name)).Aggregate(CgroupControllers.None, (found, known) => found | known.Controller);
    }
}
