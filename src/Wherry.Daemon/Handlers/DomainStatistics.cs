using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Qemu.Statistics;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>
/// One domain's part of <c>virsh domstats</c>: groups of named values, in libvirt's order. What QEMU did not tell in time is of the last time
/// it told, and then <see cref="StaleMs"/> says how old it is.
/// </summary>
internal sealed class DomainStatistics
{
    public const uint State = 1 << 0, CpuTotal = 1 << 1, Balloon = 1 << 2, Vcpu = 1 << 3, Interface = 1 << 4, Block = 1 << 5, Perf = 1 << 6,
        IoThread = 1 << 7, Memory = 1 << 8, DirtyRate = 1 << 9, Vm = 1 << 10;

    /// <summary>What every domain has; the others need a QEMU that knows them.</summary>
    public const uint Always = State | CpuTotal | Balloon | Vcpu | Interface | Block | Perf | Memory;

    public const uint WithQemu = Always | IoThread | DirtyRate | Vm;

    /// <summary>Milliseconds since QEMU last answered; absent while it answers. Not one of libvirt's names: its domstats waits instead.</summary>
    public const string StaleMs = "wherry.stale_ms";

    private readonly List<TypedParameter> _parameters = [];
    private readonly DomainSnapshot _snapshot;
    private readonly QemuInstance? _qemu;

    private DomainStatistics(DomainSnapshot snapshot, QemuInstance? qemu) => (_snapshot, _qemu) = (snapshot, qemu);

    /// <param name="patience">How long to wait for a QEMU that does not answer; null for the usual.</param>
    /// <returns>Null when the domain has ended and there is nothing left of it.</returns>
    public static async Task<ImmutableArray<TypedParameter>?> GatherAsync(
        Domain domain, uint groups, bool backing, HostFiles files, TimeSpan? patience, CancellationToken ct)
    {
        var snapshot = domain.Snapshot;
        if (!snapshot.Exists)
            return null;
        var statistics = new DomainStatistics(snapshot, snapshot.IsActive ? domain.Qemu : null);
        var live = statistics._qemu is { } qemu
            ? await qemu.Figures.AskAsync(KindsOf(groups), QemuDriver.BalloonOf(snapshot), ct, patience)
            : LiveFigures.None;
        statistics.Add(groups, backing, files, live);
        return [.. statistics._parameters];
    }

    private static FigureKinds KindsOf(uint groups) =>
        (Has(groups, Block) ? FigureKinds.Drives : 0)
        | (Has(groups, Balloon) ? FigureKinds.GuestMemory : 0)
        | (Has(groups, IoThread) ? FigureKinds.IoThreads : 0)
        | (Has(groups, DirtyRate) ? FigureKinds.DirtyRate : 0)
        | (Has(groups, CpuTotal) ? FigureKinds.HaltPolling : 0);

    private static bool Has(uint groups, uint group) => (groups & group) != 0;

    private void Add(uint groups, bool backing, HostFiles files, LiveFigures live)
    {
        if (Has(groups, State))
            AddState();
        if (Has(groups, CpuTotal))
            AddCpu(live);
        if (Has(groups, Balloon))
            AddBalloon(live);
        if (Has(groups, Vcpu))
            AddVcpus();
        if (Has(groups, Interface))
            AddInterfaces(files);
        if (Has(groups, Block))
            AddBlocks(backing, live);
        if (Has(groups, IoThread))
            AddIoThreads(live);
        if (Has(groups, DirtyRate))
            AddDirtyRate(live);
        if (live.Age is { } age)
            ULLong(StaleMs, (ulong)age.TotalMilliseconds);
    }

    private void AddState()
    {
        Int("state.state", (int)_snapshot.Status.State);
        Int("state.reason", _snapshot.Status.Reason);
    }

    private void AddCpu(LiveFigures live)
    {
        if (_qemu is null)
            return;
        if (_qemu.Cgroup is { } cgroup)
        {
            if (cgroup.ReadCpuTime() is { } time)
            {
                ULLong("cpu.time", time.TotalNs);
                ULLong("cpu.user", time.UserNs);
                ULLong("cpu.system", time.SystemNs);
            }
        }
        else if (ProcessUsage.Read(_qemu.Process.Pid) is { } usage)
        {
            ULLong("cpu.time", (ulong)usage.Total.TotalNanoseconds);
            ULLong("cpu.user", (ulong)usage.User.TotalNanoseconds);
            ULLong("cpu.system", (ulong)usage.System.TotalNanoseconds);
        }
        UInt("cpu.cache.monitor.count", 0); // there are none: we make no resctrl groups
        if (live.HaltPolling is { } polling)
        {
            ULLong("cpu.haltpoll.success.time", polling.SuccessNs);
            ULLong("cpu.haltpoll.fail.time", polling.FailNs);
        }
    }

