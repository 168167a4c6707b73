using Wherry.Xml;

namespace Wherry.Qemu.Cpus;

/// <summary>How a CPU that somebody describes stands to one that there is (<c>virsh cpu-compare</c>, <c>hypervisor-cpu-compare</c>).</summary>
public static class CpuComparison
{
    /// <param name="host">What there is.</param>
    /// <param name="asked">What is described.</param>
    /// <param name="refuse">Fail with the reason instead of answering that they are incompatible.</param>
    /// <exception cref="WherryException">InternalError: a model or feature that nobody knows; CpuIncompatible, if asked for.</exception>
    public static CpuComparisonResult Compare(CpuSpec host, CpuDescription asked, bool refuse)
    {
        ArgumentNullException.ThrowIfNull(asked);
        try
        {
            if (asked.Arch is not (null or "x86_64" or "i686"))
                throw GuestCpu.Incompatible($"CPU arch {asked.Arch} does not match host arch");
            return GuestCpu.RefuseIncompatible(asked.Cpu, host) ? CpuComparisonResult.Superset : CpuComparisonResult.Identical;
        }
        catch (WherryException e) when (e.Code == ErrorCode.CpuIncompatible && !refuse)
        {
            return CpuComparisonResult.Incompatible;
        }
    }
}

/// <summary>libvirt's virCPUCompareResult: the host as seen from the description.</summary>
public enum CpuComparisonResult
{
    Incompatible = 0,
    Identical = 1,
    Superset = 2,
}
