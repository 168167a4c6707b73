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
            arguments.AddObject(Backend(context.Features.DefaultRamId, spec.InitialMemory, spec.NumaTuning));
        arguments.Add("-overcommit", "mem-lock=off");
        arguments.Add("-smp", Vcpus(spec));
        foreach (var thread in spec.IoThreads)
            arguments.AddObject(IoThread(thread));
        foreach (var cell in spec.NumaCells)
            AddCell(arguments, cell, spec.NumaTuning);
    }

    public static void AddModules(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var module in spec.MemoryModules)
        {
            arguments.AddObject(Backend(module, spec.NumaTuning));
            arguments.AddDevice(Device(module, bus));
        }
    }

    public static Properties Backend(MemoryModuleSpec module, NumaTuning? numa) => Backend(module.BackendId, module.Size, numa);

    public static Properties Device(MemoryModuleSpec module, BusNames bus) => bus.AddAddress(
        Properties.OfDevice("pc-dimm").Number("node", module.Node).Text("memdev", module.BackendId).Text("id", module.Alias), module.Address);

    private static Properties Backend(string id, ByteSize size, NumaTuning? numa) =>
        Properties.OfObject("memory-backend-ram", id).Number("size", size.Bytes).Placement(numa);

    private static void AddCell(Arguments arguments, NumaCellSpec cell, NumaTuning? numa)
    {
        var id = $"ram-node{cell.Id}";
        arguments.AddObject(Backend(id, cell.Memory, numa));
        var cpus = cell.Cpus.IsEmpty ? "" : string.Concat(CpuList.Write(cell.Cpus).Split(',').Select(range => $",cpus={range}"));
        arguments.Add("-numa", $"node,nodeid={cell.Id}{cpus},memdev={id}");
    }

    public static Properties IoThread(IoThreadSpec thread) => Properties.OfObject("iothread", thread.ObjectId)
        .Number("thread-pool-min", thread.ThreadPoolMin)
        .Number("thread-pool-max", thread.ThreadPoolMax);

    /// <summary>"restrictive" is a matter of QEMU's control group alone.</summary>
    private static Properties Placement(this Properties backend, NumaTuning? numa) => numa is null or { Mode: "restrictive" }
        ? backend
        : backend.Numbers("host-nodes", numa.Nodes).Text("policy", numa.Mode == "strict" ? "bind" : numa.Mode);

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
