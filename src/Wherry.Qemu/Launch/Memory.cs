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
            arguments.AddObject(Backend(context.Features.DefaultRamId, spec.InitialMemory, spec, isWhole: true));
        arguments.Add("-overcommit", $"mem-lock={Arguments.OnOff(spec.MemoryBacking.Locked)}");
        arguments.Add("-smp", Vcpus(spec));
        foreach (var thread in spec.IoThreads)
            arguments.AddObject(IoThread(thread));
        foreach (var cell in spec.NumaCells)
            AddCell(arguments, cell, spec);
    }

    public static void AddModules(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var module in spec.MemoryModules)
        {
            arguments.AddObject(Backend(module, spec));
            arguments.AddDevice(Device(module, bus));
        }
    }

    public static Properties Backend(MemoryModuleSpec module, DomainSpec spec) => Backend(module.BackendId, module.Size, spec);

    public static Properties Device(MemoryModuleSpec module, BusNames bus) => bus.AddAddress(
        Properties.OfDevice("pc-dimm").Number("node", module.Node).Text("memdev", module.BackendId).Text("id", module.Alias), module.Address);

    /// <param name="isWhole">All that the guest boots with: its name in the migration stream is its id alone, which QEMU has to be told when it is a memfd.</param>
    private static Properties Backend(string id, ByteSize size, DomainSpec spec, bool isWhole = false)
    {
        var backing = spec.MemoryBacking;
        var hasFile = backing.Source == "memfd";
        return Properties.OfObject(hasFile ? "memory-backend-memfd" : "memory-backend-ram", id)
            .Flag("share", backing.IsShared)
            .Flag("x-use-canonical-path-for-ramblock-id", hasFile && isWhole ? false : null)
            .Flag("prealloc", backing.IsImmediate ? true : null)
            .Number("prealloc-threads", backing.AllocationThreads)
            .Number("size", size.Bytes)
            .Placement(spec.NumaTuning);
    }

    private static void AddCell(Arguments arguments, NumaCellSpec cell, DomainSpec spec)
    {
        var id = $"ram-node{cell.Id}";
        arguments.AddObject(Backend(id, cell.Memory, spec));
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
