using System.Globalization;
using Wherry.Xml;

namespace Wherry.Qemu.ControlGroups;

/// <summary>
/// The control group of one running guest. What a definition says becomes values in <see cref="ThreadTuning"/>, <see cref="MemoryTuning"/>,
/// <see cref="BlkioTuning"/> and <see cref="CpuBandwidth"/>; here they are written and read. Nothing is kept: the kernel's files are the truth,
/// whoever wrote them.
/// </summary>
/// <remarks>Called under the domain's job; readers need none.</remarks>
public sealed class DomainCgroup
{
    internal const string CpusFile = "cpuset.cpus", NodesFile = "cpuset.mems";

    private const string WeightFile = "cpu.weight";
    private const ulong LeastShares = 2, MostShares = 262_144;

    private readonly ICgroupFiles _files;

    internal DomainCgroup(ICgroupFiles files, string path, CgroupControllers controllers)
    {
        _files = files;
        Path = path;
        Controllers = controllers;
    }

    /// <summary>Its directory.</summary>
    public string Path { get; }

    public CgroupControllers Controllers { get; }

    /// <summary>The kernel can limit processor time, which a kernel may be built without.</summary>
    public bool CanLimitCpu => Has(CgroupControllers.Cpu) && _files.Exists($"{Path}/{CpuBandwidth.File}");

    public bool Has(CgroupControllers controller) => Controllers.HasFlag(controller);

    /// <summary>What the definition says of the guest as a whole, but for its processor time in absolute terms.</summary>
    /// <exception cref="WherryException">ConfigUnsupported: the host lacks what it needs. SystemError: the kernel refuses a value.</exception>
    internal void Limit(DomainDocument document)
    {
        var devices = document.BlkioDevices;
        if (Has(CgroupControllers.Io))
        {
            if (document.BlkioWeight != 0)
                SetBlkioWeight(document.BlkioWeight);
            foreach (var device in devices)
            {
                foreach (var field in BlkioDeviceTuning.Fields.Where(field => device.Limits.GetValueOrDefault(field) != 0))
                    SetBlkioDevice(device.Path, field, device.Limits[field]);
            }
        }
        else if (document.BlkioWeight != 0 || devices.Count > 0)
        {
            throw Unsupported("Block I/O tuning is not available on this host");
        }

        var limits = MemoryTuning.Limits.Select(known => known.Limit).Where(limit => document.MemoryLimitKiB(limit) < DomainDocument.UnlimitedMemoryKiB).ToList();
        if (limits.Count > 0 && !Has(CgroupControllers.Memory))
            throw Unsupported("Memory cgroup is not available on this host");
        foreach (var limit in limits)
            SetMemoryLimit(limit, document.MemoryLimitKiB(limit));

        if (document.CpuShares is { } shares)
        {
            if (!Has(CgroupControllers.Cpu))
                throw Unsupported("CPU tuning is not available on this host");
            SetShares(shares);
        }
    }

