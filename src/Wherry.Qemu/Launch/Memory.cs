using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary><c>-m</c>, what backs the memory, <c>-smp</c>, NUMA nodes and memory modules.</summary>
internal static class Memory
{
    public static void Add(Arguments arguments, DomainSpec spec, LaunchContext context)
    {
        arguments.Add("-m", spec.MaxMemory is { } maximum
            ? $"size={spec.InitialMemory.KiB}k,slots={maximum.Slots},maxmem={maximum.Size.KiB}k"
            : $"{spec.InitialMemory.MiB}");
        if (spec.NumaCells.IsEmpty)
            arguments.AddObject(Backend(context.Features.DefaultRamId, spec.InitialMemory));
        arguments.Add("-overcommit", "mem-lock=off");
        arguments.Add("-smp", Vcpus(spec));
        foreach (var cell in spec.NumaCells)
            AddCell(arguments, cell);
    }

    public static void AddModules(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var module in spec.MemoryModules)
        {
            arguments.AddObject(Backend(module));
            arguments.AddDevice(Device(module, bus));
        }
    }

    public static Properties Backend(MemoryModuleSpec module) => Backend(module.BackendId, module.Size);

    public static Properties Device(MemoryModuleSpec module, BusNames bus) => bus.AddAddress(
        Properties.OfDevice("pc-dimm").Number("node", module.Node).Text("memdev", module.BackendId).Text("id", module.Alias), module.Address);

    private static Properties Backend(string id, ByteSize size) => Properties.OfObject("memory-backend-ram", id).Number("size", size.Bytes);

    private static void AddCell(Arguments arguments, NumaCellSpec cell)
    {
        var id = $"ram-node{cell.Id}";
        arguments.AddObject(Backend(id, cell.Memory));
        var cpus = cell.Cpus.IsEmpty ? "" : string.Concat(CpuList.Write(cell.Cpus).Split(',').Select(range => $",cpus={range}"));
        arguments.Add("-numa", $"node,nodeid={cell.Id}{cpus},memdev={id}");
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
