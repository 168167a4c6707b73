using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary><c>-m</c>, the memory backend and <c>-smp</c>.</summary>
internal static class Memory
{
    public static void Add(Arguments arguments, DomainSpec spec, LaunchContext context)
    {
        arguments.Add("-m", $"{spec.Memory.MiB}");
        arguments.AddObject(Properties.OfObject("memory-backend-ram", context.Features.DefaultRamId).Number("size", spec.Memory.Bytes));
        arguments.Add("-overcommit", "mem-lock=off");
        arguments.Add("-smp", Vcpus(spec));
    }

    /// <summary>Without a topology in the XML every vCPU is a socket: libvirt says so aloud because QEMU's own default has changed over time.</summary>
    private static string Vcpus(DomainSpec spec)
    {
        var (maximum, current) = (spec.Vcpu.Maximum, spec.Vcpu.AtStart);
        var count = current == maximum ? $"{current}" : $"{current},maxcpus={maximum}";
        return spec.Cpu?.Topology is { } topology
            ? $"{count},sockets={topology.Sockets},dies={topology.Dies},cores={topology.Cores},threads={topology.Threads}"
            : $"{count},sockets={maximum},cores=1,threads=1";
    }
}
