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
        const int kinds = 4;
        CheckFlags(args.Flags, 0, "virHostCPUGetStats", ErrorDomain.None);
        if (args.Nparams == 0)
            return new(new NodeGetCpuStatsRet([], kinds)); // also for a CPU that is not there: libvirt looks only when it counts
        var time = NodeCpuTime.Read(context.HostFiles, args.CpuNum == All ? null : args.CpuNum)
            ?? throw WherryException.RefusedArgument(
                "virHostCPUGetStatsLinux", "cpuNum", "Invalid cpuNum in virHostCPUGetStatsLinux", ErrorDomain.None);
        NodeGetCpuStats[] stats = [new("kernel", time.KernelNs), new("user", time.UserNs), new("idle", time.IdleNs), new("iowait", time.IoWaitNs)];
        return new(new NodeGetCpuStatsRet([.. stats.Take(args.Nparams)], stats.Length));
    }

    [Procedure(RemoteProcedure.NodeGetMemoryStats)]
    private ValueTask<NodeGetMemoryStatsRet> NodeGetMemoryStats(ServerCall call, NodeGetMemoryStatsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "virHostMemGetStats", ErrorDomain.None);
        var memory = (args.CellNum == All ? NodeMemory.Read(context.HostFiles) : NodeMemory.Read(context.HostFiles, args.CellNum))
            ?? throw WherryException.RefusedArgument(
                "virHostMemGetStats", "cellNum", $"cellNum in virHostMemGetStats must be less than or equal to {LastCell()}", ErrorDomain.None);
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
        CheckFlags(args.Flags, 0, "virHostCPUGetMap", ErrorDomain.None);
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
        CheckStartCell(args.StartCell);
        var cells = NumaCell.ReadAll(context.HostFiles).Where(cell => cell.Id >= args.StartCell).Take(Math.Max(0, args.Maxcells));
        return new(new NodeGetCellsFreeMemoryRet(
            [.. cells.Select(cell => (NodeMemory.Read(context.HostFiles, cell.Id) ?? NodeMemory.Read(context.HostFiles)).FreeKiB * 1024)]));
    }

    /// <summary>Cell -1 stands for the whole host. The reply lists, for each cell, the sizes in the order in which they were asked for.</summary>
    [Procedure(RemoteProcedure.NodeGetFreePages)]
    private ValueTask<NodeGetFreePagesRet> NodeGetFreePages(ServerCall call, NodeGetFreePagesArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "qemuNodeGetFreePages");
        if ((long)args.Pages.Length * args.CellCount > RemoteLimits.NodeCells)
            throw new WherryException(ErrorCode.InternalError, "the result won't fit into REMOTE_NODE_MAX_CELLS", ErrorDomain.Rpc);
        CheckStartCell(args.StartCell);
        var cells = NumaCell.ReadAll(context.HostFiles);
        var last = Math.Min(LastCell(), args.StartCell + (int)args.CellCount - 1);
        var counts = new List<ulong>();
        for (var number = args.StartCell; number <= last; number++)
        {
            var pools = (number == All ? cells : cells.Where(cell => cell.Id == number)).SelectMany(cell => cell.Pages).ToLookup(pool => pool.SizeKiB);
            foreach (var size in args.Pages)
            {
                if (!pools.Contains(size))
                    throw HugePages.NotAvailable(size, number);
                counts.Add(pools[size].Aggregate(0UL, (sum, pool) => sum + pool.Free));
            }
        }
        return counts.Count > 0
            ? new(new NodeGetFreePagesRet([.. counts]))
            : throw new WherryException(ErrorCode.InternalError, "no suitable info found", ErrorDomain.None);
    }

    [Procedure(RemoteProcedure.NodeAllocPages)]
    private ValueTask<NodeAllocPagesRet> NodeAllocPages(ServerCall call, NodeAllocPagesArgs args, CancellationToken ct)
    {
        const uint setRatherThanAdd = 1;
        Client(call);
        CheckFlags(args.Flags, setRatherThanAdd, "qemuNodeAllocPages");
        if (args.PageSizes.Length != args.PageCounts.Length)
            throw new WherryException(ErrorCode.InternalError, "as many page counts as page sizes are needed", ErrorDomain.Rpc);
        CheckStartCell(args.StartCell);
        var last = Math.Min(LastCell(), args.StartCell + (int)args.CellCount - 1);
        var changed = 0;
        for (var cell = args.StartCell; cell <= last; cell++)
        {
            foreach (var (size, count) in args.PageSizes.Zip(args.PageCounts))
            {
                HugePages.Set(context.HostFiles, cell, size, count, add: !Has(args.Flags, setRatherThanAdd));
                changed++;
            }
        }
        return new(new NodeAllocPagesRet(changed));
    }

    private int LastCell() => NumaCell.ReadAll(context.HostFiles).Max(cell => cell.Id);

    private void CheckStartCell(int start)
    {
        if (LastCell() is var last && start > last)
            throw new WherryException(ErrorCode.InternalError, $"start cell {start} out of range (0-{last})", ErrorDomain.None);
    }

    /// <summary>Kernel same-page merging, in the kernel's own words with another prefix.</summary>
    [Procedure(RemoteProcedure.NodeGetMemoryParameters)]
    private ValueTask<NodeGetMemoryParametersRet> NodeGetMemoryParameters(ServerCall call, NodeGetMemoryParametersArgs args, CancellationToken ct)
    {
        const int all = 8;
        Client(call);
        CheckFlags(args.Flags, TextParameters, "virHostMemGetParameters", ErrorDomain.None);
        if (args.Nparams == 0)
            return new(new NodeGetMemoryParametersRet([], all));
        var parameters = new List<TypedParameter>();
        foreach (var name in (string[])["pages_to_scan", "sleep_millisecs", "pages_shared", "pages_sharing", "pages_unshared", "pages_volatile", "full_scans", "merge_across_nodes"])
        {
            if (context.HostFiles.TryReadNumber("sys/kernel/mm/ksm/" + name) is not { } value)
                continue;
            parameters.Add(name is "pages_to_scan" or "sleep_millisecs" or "merge_across_nodes"
                ? TypedParameter.UInt("shm_" + name, (uint)value)
                : TypedParameter.ULLong("shm_" + name, (ulong)value));
        }
        var shown = parameters.Take(args.Nparams).ToArray();
        return new(new NodeGetMemoryParametersRet([.. shown], shown.Length));
    }

    [Procedure(RemoteProcedure.ConnectGetSysinfo)]
    private async ValueTask<ConnectGetSysinfoRet> ConnectGetSysinfo(ServerCall call, ConnectGetSysinfoArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "qemuConnectGetSysinfo");
        return new ConnectGetSysinfoRet(await context.Sysinfo.GetXmlAsync(ct));
    }

    [Procedure(RemoteProcedure.NodeGetSevInfo)]
    private ValueTask<NodeGetSevInfoRet> NodeGetSevInfo(ServerCall call, NodeGetSevInfoArgs args, CancellationToken ct)
    {
        Client(call);
        throw new WherryException(ErrorCode.OperationUnsupported, "QEMU does not support SEV guest");
    }

    /// <summary>A host of running guests is not ours to put to sleep: every kind is refused, as stock does where the kernel offers none.</summary>
    [Procedure(RemoteProcedure.NodeSuspendForDuration)]
    private ValueTask NodeSuspendForDuration(ServerCall call, NodeSuspendForDurationArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "virNodeSuspend", ErrorDomain.None);
        throw args.Target switch
        {
            0 => new WherryException(ErrorCode.ArgumentUnsupported, "Suspend-to-RAM", ErrorDomain.None),
            1 => new WherryException(ErrorCode.ArgumentUnsupported, "Suspend-to-Disk", ErrorDomain.None),
            2 => new WherryException(ErrorCode.ArgumentUnsupported, "Hybrid-Suspend", ErrorDomain.None),
            _ => new WherryException(ErrorCode.InvalidArg, "Invalid suspend target", ErrorDomain.None),
        };
    }
}
