using Wherry.Errors;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Qemu.Statistics;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// Counters of domains and their devices.
internal sealed partial class RemoteProgram
{
    private const uint StatisticsNoWait = 1u << 29, StatisticsBacking = 1u << 30, StatisticsEnforce = 1u << 31;

    /// <summary>Those of virsh list's filters that this call has too: active, persistent, state.</summary>
    private const uint StatisticsFilters = 0b1111_1111;

    /// <summary>"Some parameters may be texts": a client that can read them says so.</summary>
    private const uint TextParameters = 1 << 2;

    /// <summary>All domains are asked at once and none is waited for: one that hangs costs the others nothing.</summary>
    [Procedure(RemoteProcedure.ConnectGetAllDomainStats)]
    private async ValueTask<ConnectGetAllDomainStatsRet> ConnectGetAllDomainStats(ServerCall call, ConnectGetAllDomainStatsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, StatisticsFilters | StatisticsNoWait | StatisticsBacking | StatisticsEnforce, "qemuConnectGetAllDomainStats");
        var domains = args.Doms.IsEmpty
            ? Driver.Domains.All.OrderBy(domain => domain.Name, StringComparer.Ordinal)
            : args.Doms.Select(dom => Driver.Domains.Find(dom.Uuid)).OfType<Domain>();
        var records = domains
            .Where(domain => DomainListFilter.Admits(args.Flags & StatisticsFilters, domain.Snapshot))
            .Select(domain => RecordAsync(domain, Groups(domain, args)))
            .ToList();
        return new ConnectGetAllDomainStatsRet([.. (await Task.WhenAll(records)).OfType<DomainStatsRecord>()]);

