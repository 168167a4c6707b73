using Wherry.Qemu.ControlGroups;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>What a definition asks of the host and this host cannot give. A guest without what it was promised is not started.</summary>
internal static class HostDemands
{
    private const string NumaNodes = "/sys/devices/system/node";

    /// <param name="controllers">Those of the guest's control group; none when it has no group.</param>
    /// <exception cref="WherryException">ConfigUnsupported, in libvirt's words for a host without control groups or without that NUMA node.</exception>
    public static void Check(DomainSpec spec, DomainDocument document, CgroupControllers controllers)
    {
        CheckNodes(spec.NumaTuning?.Nodes ?? []);
        // Shares, and limits of memory and disks, are worth nothing without a group: libvirt lets them be.
        if (controllers.HasFlag(CgroupControllers.Cpu))
            return;
        Refuse(["emulator_period", "emulator_quota", "period", "quota"], ErrorDomain.Qemu);
        Refuse(["global_period", "global_quota"], ErrorDomain.Domain);
        if (!spec.IoThreads.IsEmpty)
            Refuse(["iothread_period", "iothread_quota"], ErrorDomain.Qemu);

        void Refuse(string[] elements, ErrorDomain domain)
        {
            if (Array.Exists(elements, element => document.CpuTuning(element) != 0))
                throw new WherryException(ErrorCode.ConfigUnsupported, "cgroup cpu is required for scheduler tuning", domain);
        }
    }

    /// <exception cref="WherryException">ConfigUnsupported: this host has no such node.</exception>
    public static void CheckNodes(IEnumerable<int> nodes)
    {
        foreach (var node in nodes)
        {
            if (!Directory.Exists($"{NumaNodes}/node{node}"))
                throw new WherryException(ErrorCode.ConfigUnsupported, $"NUMA node {node} is unavailable", ErrorDomain.None);
        }
    }
}
