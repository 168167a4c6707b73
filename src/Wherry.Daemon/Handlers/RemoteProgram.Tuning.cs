using System.Collections.Immutable;
using System.Globalization;
using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// Shares and limits of the host's processors, memory, disks and NUMA nodes: virsh schedinfo, memtune, blkiotune, numatune. What control groups
// would do for a running guest is refused as libvirt refuses it where there are none.
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
        var snapshot = Domain(call, args.Dom).Snapshot;
        CheckSystemMode(ErrorCode.OperationUnsupported, "CPU tuning");
        if (snapshot.IsActive)
            throw WithoutCgroup("cgroup CPU controller is not mounted");
        return new(new DomainGetSchedulerTypeRet("posix", SchedulerFields.Length));
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
        var snapshot = ReadTuning(call, args.Dom, args.Nparams, args.Flags, "virDomainGetMemoryParameters", "qemuDomainGetMemoryParameters", RemoteLimits.DomainMemoryParameters);
        CheckSystemMode(ErrorCode.OperationUnsupported, "Memory tuning");
        var definition = Affect(args.Flags).Of(snapshot);
        if (args.Nparams == 0)
            return new(new DomainGetMemoryParametersRet([], MemoryLimits.Length));
        if (definition == snapshot.Live)
            throw WithoutCgroup("cgroup memory controller is not mounted");
        return new(new DomainGetMemoryParametersRet(
            [.. MemoryLimits.Select(limit => TypedParameter.ULLong(limit, definition.Document.MemoryLimitKiB(limit))).Take(args.Nparams)], 0));
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
        var snapshot = ReadTuning(call, args.Dom, args.Nparams, args.Flags, "virDomainGetBlkioParameters", "qemuDomainGetBlkioParameters", RemoteLimits.DomainBlkioParameters);
        CheckSystemMode(ErrorCode.ConfigUnsupported, "Block I/O tuning");
        if (args.Nparams == 0)
            return new(new DomainGetBlkioParametersRet([], BlkioTypes.Count));
        var definition = Affect(args.Flags).Of(snapshot);
        if (definition == snapshot.Live)
            throw WithoutCgroup("blkio cgroup isn't mounted");
        var devices = definition.Document.BlkioDevices;
        var values = BlkioDeviceLimits
            .Select(limit => TypedParameter.String("device_" + limit, string.Join(
                ',', devices.Where(device => device.Limits.GetValueOrDefault(limit) != 0).Select(device => $"{device.Path},{Decimal(device.Limits[limit])}"))))
            .Prepend(TypedParameter.UInt("weight", definition.Document.BlkioWeight));
        return new(new DomainGetBlkioParametersRet([.. Readable(values.Take(args.Nparams), args.Flags)], 0));
    }

    [Procedure(RemoteProcedure.DomainSetBlkioParameters)]
    private async ValueTask DomainSetBlkioParameters(ServerCall call, DomainSetBlkioParametersArgs args, CancellationToken ct)
    {
        CheckTuning(args.Params, args.Flags, "virDomainSetBlkioParameters", "qemuDomainSetBlkioParameters", BlkioTypes);
        var domain = Domain(call, args.Dom);
        CheckSystemMode(ErrorCode.ConfigUnsupported, "Block I/O tuning");
        WherryException? wrong = null;
        await Driver.SetBlkioAsync(domain, Change, Affect(args.Flags), Owner("DomainSetBlkioParameters"), ct);
        // As in libvirt what is right has been kept.
        if (wrong is not null)
            throw wrong;

        (uint, IReadOnlyList<BlkioDeviceTuning>) Change(uint weight, IReadOnlyList<BlkioDeviceTuning> devices)
        {
            foreach (var (field, value) in args.Params)
            {
                try
                {
                    if (value.AsUInt is { } given)
                        weight = given;
                    else
                        devices = BlkioDeviceText.Merge(devices, field, value.AsString!); // the types have been checked
                }
                catch (WherryException e)
                {
                    wrong = e;
                }
            }

            return (weight, devices);
        }
    }

    [Procedure(RemoteProcedure.DomainGetNumaParameters)]
    private ValueTask<DomainGetNumaParametersRet> DomainGetNumaParameters(ServerCall call, DomainGetNumaParametersArgs args, CancellationToken ct)
    {
        var snapshot = ReadTuning(call, args.Dom, args.Nparams, args.Flags, "virDomainGetNumaParameters", "qemuDomainGetNumaParameters", RemoteLimits.DomainNumaParameters);
        var tuning = Affect(args.Flags).Of(snapshot).Document.NumaTuning;
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
        var snapshot = ReadTuning(call, dom, count, flags, function, "qemuDomainGetSchedulerParametersFlags", RemoteLimits.DomainSchedulerParameters);
        CheckSystemMode(ErrorCode.ConfigUnsupported, "CPU tuning");
        var definition = Affect(flags).Of(snapshot);
        if (definition == snapshot.Live)
            throw WithoutCgroup("cgroup CPU controller is not mounted");
        return
        [
            .. SchedulerFields.Take(count).Select(field => field.Type == TypedParameterType.LLong
                ? TypedParameter.LLong(field.Parameter, definition.Document.CpuTuning(field.Element))
                : TypedParameter.ULLong(field.Parameter, (ulong)definition.Document.CpuTuning(field.Element))),
        ];
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
    private DomainSnapshot ReadTuning(ServerCall call, NonnullDomain dom, int count, uint flags, string function, string driverFunction, int most)
    {
        if (count > most)
            throw new WherryException(ErrorCode.InternalError, "nparams too large", ErrorDomain.Rpc);
        CheckArgument(count >= 0, "nparams", function, "must be greater than or equal to zero");
        if (Has(flags, AffectLive) && Has(flags, AffectConfig))
            throw Combination("Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
        CheckFlags(flags, AffectLive | AffectConfig | TextParameters, driverFunction);
        return Domain(call, dom).Snapshot;
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

    private static WherryException WithoutCgroup(string text) => new(ErrorCode.OperationInvalid, text);

    private static string Decimal<T>(T number)
        where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);
}
