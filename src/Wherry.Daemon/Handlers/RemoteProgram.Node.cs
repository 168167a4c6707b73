using Wherry.Errors;
using Wherry.Qemu.Host;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// The host itself. Lists of named numbers are asked for twice: first with room for none, to learn how many there are.
internal sealed partial class RemoteProgram
{
    /// <summary>CPU number or cell number that means "all together".</summary>
    private const int All = -1;

    [Procedure(RemoteProcedure.NodeGetInfo)]
    private ValueTask<NodeGetInfoRet> NodeGetInfo(ServerCall call, CancellationToken ct)
    {
        Client(call);
        var node = NodeInfo.Read(context.HostFiles);
        return new(new NodeGetInfoRet(
            node.Model, node.MemoryKiB, (int)node.Cpus, (int)node.Mhz, (int)node.Nodes, (int)node.Sockets, (int)node.Cores, (int)node.Threads));
    }

    /// <summary>No MAC driver: what stock answers with <c>security_driver = "none"</c>.</summary>
    [Procedure(RemoteProcedure.NodeGetSecurityModel)]
    private ValueTask<NodeGetSecurityModelRet> NodeGetSecurityModel(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new NodeGetSecurityModelRet("none", "0"));
    }

    [Procedure(RemoteProcedure.NodeGetCpuStats)]
    private ValueTask<NodeGetCpuStatsRet> NodeGetCpuStats(ServerCall call, NodeGetCpuStatsArgs args, CancellationToken ct)
    {
        Client(call);
        var time = NodeCpuTime.Read(context.HostFiles, args.CpuNum == All ? null : args.CpuNum)
            ?? throw new WherryException(ErrorCode.InvalidArg, $"Invalid cpuNum in virHostCPUGetStatsLinux", ErrorDomain.None);
        NodeGetCpuStats[] stats = [new("kernel", time.KernelNs), new("user", time.UserNs), new("idle", time.IdleNs), new("iowait", time.IoWaitNs)];
        return new(new NodeGetCpuStatsRet(args.Nparams == 0 ? [] : [.. stats.Take(args.Nparams)], stats.Length));
    }

    [Procedure(RemoteProcedure.NodeGetMemoryStats)]
    private ValueTask<NodeGetMemoryStatsRet> NodeGetMemoryStats(ServerCall call, NodeGetMemoryStatsArgs args, CancellationToken ct)
    {
        Client(call);
        var memory = (args.CellNum == All ? NodeMemory.Read(context.HostFiles) : NodeMemory.Read(context.HostFiles, args.CellNum))
            ?? throw new WherryException(ErrorCode.InvalidArg, $"cellNum in virHostMemGetStatsLinux must be less than or equal to {args.CellNum - 1}", ErrorDomain.None);
        var stats = new List<NodeGetMemoryStats> { new("total", memory.TotalKiB), new("free", memory.FreeKiB) };
        if (memory.BuffersKiB is { } buffers)
            stats.Add(new("buffers", buffers));
        if (memory.CachedKiB is { } cached)
            stats.Add(new("cached", cached));
        return new(new NodeGetMemoryStatsRet(args.Nparams == 0 ? [] : [.. stats.Take(args.Nparams)], stats.Count));
    }

    /// <summary>The reply's number is how many CPUs could be there, its map which of them are online, lowest bit first.</summary>
    [Procedure(RemoteProcedure.NodeGetCpuMap)]
    private ValueTask<NodeGetCpuMapRet> NodeGetCpuMap(ServerCall call, NodeGetCpuMapArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "qemuNodeGetCPUMap");
        var cpus = CpuMap.Read(context.HostFiles);
        var count = cpus.Present.DefaultIfEmpty(-1).Max() + 1;
        var map = new byte[(count + 7) / 8];
        foreach (var cpu in cpus.Online)
            map[cpu / 8] |= (byte)(1 << (cpu % 8));
        return new(new NodeGetCpuMapRet(args.NeedMap != 0 ? [.. map] : [], args.NeedOnline != 0 ? (uint)cpus.Online.Length : 0, count));
    }

    [Procedure(RemoteProcedure.NodeGetFreeMemory)]
    private ValueTask<NodeGetFreeMemoryRet> NodeGetFreeMemory(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new NodeGetFreeMemoryRet(NodeMemory.Read(context.HostFiles).FreeKiB * 1024));
    }

    [Procedure(RemoteProcedure.NodeGetCellsFreeMemory)]
    private ValueTask<NodeGetCellsFreeMemoryRet> NodeGetCellsFreeMemory(ServerCall call, NodeGetCellsFreeMemoryArgs args, CancellationToken ct)
    {
        Client(call);
        var cells = NumaCell.ReadAll(context.HostFiles).Where(cell => cell.Id >= args.StartCell).Take(Math.Max(0, args.Maxcells));
        return new(new NodeGetCellsFreeMemoryRet(
            [.. cells.Select(cell => (NodeMemory.Read(context.HostFiles, cell.Id) ?? NodeMemory.Read(context.HostFiles)).FreeKiB * 1024)]));
    }
}
