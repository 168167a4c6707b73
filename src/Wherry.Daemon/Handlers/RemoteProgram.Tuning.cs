using System.Collections.Immutable;
using System.Globalization;
using Wherry.Errors;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// Shares and limits of the host's processors, memory, disks and NUMA nodes: virsh schedinfo, memtune, blkiotune, numatune. A running guest's are
// what the kernel says of its control group; one without a group is refused as libvirt refuses it.
internal sealed partial class RemoteProgram
{
    private static readonly ImmutableArray<(string Parameter, string Element, TypedParameterType Type)> SchedulerFields =
    [
        ("cpu_shares", "shares", TypedParameterType.ULLong),
        ("vcpu_period", "period", TypedParameterType.ULLong),
        ("vcpu_quota", "quota", TypedParameterType.LLong),
        ("emulator_period", "emulator_period", TypedParameterType.ULLong),
        ("emulator_quota", "emulator_quota", TypedParameterType.LLong),
        ("global_period", "global_period", TypedParameterType.ULLong),
        ("global_quota", "global_quota", TypedParameterType.LLong),
        ("iothread_period", "iothread_period", TypedParameterType.ULLong),
        ("iothread_quota", "iothread_quota", TypedParameterType.LLong),
    ];

    private static readonly Dictionary<string, TypedParameterType> SchedulerTypes = SchedulerFields.ToDictionary(field => field.Parameter, field => field.Type);

    private const string NoCpuController = "cgroup CPU controller is not mounted";

    private static readonly ImmutableArray<string> MemoryLimits = ["hard_limit", "soft_limit", "swap_hard_limit"];

    private static readonly Dictionary<string, TypedParameterType> MemoryTypes = MemoryLimits.ToDictionary(limit => limit, _ => TypedParameterType.ULLong);

    private static readonly ImmutableArray<string> BlkioDeviceLimits = ["weight", "read_iops_sec", "write_iops_sec", "read_bytes_sec", "write_bytes_sec"];

    private static readonly Dictionary<string, TypedParameterType> BlkioTypes = BlkioDeviceLimits
        .ToDictionary(limit => "device_" + limit, _ => TypedParameterType.String).Append(KeyValuePair.Create("weight", TypedParameterType.UInt)).ToDictionary();

    private static readonly Dictionary<string, TypedParameterType> NumaTypes = new()
    {
        ["numa_mode"] = TypedParameterType.Int,
        ["numa_nodeset"] = TypedParameterType.String,
    };

    [Procedure(RemoteProcedure.DomainGetSchedulerType)]
    private ValueTask<DomainGetSchedulerTypeRet> DomainGetSchedulerType(ServerCall call, DomainGetSchedulerTypeArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        CheckSystemMode(ErrorCode.OperationUnsupported, "CPU tuning");
        var hasLimits = !domain.Snapshot.IsActive || Cgroup(domain, CgroupControllers.Cpu, NoCpuController).CanLimitCpu;
        return new(new DomainGetSchedulerTypeRet("posix", hasLimits ? SchedulerFields.Length : 1));
    }

    [Procedure(RemoteProcedure.DomainGetSchedulerParameters)]
    private ValueTask<DomainGetSchedulerParametersRet> DomainGetSchedulerParameters(
        ServerCall call, DomainGetSchedulerParametersArgs args, CancellationToken ct) =>
        new(new DomainGetSchedulerParametersRet(GetScheduler(call, args.Dom, args.Nparams, "virDomainGetSchedulerParameters", flags: 0)));

    [Procedure(RemoteProcedure.DomainGetSchedulerParametersFlags)]
    private ValueTask<DomainGetSchedulerParametersFlagsRet> DomainGetSchedulerParametersFlags(
        ServerCall call, DomainGetSchedulerParametersFlagsArgs args, CancellationToken ct) =>
        new(new DomainGetSchedulerParametersFlagsRet(GetScheduler(call, args.Dom, args.Nparams, "virDomainGetSchedulerParametersFlags", args.Flags)));

    [Procedure(RemoteProcedure.DomainSetSchedulerParameters)]
    private ValueTask DomainSetSchedulerParameters(ServerCall call, DomainSetSchedulerParametersArgs args, CancellationToken ct) =>
        SetSchedulerAsync(call, args.Dom, args.Params, flags: 0, "virDomainSetSchedulerParameters", Owner("DomainSetSchedulerParameters"), ct);