        async Task<DomainStatsRecord?> RecordAsync(Domain domain, uint groups)
        {
            await Task.Yield(); // sizes of stored images are read from their files: one after the other only within a domain
            var figures = await DomainStatistics.GatherAsync(
                domain,
                groups,
                Has(args.Flags, StatisticsBacking),
                context.HostFiles,
                Has(args.Flags, StatisticsNoWait) && domain.Jobs.Current.Active is not null ? TimeSpan.Zero : null,
                ct);
            return figures is { } gathered ? new DomainStatsRecord(Name(domain), gathered) : null;
        }
    }

    private static uint Groups(Domain domain, ConnectGetAllDomainStatsArgs args)
    {
        var supported = domain.Snapshot.IsActive ? DomainStatistics.WithQemu : DomainStatistics.Always;
        if (args.Stats == 0)
            return supported;
        if (Has(args.Flags, StatisticsEnforce) && (args.Stats & ~supported) is var unknown and not 0)
            throw new WherryException(ErrorCode.ArgumentUnsupported, $"Stats types bits 0x{unknown:x} are not supported by this daemon or QEMU");
        return args.Stats & supported;
    }

    [Procedure(RemoteProcedure.DomainMemoryStats)]
    private async ValueTask<DomainMemoryStatsRet> DomainMemoryStats(ServerCall call, DomainMemoryStatsArgs args, CancellationToken ct)
    {
        if (args.MaxStats > RemoteLimits.DomainMemoryStats)
            throw new WherryException(ErrorCode.InternalError, "maxStats > REMOTE_DOMAIN_MEMORY_STATS_MAX", ErrorDomain.Rpc);
        CheckFlags(args.Flags, 0, "qemuDomainMemoryStats");
        var statistics = await Driver.AskMemoryStatisticsAsync(Domain(call, args.Dom), Owner("DomainMemoryStats"), ct);
        return new DomainMemoryStatsRet(
            [.. statistics.Take((int)args.MaxStats).Select(statistic => new DomainMemoryStat((int)statistic.Kind, statistic.Value))]);
    }

    [Procedure(RemoteProcedure.DomainSetMemoryStatsPeriod)]
    private async ValueTask DomainSetMemoryStatsPeriod(ServerCall call, DomainSetMemoryStatsPeriodArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainSetMemoryStatsPeriod");
        if (args.Period < 0)
            throw WherryException.RefusedArgument(
                "virDomainSetMemoryStatsPeriod", "period", "period in virDomainSetMemoryStatsPeriod must be zero or greater", ErrorDomain.Domain);
        await Driver.SetMemoryStatisticsPeriodAsync(
            Domain(call, args.Dom),
            TimeSpan.FromSeconds(args.Period),
            Affect(args.Flags),
            Owner("DomainSetMemoryStatsPeriod"),
            ct);
    }

    [Procedure(RemoteProcedure.DomainBlockStats)]
    private async ValueTask<DomainBlockStatsRet> DomainBlockStats(ServerCall call, DomainBlockStatsArgs args, CancellationToken ct)
    {
        const long notCounted = -1;
        var counters = await CountersAsync(Domain(call, args.Dom), args.Path, Owner("DomainBlockStats"), ct);
        return new DomainBlockStatsRet(
            counters.RdOperations, counters.RdBytes, counters.WrOperations, counters.WrBytes, notCounted);
    }

    [Procedure(RemoteProcedure.DomainBlockStatsFlags)]
    private async ValueTask<DomainBlockStatsFlagsRet> DomainBlockStatsFlags(ServerCall call, DomainBlockStatsFlagsArgs args, CancellationToken ct)
    {
        if (args.Nparams > RemoteLimits.DomainBlockStatsParameters)
            throw new WherryException(ErrorCode.InternalError, "nparams too large", ErrorDomain.Rpc);
        CheckFlags(args.Flags, TextParameters, "qemuDomainBlockStatsFlags");
        var counters = await CountersAsync(Domain(call, args.Dom), args.Path, Owner("DomainBlockStatsFlags"), ct);
        TypedParameter[] parameters =
        [
            TypedParameter.LLong("wr_bytes", counters.WrBytes),
            TypedParameter.LLong("wr_operations", counters.WrOperations),
            TypedParameter.LLong("rd_bytes", counters.RdBytes),
            TypedParameter.LLong("rd_operations", counters.RdOperations),
            TypedParameter.LLong("flush_operations", counters.FlushOperations),
            TypedParameter.LLong("wr_total_times", counters.WrTotalTimeNs),
            TypedParameter.LLong("rd_total_times", counters.RdTotalTimeNs),
            TypedParameter.LLong("flush_total_times", counters.FlushTotalTimeNs),
        ];
        return args.Nparams <= 0
            ? new DomainBlockStatsFlagsRet([], parameters.Length)
            : new DomainBlockStatsFlagsRet([.. parameters.Take(args.Nparams)], Math.Min(args.Nparams, parameters.Length));
    }

    /// <summary>Of one disk, or the sums of all for an empty path.</summary>
    private async Task<Wherry.Qmp.Commands.BlockDeviceStats> CountersAsync(Domain domain, string path, string owner, CancellationToken ct)
    {
        if (!domain.Snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        var spec = domain.Snapshot.Definition.Spec;
        var disks = spec.Disks;
        if (path.Length > 0)
            disks = [spec.FindDisk(path) ?? throw new WherryException(ErrorCode.InvalidArg, $"invalid path: {path}")];
        var drives = await Driver.AskDrivesAsync(domain, owner, ct);
        return disks
            .Select(disk => disk.Alias is { } alias && drives.Drives.GetValueOrDefault(alias) is { } counters
                ? counters
                : throw new WherryException(ErrorCode.InternalError, $"cannot find statistics for device '{disk.Alias ?? disk.TargetDev}'"))
            .Aggregate(
                new Wherry.Qmp.Commands.BlockDeviceStats(0, 0, 0, 0, 0, 0, 0, 0, 0),
                (sum, drive) => new(
                    sum.RdBytes + drive.RdBytes,
                    sum.WrBytes + drive.WrBytes,
                    sum.RdOperations + drive.RdOperations,
                    sum.WrOperations + drive.WrOperations,
                    sum.FlushOperations + drive.FlushOperations,
                    sum.RdTotalTimeNs + drive.RdTotalTimeNs,
                    sum.WrTotalTimeNs + drive.WrTotalTimeNs,
                    sum.FlushTotalTimeNs + drive.FlushTotalTimeNs,
                    0));
    }

    [Procedure(RemoteProcedure.DomainGetBlockInfo)]
    private async ValueTask<DomainGetBlockInfoRet> DomainGetBlockInfo(ServerCall call, DomainGetBlockInfoArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetBlockInfo");
        var domain = Domain(call, args.Dom);
        var disk = domain.Snapshot.Definition.Spec.FindDisk(args.Path)
            ?? throw new WherryException(ErrorCode.InvalidArg, $"invalid path {args.Path} not assigned to domain");
        var source = disk.Source
            ?? throw new WherryException(ErrorCode.InvalidArg, $"disk '{args.Path}' does not currently have a source assigned");
        if (!domain.Snapshot.IsActive)
        {
            var stored = await Task.Run(() => ImageFile.Read(source.Path, disk.Format), ct);
            return new DomainGetBlockInfoRet(stored.Allocation, stored.Capacity, stored.Physical);
        }

        var drives = await Driver.AskDrivesAsync(domain, Owner("DomainGetBlockInfo"), ct);
        var image = (source.Index is { } index ? drives.Find(index).Image : null)
            ?? throw new WherryException(ErrorCode.InternalError, $"cannot find statistics for device '{disk.Alias}'");
        // What was written highest tells nothing where clusters are allocated anywhere, or while nothing has been written.
        var allocation = image.HighestOffset is { } highest and > 0 && (source is not DiskSource.File || disk.Format != DiskFormat.Qcow2)
            ? highest
            : image.Physical;
        // Equal or zero means that the file below is sparse: then its length is what was asked for.
        var physical = image.Physical == 0 || allocation == image.Physical
            ? await Task.Run(() => ImageFile.Read(source.Path, disk.Format).Physical, ct)
            : image.Physical;
        return new DomainGetBlockInfoRet(allocation, image.Capacity, physical);
    }

    /// <summary>Disks whose last error stopped the guest or was reported to it: 1 unspecified, 2 no space.</summary>
    [Procedure(RemoteProcedure.DomainGetDiskErrors)]
    private async ValueTask<DomainGetDiskErrorsRet> DomainGetDiskErrors(ServerCall call, DomainGetDiskErrorsArgs args, CancellationToken ct)
    {
        if (args.Maxerrors > RemoteLimits.DomainDiskErrors)
            throw new WherryException(ErrorCode.InternalError, "maxerrors too large", ErrorDomain.Rpc);
        CheckFlags(args.Flags, 0, "qemuDomainGetDiskErrors");
        var domain = Domain(call, args.Dom);
        if (!domain.Snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        var drives = await Driver.AskDriveErrorsAsync(domain, Owner("DomainGetDiskErrors"), ct);
        var disks = domain.Snapshot.Definition.Spec.Disks;
        if (args.Maxerrors == 0)
            return new DomainGetDiskErrorsRet([], disks.Length);
        var errors = disks
            .Select(disk => new DomainDiskError(disk.TargetDev, DiskErrors.Of(disk, drives)))
            .Where(error => error.Error != 0)
            .Take((int)args.Maxerrors)
            .ToArray();
        return new DomainGetDiskErrorsRet([.. errors], errors.Length);
    }

    [Procedure(RemoteProcedure.DomainInterfaceStats)]
    private ValueTask<DomainInterfaceStatsRet> DomainInterfaceStats(ServerCall call, DomainInterfaceStatsArgs args, CancellationToken ct)
    {
        var snapshot = Domain(call, args.Dom).Snapshot;
        if (!snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        var found = snapshot.Definition.Spec.Interfaces.FirstOrDefault(device => device.TargetDev == args.Device)
            ?? snapshot.Definition.Spec.Interfaces.FirstOrDefault(device => string.Equals(device.Mac, args.Device, StringComparison.OrdinalIgnoreCase))
            ?? throw new WherryException(ErrorCode.InvalidArg, $"'{args.Device}' is not a known interface", ErrorDomain.Domain);
        if (found.TargetDev is not { } device)
            throw new WherryException(ErrorCode.InternalError, "Interface name not provided", ErrorDomain.None);
        var counters = InterfaceCounters.Read(context.HostFiles, device)?.SeenByGuest
            ?? throw new WherryException(ErrorCode.InternalError, "/proc/net/dev: Interface not found", ErrorDomain.None);
        var (received, sent) = (counters.Received, counters.Sent);
        return new(new DomainInterfaceStatsRet(
            received.Bytes, received.Packets, received.Errors, received.Dropped, sent.Bytes, sent.Packets, sent.Errors, sent.Dropped));
    }

    /// <summary>What the control group has counted; the unified hierarchy does not count by processor.</summary>
    [Procedure(RemoteProcedure.DomainGetCpuStats)]
    private ValueTask<DomainGetCpuStatsRet> DomainGetCpuStats(ServerCall call, DomainGetCpuStatsArgs args, CancellationToken ct)
    {
        const string function = "virDomainGetCPUStats";
        const int all = -1, mostParameters = 16, mostCpus = 2_000;
        CheckCount(args.Nparams, "nparams", mostParameters);
        CheckCount(args.Ncpus, "ncpus", mostCpus);
        if (args.StartCpu == all && args.Ncpus != 1)
            throw WherryException.RefusedArgument(function, "start_cpu", "ncpus must be 1 when start_cpu is -1");
        CheckArgument(args.StartCpu >= all, "start_cpu", function, "must be greater than or equal to zero");
        CheckFlags(args.Flags, TextParameters, "qemuDomainGetCPUStats");
        var domain = Domain(call, args.Dom);
        if (!domain.Snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        var cgroup = Cgroup(domain, CgroupControllers.CpuAccounting, "cgroup CPUACCT controller is not mounted");
        if (args.StartCpu != all)
            return new(new DomainGetCpuStatsRet([], CountByProcessor(cgroup, args)));
        if (cgroup.ReadCpuTime() is not { } time)
            throw DomainRefusals.NotRunning();
        TypedParameter[] values =
        [
            TypedParameter.ULLong("cpu_time", time.TotalNs),
            TypedParameter.ULLong("user_time", time.UserNs),
            TypedParameter.ULLong("system_time", time.SystemNs),
        ];
        var wanted = (int)Math.Min(args.Nparams, values.Length);
        return new(new DomainGetCpuStatsRet([.. values.Take(wanted)], args.Nparams == 0 ? values.Length : wanted));

        static void CheckCount(uint count, string name, int most)
        {
            if (count > most)
                throw new WherryException(ErrorCode.InternalError, name + " too large", ErrorDomain.Rpc);
        }
    }

    /// <summary>How many values each processor would have, or how many processors there are; the values themselves there are none of.</summary>
    private int CountByProcessor(DomainCgroup cgroup, DomainGetCpuStatsArgs args)
    {
        const int withoutVcpus = 1, withVcpus = 2;
        if (args is { Nparams: 0, Ncpus: not 0 })
            return cgroup.Contains(ThreadGroup.Vcpu(0)) ? withVcpus : withoutVcpus;
        var processors = CpuList.Parse((context.HostFiles.TryReadText("sys/devices/system/cpu/present") ?? "0").TrimEnd()).Max + 1;
        if (args.Ncpus == 0)
            return processors;
        throw args.StartCpu >= processors
            ? new WherryException(ErrorCode.InvalidArg, $"start_cpu {args.StartCpu} larger than maximum of {processors - 1}", ErrorDomain.Cgroup)
            : new WherryException(
                ErrorCode.OperationUnsupported, "operation 'getCpuacctPercpuUsage' not supported for backend 'cgroup V2'", ErrorDomain.Cgroup);
    }
}