    private void AddBalloon(LiveFigures live)
    {
        var spec = _snapshot.Definition.Spec;
        ULLong("balloon.current", spec.Memballoon is { Model: not "none" } ? spec.CurrentMemory.KiB : spec.Memory.KiB);
        ULLong("balloon.maximum", spec.Memory.KiB);
        foreach (var (kind, value) in live.Memory?.Statistics ?? [])
        {
            if (BalloonName(kind) is { } name)
                ULLong("balloon." + name, value);
        }
        if (_qemu is not null && ProcessUsage.Read(_qemu.Process.Pid) is { } usage)
            ULLong("balloon.rss", usage.ResidentKiB);
    }

    private static string? BalloonName(MemoryStatisticKind kind) => kind switch
    {
        MemoryStatisticKind.SwapIn => "swap_in",
        MemoryStatisticKind.SwapOut => "swap_out",
        MemoryStatisticKind.MajorFault => "major_fault",
        MemoryStatisticKind.MinorFault => "minor_fault",
        MemoryStatisticKind.Unused => "unused",
        MemoryStatisticKind.Available => "available",
        MemoryStatisticKind.LastUpdate => "last-update",
        MemoryStatisticKind.Usable => "usable",
        MemoryStatisticKind.DiskCaches => "disk_caches",
        MemoryStatisticKind.HugetlbPgAlloc => "hugetlb_pgalloc",
        MemoryStatisticKind.HugetlbPgFail => "hugetlb_pgfail",
        _ => null,
    };

    private void AddVcpus()
    {
        const int running = 1; // virVcpuState
        var vcpu = _snapshot.Definition.Spec.Vcpu;
        UInt("vcpu.current", (uint)vcpu.Current);
        UInt("vcpu.maximum", (uint)vcpu.Maximum);
        if (_qemu is null)
            return;
        var pid = _qemu.Process.Pid;
        foreach (var (number, thread) in GuestThreads.Read(pid).Vcpus)
        {
            if (ProcessUsage.Read(pid, thread) is not { } usage)
                continue;
            Int($"vcpu.{number}.state", running);
            ULLong($"vcpu.{number}.time", (ulong)usage.Total.TotalNanoseconds);
            ULLong($"vcpu.{number}.wait", ProcessUsage.ReadWaitNs(pid, thread));
            ULLong($"vcpu.{number}.delay", ProcessUsage.ReadRunDelayNs(pid, thread) ?? 0);
        }
    }

    private void AddInterfaces(HostFiles files)
    {
        if (_qemu is null)
            return;
        var interfaces = _snapshot.Definition.Spec.Interfaces;
        UInt("net.count", (uint)interfaces.Length);
        for (var i = 0; i < interfaces.Length; i++)
        {
            if (interfaces[i].TargetDev is not { } device)
                continue;
            String($"net.{i}.name", device);
            if (InterfaceCounters.Read(files, device)?.SeenByGuest is { } counters)
            {
                AddTraffic($"net.{i}.rx", counters.Received);
                AddTraffic($"net.{i}.tx", counters.Sent);
            }
        }
    }

    private void AddTraffic(string prefix, TrafficCounters counters)
    {
        ULLong(prefix + ".bytes", (ulong)counters.Bytes);
        ULLong(prefix + ".pkts", (ulong)counters.Packets);
        ULLong(prefix + ".errs", (ulong)counters.Errors);
        ULLong(prefix + ".drop", (ulong)counters.Dropped);
    }

    private void AddBlocks(bool backing, LiveFigures live)
    {
        var count = _parameters.Count;
        var record = 0;
        foreach (var disk in _snapshot.Definition.Spec.Disks)
        {
            if (_qemu is not null && live.Drives is { } drives)
                AddRunningDisk(disk, drives, backing, ref record);
            else
                AddDisk(disk, record++);
        }
        _parameters.Insert(count, TypedParameter.UInt("block.count", (uint)record));
    }

    private void AddRunningDisk(DiskSpec disk, DriveFigures drives, bool backing, ref int record)
    {
        AddDiskName(disk, record);
        var alias = disk.Alias ?? "";
        if (drives.Drives.GetValueOrDefault(alias) is { } counters)
            AddCounters(record, counters);
        if (disk.Source?.Index is { } top)
            AddImage(drives.Find(top).Image, record);
        record++;
        foreach (var node in backing ? drives.Backing.GetValueOrDefault(alias, []) : [])
        {
            if (DriveFigures.IndexOf(node) is not { } index)
                continue;
            var (image, path) = drives.Find(index);
            String($"block.{record}.name", disk.TargetDev);
            if (path is not null)
                String($"block.{record}.path", path);
            UInt($"block.{record}.backingIndex", (uint)index);
            AddImage(image, record++);
        }
    }