    [Procedure(RemoteProcedure.DomainSetSchedulerParametersFlags)]
    private ValueTask DomainSetSchedulerParametersFlags(ServerCall call, DomainSetSchedulerParametersFlagsArgs args, CancellationToken ct) =>
        SetSchedulerAsync(call, args.Dom, args.Params, args.Flags, "virDomainSetSchedulerParametersFlags", Owner("DomainSetSchedulerParametersFlags"), ct);

    [Procedure(RemoteProcedure.DomainGetMemoryParameters)]
    private ValueTask<DomainGetMemoryParametersRet> DomainGetMemoryParameters(ServerCall call, DomainGetMemoryParametersArgs args, CancellationToken ct)
    {
        var domain = ReadTuning(call, args.Dom, args.Nparams, args.Flags, "virDomainGetMemoryParameters", "qemuDomainGetMemoryParameters", RemoteLimits.DomainMemoryParameters);
        CheckSystemMode(ErrorCode.OperationUnsupported, "Memory tuning");
        var snapshot = domain.Snapshot;
        var definition = Affect(args.Flags).Of(snapshot);
        if (args.Nparams == 0)
            return new(new DomainGetMemoryParametersRet([], MemoryLimits.Length));
        Func<string, ulong> limitOf = definition == snapshot.Live
            ? Cgroup(domain, CgroupControllers.Memory, "cgroup memory controller is not mounted").ReadMemoryLimit
            : definition.Document.MemoryLimitKiB;
        return new(new DomainGetMemoryParametersRet([.. MemoryLimits.Select(limit => TypedParameter.ULLong(limit, limitOf(limit))).Take(args.Nparams)], 0));
    }

    [Procedure(RemoteProcedure.DomainSetMemoryParameters)]
    private async ValueTask DomainSetMemoryParameters(ServerCall call, DomainSetMemoryParametersArgs args, CancellationToken ct)
    {
        CheckTuning(args.Params, args.Flags, "virDomainSetMemoryParameters", "qemuDomainSetMemoryParameters", MemoryTypes);
        var domain = Domain(call, args.Dom);
        CheckSystemMode(ErrorCode.OperationUnsupported, "Memory tuning");
        await Driver.SetMemoryLimitsAsync(
            domain, args.Params.ToDictionary(limit => limit.Field, limit => limit.Value.AsULLong ?? 0), Affect(args.Flags), Owner("DomainSetMemoryParameters"), ct);
    }

    [Procedure(RemoteProcedure.DomainGetBlkioParameters)]
    private ValueTask<DomainGetBlkioParametersRet> DomainGetBlkioParameters(ServerCall call, DomainGetBlkioParametersArgs args, CancellationToken ct)
    {
        var domain = ReadTuning(call, args.Dom, args.Nparams, args.Flags, "virDomainGetBlkioParameters", "qemuDomainGetBlkioParameters", RemoteLimits.DomainBlkioParameters);
        CheckSystemMode(ErrorCode.ConfigUnsupported, "Block I/O tuning");
        if (args.Nparams == 0)
            return new(new DomainGetBlkioParametersRet([], BlkioTypes.Count));
        var snapshot = domain.Snapshot;
        var definition = Affect(args.Flags).Of(snapshot);
        var weight = definition == snapshot.Live
            ? Cgroup(domain, CgroupControllers.Io, "blkio cgroup isn't mounted").ReadBlkioWeight()
            : definition.Document.BlkioWeight;
        var devices = definition.Document.BlkioDevices;
        var values = BlkioDeviceLimits
            .Select(limit => TypedParameter.String("device_" + limit, string.Join(
                ',', devices.Where(device => device.Limits.GetValueOrDefault(limit) != 0).Select(device => $"{device.Path},{Decimal(device.Limits[limit])}"))))
            .Prepend(TypedParameter.UInt("weight", weight));
        return new(new DomainGetBlkioParametersRet([.. Readable(values.Take(args.Nparams), args.Flags)], 0));
    }