    /// <summary>Moves a process in, with all its threads.</summary>
    internal void AddProcess(int pid) => Write(Path, new CgroupWrite("cgroup.procs", pid.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Makes a group of threads of the guest, and gives it what the definition says. Without processors to share out there is none.</summary>
    /// <exception cref="WherryException">SystemError: the kernel refuses. Nothing is left of it then.</exception>
    internal void Make(ThreadGroup group, ThreadTuning tuning)
    {
        if (!HasThreadGroups)
            return;
        var path = PathOf(group);
        if (_files.MakeDirectory(path) is var errno and not (0 or CgroupErrno.Exists))
            throw WherryException.FromErrno(errno, $"Failed to create v2 cgroup '{path}/'", ErrorDomain.Cgroup);
        try
        {
            Write(path, new CgroupWrite("cgroup.type", "threaded"));
            foreach (var (controller, name) in CgroupControllerNames.InKernel)
            {
                if (controller is not (CgroupControllers.Cpu or CgroupControllers.CpuSet) || !Has(controller))
                    continue;
                var file = $"{Path}/cgroup.subtree_control";
                if (_files.Write(file, "+" + name) is var refused and not 0)
                    throw WherryException.FromErrno(refused, $"Failed to enable controller '+{name}' for '{file}'", ErrorDomain.Cgroup);
            }
            foreach (var write in tuning.Writes(Controllers, () => ReadBandwidth(group)))
                Write(path, write);
        }
        catch
        {
            _ = _files.RemoveDirectory(path);
            throw;
        }
    }

    /// <summary>Moves a thread of the guest into its group.</summary>
    internal void AddThread(ThreadGroup group, int thread)
    {
        if (HasThreadGroups)
            Write(PathOf(group), new CgroupWrite("cgroup.threads", thread.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Removes the group of a thread that has ended. One that does not go (yet) goes with the guest.</summary>
    internal void Remove(ThreadGroup group)
    {
        if (HasThreadGroups)
            _ = _files.RemoveDirectory(PathOf(group));
    }

    /// <summary>Whether the guest's threads have such a group: those that only a sum is known of have none.</summary>
    public bool Contains(ThreadGroup group) => HasThreadGroups && _files.Exists(PathOf(group));

    /// <exception cref="WherryException">InvalidArg: out of range; SystemError: the kernel refuses.</exception>
    internal void SetShares(ulong shares)
    {
        if (shares is < LeastShares or > MostShares)
            throw new WherryException(ErrorCode.InvalidArg, $"shares '{shares}' must be in range [{LeastShares}, {MostShares}]", ErrorDomain.Cgroup);
        Write(Path, new CgroupWrite(WeightFile, shares.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>The kernel's weight, from 1 to 10,000: libvirt's shares, number for number.</summary>
    public ulong ReadShares()
    {
        var text = Read(Path, WeightFile).TrimEnd();
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var shares)
            ? shares
            : throw new WherryException(ErrorCode.InternalError, $"Unable to parse '{text}' as an integer", ErrorDomain.Cgroup);
    }

    /// <param name="group">null: the guest as a whole.</param>
    /// <param name="bandwidth">What is not given in it stays.</param>
    internal void SetBandwidth(ThreadGroup? group, CpuBandwidth bandwidth)
    {
        var path = PathOf(group);
        var before = bandwidth.IsGiven ? ReadBandwidth(group) : default;
        var written = 0;
        try
        {
            foreach (var write in bandwidth.WritesFrom(before))
            {
                Write(path, write);
                written++;
            }
        }
        catch (WherryException) when (written > 0)
        {
            _ = _files.Write($"{path}/{CpuBandwidth.File}", before.WithPeriod(before.Period).Value);
            throw;
        }
    }

    /// <param name="group">null: the guest as a whole.</param>
    public CpuBandwidth ReadBandwidth(ThreadGroup? group) => CpuBandwidth.Parse(Read(PathOf(group), CpuBandwidth.File));

    internal void SetCpus(ThreadGroup group, string cpus) => Write(PathOf(group), new CgroupWrite(CpusFile, cpus));

    internal void SetNodes(ThreadGroup group, string nodes) => Write(PathOf(group), new CgroupWrite(NodesFile, nodes));

    internal string ReadNodes(ThreadGroup group) => Read(PathOf(group), NodesFile).TrimEnd();

    /// <summary>The host's NUMA nodes that have memory, as a list.</summary>
    internal string HostNodes() => Read("/sys/devices/system/node", "has_memory").TrimEnd();

    /// <param name="limit">As in memtune.</param>
    /// <param name="kib">In KiB.</param>
    /// <remarks>The kernel may take back memory before it returns.</remarks>
    internal void SetMemoryLimit(string limit, ulong kib) => Write(Path, MemoryTuning.Write(limit, kib));

    /// <summary>A limit in KiB. One that the kernel was built without, as for swap, is unlimited.</summary>
    /// <param name="limit">As in memtune.</param>
    public ulong ReadMemoryLimit(string limit)
    {
        var file = MemoryTuning.Limits.First(known => known.Limit == limit).File;
        var text = limit == "swap_hard_limit" ? _files.TryRead($"{Path}/{file}") : Read(Path, file);
        return text is null ? DomainDocument.UnlimitedMemoryKiB : MemoryTuning.ParseKiB(text);
    }

    internal void SetBlkioWeight(uint weight) => Write(Path, BlkioTuning.Weight(BlkioWeightFile(), weight));

    /// <exception cref="WherryException">OperationInvalid: the host's block devices have no weights.</exception>
    public uint ReadBlkioWeight() => BlkioTuning.ParseWeight(Read(Path, BlkioWeightFile()));

    /// <param name="device">Path of a block device of the host.</param>
    /// <param name="field">One of <see cref="BlkioDeviceTuning.Fields"/>.</param>
    /// <param name="value">0: no limit.</param>
    internal void SetBlkioDevice(string device, string field, ulong value)
    {
        if (field == "weight" && !_files.Exists($"{Path}/{BlkioTuning.WeightFile}"))
            throw new WherryException(ErrorCode.OperationInvalid, "blkio device weight is valid only for cfq scheduler", ErrorDomain.Cgroup);
        Write(Path, BlkioTuning.Device(_files.BlockDevice(device), field, value));
    }

    /// <summary>Processor time that the guest has used, with all of QEMU; null when its group is gone.</summary>
    public CgroupCpuTime? ReadCpuTime() => _files.TryRead($"{Path}/{CgroupCpuTime.File}") is { } text ? CgroupCpuTime.Parse(text) : null;

    private bool HasThreadGroups => (Controllers & (CgroupControllers.Cpu | CgroupControllers.CpuSet)) != 0;

    private string PathOf(ThreadGroup? group) => group is { Name: var name } ? $"{Path}/{name}" : Path;

    private string BlkioWeightFile() => ((string[])[BlkioTuning.BfqWeightFile, BlkioTuning.WeightFile]).FirstOrDefault(file => _files.Exists($"{Path}/{file}"))
        ?? throw new WherryException(ErrorCode.OperationInvalid, "blkio weight is valid only for bfq or cfq scheduler", ErrorDomain.Cgroup);

    private string Read(string directory, string file) => _files.TryRead($"{directory}/{file}")
        ?? throw WherryException.FromErrno(CgroupErrno.Missing, $"Unable to read from '{directory}/{file}'", ErrorDomain.Cgroup);

    private void Write(string directory, CgroupWrite write)
    {
        if (_files.Write($"{directory}/{write.File}", write.Value) is var errno and not 0)
            throw WherryException.FromErrno(
                errno,
                errno == CgroupErrno.Invalid ? $"Invalid value '{write.Value}' for '{write.File}'" : $"Unable to write to '{directory}/{write.File}'",
                ErrorDomain.Cgroup);
    }

    private static WherryException Unsupported(string why) => new(ErrorCode.ConfigUnsupported, why, ErrorDomain.Domain);
}
