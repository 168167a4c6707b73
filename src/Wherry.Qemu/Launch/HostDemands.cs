using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>What a definition asks of the host and this host cannot give. A guest without what it was promised is not started.</summary>
internal static class HostDemands
{
    private const string NumaNodes = "/sys/devices/system/node";

    /// <exception cref="WherryException">ConfigUnsupported, in libvirt's words for a host without control groups or without that NUMA node.</exception>
    public static void Check(DomainSpec spec, DomainDocument document)
    {
        foreach (var node in spec.NumaTuning?.Nodes ?? [])
        {
            if (!Directory.Exists($"{NumaNodes}/node{node}"))
                throw new WherryException(ErrorCode.ConfigUnsupported, $"NUMA node {node} is unavailable", ErrorDomain.None);
        }

        // Shares alone are worth nothing without a group: libvirt lets them be.
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
}