    [Procedure(RemoteProcedure.DomainSetBlkioParameters)]
    private async ValueTask DomainSetBlkioParameters(ServerCall call, DomainSetBlkioParametersArgs args, CancellationToken ct)
    {
        CheckTuning(args.Params, args.Flags, "virDomainSetBlkioParameters", "qemuDomainSetBlkioParameters", BlkioTypes);
        var domain = Domain(call, args.Dom);
        CheckSystemMode(ErrorCode.ConfigUnsupported, "Block I/O tuning");
        await Driver.SetBlkioAsync(
            domain,
            [.. args.Params.Select(one => one.Value.AsUInt is { } weight
                ? (BlkioChange)new BlkioChange.Weight(weight)
                : new BlkioChange.Devices(one.Field, one.Value.AsString!))], // ! : the types have been checked
            Affect(args.Flags),
            Owner("DomainSetBlkioParameters"),
            ct);
    }

    [Procedure(RemoteProcedure.DomainGetNumaParameters)]
    private ValueTask<DomainGetNumaParametersRet> DomainGetNumaParameters(ServerCall call, DomainGetNumaParametersArgs args, CancellationToken ct)
    {
        var domain = ReadTuning(call, args.Dom, args.Nparams, args.Flags, "virDomainGetNumaParameters", "qemuDomainGetNumaParameters", RemoteLimits.DomainNumaParameters);
        var tuning = Affect(args.Flags).Of(domain.Snapshot).Document.NumaTuning;
        if (args.Nparams == 0)
            return new(new DomainGetNumaParametersRet([], NumaTypes.Count));
        TypedParameter[] values =
        [
            TypedParameter.Int("numa_mode", tuning is null ? 0 : NumaTuning.Modes.IndexOf(tuning.Mode)),
            TypedParameter.String("numa_nodeset", tuning is null ? "" : CpuList.Write(tuning.Nodes)),
        ];
        return new(new DomainGetNumaParametersRet([.. Readable(values.Take(args.Nparams), args.Flags)], 0));
    }

    [Procedure(RemoteProcedure.DomainSetNumaParameters)]
    private async ValueTask DomainSetNumaParameters(ServerCall call, DomainSetNumaParametersArgs args, CancellationToken ct)
    {
        CheckTuning(args.Params, args.Flags, "virDomainSetNumaParameters", "qemuDomainSetNumaParameters", NumaTypes);
        var domain = Domain(call, args.Dom);
        var (mode, nodes) = ((string?)null, (ImmutableSortedSet<int>?)null);
        foreach (var (_, value) in args.Params)
        {
            if (value.AsInt is { } number)
            {
                mode = number >= 0 && number < NumaTuning.Modes.Length
                    ? NumaTuning.Modes[number]
                    : throw new WherryException(ErrorCode.InvalidArg, $"unsupported numatune mode: '{Decimal(number)}'");
            }
            else if (value.AsString is { } text)
            {
                nodes = CpuList.Parse(text);
                if (nodes.IsEmpty)
                    throw new WherryException(ErrorCode.OperationInvalid, $"Invalid nodeset of 'numatune': {text}");
            }
        }

        var affect = Affect(args.Flags);
        if (domain.Snapshot.IsActive && (affect.Live || !affect.Config))
            CheckSystemMode(ErrorCode.OperationUnsupported, "NUMA tuning");
        await Driver.SetNumaAsync(domain, mode, nodes, affect, Owner("DomainSetNumaParameters"), ct);
    }

    private ImmutableArray<TypedParameter> GetScheduler(ServerCall call, NonnullDomain dom, int count, string function, uint flags)
    {
        var domain = ReadTuning(call, dom, count, flags, function, "qemuDomainGetSchedulerParametersFlags", RemoteLimits.DomainSchedulerParameters);
        CheckSystemMode(ErrorCode.ConfigUnsupported, "CPU tuning");
        var snapshot = domain.Snapshot;
        var definition = Affect(flags).Of(snapshot);
        var values = definition == snapshot.Live
            ? LiveSchedule(Cgroup(domain, CgroupControllers.Cpu, NoCpuController), definition.Spec)
            : SchedulerFields.Select(field => definition.Document.CpuTuning(field.Element));
        return
        [
            .. SchedulerFields.Take(count).Zip(values, (field, value) => field.Type == TypedParameterType.LLong
                ? TypedParameter.LLong(field.Parameter, value)
                : TypedParameter.ULLong(field.Parameter, (ulong)value)),
        ];
    }