    private void AddDiskName(DiskSpec disk, int record)
    {
        String($"block.{record}.name", disk.TargetDev);
        if (disk.Source is not { } source)
            return;
        String($"block.{record}.path", source.Path);
        if (source.Index is { } index)
            UInt($"block.{record}.backingIndex", (uint)index);
    }

    private void AddCounters(int record, Wherry.Qmp.Commands.BlockDeviceStats counters)
    {
        ULLong($"block.{record}.rd.reqs", (ulong)counters.RdOperations);
        ULLong($"block.{record}.rd.bytes", (ulong)counters.RdBytes);
        ULLong($"block.{record}.rd.times", (ulong)counters.RdTotalTimeNs);
        ULLong($"block.{record}.wr.reqs", (ulong)counters.WrOperations);
        ULLong($"block.{record}.wr.bytes", (ulong)counters.WrBytes);
        ULLong($"block.{record}.wr.times", (ulong)counters.WrTotalTimeNs);
        ULLong($"block.{record}.fl.reqs", (ulong)counters.FlushOperations);
        ULLong($"block.{record}.fl.times", (ulong)counters.FlushTotalTimeNs);
    }

    private void AddImage(ImageFigures? image, int record)
    {
        if (image is null)
            return;
        ULLong($"block.{record}.allocation", image.HighestOffset ?? 0);
        if (image.Capacity > 0)
            ULLong($"block.{record}.capacity", image.Capacity);
        ULLong($"block.{record}.physical", image.Physical);
        if (image.WriteThreshold > 0)
            ULLong($"block.{record}.threshold", image.WriteThreshold);
    }

    /// <summary>Without QEMU's word: from the file, unless a QEMU has it open.</summary>
    private void AddDisk(DiskSpec disk, int record)
    {
        AddDiskName(disk, record);
        if (_qemu is not null || disk.Source is not { } source)
            return;
        ImageFile image;
        try
        {
            image = ImageFile.Read(source.Path, disk.Format);
        }
        catch (Exception e) when (e is Errors.WherryException or IOException or UnauthorizedAccessException)
        {
            return; // a missing image has a name and no sizes
        }
        if (image.Allocation > 0)
            ULLong($"block.{record}.allocation", image.Allocation);
        if (image.Capacity > 0)
            ULLong($"block.{record}.capacity", image.Capacity);
        if (image.Physical > 0)
            ULLong($"block.{record}.physical", image.Physical);
    }

    private void AddIoThreads(LiveFigures live)
    {
        if (live.IoThreads.IsEmpty)
            return;
        UInt("iothread.count", (uint)live.IoThreads.Length);
        foreach (var thread in live.IoThreads)
        {
            const string prefix = "iothread";
            var number = thread.Id.StartsWith(prefix, StringComparison.Ordinal) ? thread.Id[prefix.Length..] : thread.Id;
            ULLong($"iothread.{number}.poll-max-ns", (ulong)thread.PollMaxNs);
            UInt($"iothread.{number}.poll-grow", (uint)thread.PollGrow);
            UInt($"iothread.{number}.poll-shrink", (uint)thread.PollShrink);
        }
    }

    private void AddDirtyRate(LiveFigures live)
    {
        if (live.DirtyRate is not { } rate)
            return;
        const int unstarted = 0, measuring = 1, measured = 2; // virDomainDirtyRateStatus
        Int("dirtyrate.calc_status", rate.Status switch { "measuring" => measuring, "measured" => measured, _ => unstarted });
        _parameters.Add(TypedParameter.LLong("dirtyrate.calc_start_time", rate.StartTime));
        Int("dirtyrate.calc_period", (int)rate.CalcTime);
        String("dirtyrate.calc_mode", rate.Mode);
        if (rate.Status != "measured")
            return;
        _parameters.Add(TypedParameter.LLong("dirtyrate.megabytes_per_second", rate.DirtyRate ?? 0));
        foreach (var vcpu in rate.VcpuDirtyRate ?? [])
            ULLong($"dirtyrate.vcpu.{vcpu.Id}.megabytes_per_second", (ulong)vcpu.DirtyRate);
    }

    private void Int(string name, int value) => _parameters.Add(TypedParameter.Int(name, value));

    private void UInt(string name, uint value) => _parameters.Add(TypedParameter.UInt(name, value));

    private void ULLong(string name, ulong value) => _parameters.Add(TypedParameter.ULLong(name, value));

    private void String(string name, string value) => _parameters.Add(TypedParameter.String(name, value));
}