    /// <summary>The values of <see cref="SchedulerFields"/>; only the first where the kernel cannot limit processor time. Each is asked when it is wanted.</summary>
    private static IEnumerable<long> LiveSchedule(DomainCgroup cgroup, DomainSpec spec)
    {
        yield return (long)cgroup.ReadShares();
        if (!cgroup.CanLimitCpu)
            yield break;
        var first = ThreadGroup.Vcpu(0); // they are all alike
        var vcpus = cgroup.Contains(first) ? cgroup.ReadBandwidth(first) : Shared();
        yield return (long)vcpus.Period;
        yield return vcpus.Quota;
        var emulator = cgroup.ReadBandwidth(ThreadGroup.Emulator);
        yield return (long)emulator.Period;
        yield return emulator.Quota;
        var global = cgroup.ReadBandwidth(group: null);
        yield return (long)global.Period;
        yield return global.Quota;
        var threads = cgroup.ReadBandwidth(spec.IoThreads.IsEmpty ? null : ThreadGroup.IoThread(spec.IoThreads[0].Id));
        yield return (long)threads.Period;
        yield return threads.Quota;

        // Virtual CPUs without groups of their own have equal parts of the whole.
        CpuBandwidth Shared()
        {
            var whole = cgroup.ReadBandwidth(group: null);
            return whole with { Quota = whole.Quota / Math.Max(1, spec.Vcpu.Current) };
        }
    }

    private async ValueTask SetSchedulerAsync(
        ServerCall call, NonnullDomain dom, ImmutableArray<TypedParameter> given, uint flags, string function, string owner, CancellationToken ct)
    {
        CheckTuning(given, flags, function, "qemuDomainSetSchedulerParametersFlags", SchedulerTypes);
        var domain = Domain(call, dom);
        CheckSystemMode(ErrorCode.ConfigUnsupported, "CPU tuning");
        // Beyond what a signed number holds a period is out of range anyway.
        await Driver.SetSchedulerAsync(
            domain,
            [.. given.Select(one => (
                one.Field,
                SchedulerFields.First(field => field.Parameter == one.Field).Element,
                one.Value.AsLLong ?? (long)Math.Min(one.Value.AsULLong ?? 0, long.MaxValue)))],
            Affect(flags),
            owner,
            ct);
    }

    /// <summary>What every call that reads such values looks at first.</summary>
    private Domain ReadTuning(ServerCall call, NonnullDomain dom, int count, uint flags, string function, string driverFunction, int most)
    {
        if (count > most)
            throw new WherryException(ErrorCode.InternalError, "nparams too large", ErrorDomain.Rpc);
        CheckArgument(count >= 0, "nparams", function, "must be greater than or equal to zero");
        if (Has(flags, AffectLive) && Has(flags, AffectConfig))
            throw Combination("Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
        CheckFlags(flags, AffectLive | AffectConfig | TextParameters, driverFunction);
        return Domain(call, dom);
    }

    /// <summary>What every call that sets such values looks at first.</summary>
    private static void CheckTuning(
        ImmutableArray<TypedParameter> given, uint flags, string function, string driverFunction, IReadOnlyDictionary<string, TypedParameterType> known)
    {
        CheckArgument(!given.IsEmpty, "params", function, "must not be NULL");
        CheckFlags(flags, AffectLive | AffectConfig, driverFunction);
        TypedParameterRules.Check(given, known);
    }

    private void CheckSystemMode(ErrorCode code, string what)
    {
        if (!context.Options.IsPrivileged)
            throw new WherryException(code, $"{what} is not available in session mode");
    }

    /// <summary>Texts only for a client that can read them.</summary>
    private static IEnumerable<TypedParameter> Readable(IEnumerable<TypedParameter> values, uint flags) =>
        values.Where(value => Has(flags, TextParameters) || value.Value.Type != TypedParameterType.String);

    /// <summary>The control group of a running domain.</summary>
    /// <param name="why">Told when it has none, or none with this controller.</param>
    private static DomainCgroup Cgroup(Domain domain, CgroupControllers controller, string why) =>
        domain.Qemu?.Cgroup is { } cgroup && cgroup.Has(controller) ? cgroup : throw new WherryException(ErrorCode.OperationInvalid, why);

    private static string Decimal<T>(T number)
        where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);
}
