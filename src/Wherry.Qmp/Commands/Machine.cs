using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Wherry.Qmp.Values;

namespace Wherry.Qmp.Commands;

// Machines, CPUs, objects and the schema. QEMU: qapi/machine.json, machine-target.json, qom.json, qdev.json, introspect.json.

public sealed record QueryMachines() : QmpCommand<ImmutableArray<MachineInfo>>("query-machines", MachineJson.Default.ImmutableArrayMachineInfo);

/// <param name="Alias">A second name that moves to the newest version with each QEMU ("q35").</param>
/// <param name="DefaultCpuType">A QOM type name such as "qemu64-x86_64-cpu".</param>
/// <param name="DefaultRamId">What the memory backend must be called, for machines that take one.</param>
public sealed record MachineInfo(
    string Name,
    string? Alias,
    bool? IsDefault,
    int CpuMax,
    bool HotpluggableCpus,
    bool NumaMemSupported,
    bool Deprecated,
    string? DefaultCpuType,
    string? DefaultRamId);

public sealed record QueryCpuDefinitions()
    : QmpCommand<ImmutableArray<CpuDefinitionInfo>>("query-cpu-definitions", MachineJson.Default.ImmutableArrayCpuDefinitionInfo);

/// <param name="UnavailableFeatures">What this host and accelerator lack for it; null when QEMU cannot tell.</param>
public sealed record CpuDefinitionInfo(
    string Name,
    bool? MigrationSafe,
    bool Static,
    ImmutableArray<string>? UnavailableFeatures,
    string Typename,
    string? AliasOf,
    bool Deprecated);

public sealed record QueryCpuModelExpansion(CpuModelExpansionType Type, CpuModelInfo Model)
    : QmpCommand<CpuModelExpansionInfo>(
        "query-cpu-model-expansion", MachineJson.Default.CpuModelExpansionInfo, MachineJson.Default.QueryCpuModelExpansion);

/// <param name="Props">Property values: booleans for features, numbers and text for the others.</param>
public sealed record CpuModelInfo(string Name, ImmutableDictionary<string, JsonElement>? Props = null);

public sealed record CpuModelExpansionInfo(CpuModelInfo Model);

public sealed record QueryCpusFast() : QmpCommand<ImmutableArray<CpuInfoFast>>("query-cpus-fast", MachineJson.Default.ImmutableArrayCpuInfoFast);

/// <param name="ThreadId">The host's thread that runs it.</param>
public sealed record CpuInfoFast(int CpuIndex, string QomPath, int ThreadId, CpuInstanceProperties? Props);

public sealed record CpuInstanceProperties(int? NodeId, int? SocketId, int? DieId, int? CoreId, int? ThreadId);

/// <summary>What this QEMU understands: every command, event and type of the protocol.</summary>
public sealed record QueryQmpSchema() : QmpCommand<ImmutableArray<SchemaInfo>>("query-qmp-schema", MachineJson.Default.ImmutableArraySchemaInfo);

/// <summary>One entity of the schema; which members are there depends on <paramref name="MetaType"/>.</summary>
/// <param name="Name">Of a command or event its name, of a type an arbitrary label.</param>
/// <param name="Values">Of an enum.</param>
/// <param name="Members">Of an object (with <c>name</c>), an alternate (types only) or, since QEMU 7.0, an enum.</param>
public sealed record SchemaInfo(
    string Name,
    string MetaType,
    string? ArgType,
    string? RetType,
    bool? AllowOob,
    string? ElementType,
    ImmutableArray<string>? Values,
    ImmutableArray<SchemaMember>? Members,
    string? Tag,
    ImmutableArray<SchemaVariant>? Variants,
    ImmutableArray<string>? Features);

public sealed record SchemaMember(string? Name, string? Type, ImmutableArray<string>? Features)
{
    /// <summary>Present when the member is optional, as null mostly. An element, since only that can tell null from absent.</summary>
    public JsonElement Default { get; init; }

    [JsonIgnore]
    public bool IsOptional => Default.ValueKind != JsonValueKind.Undefined;
}

public sealed record SchemaVariant(string Case, string Type);

public sealed record QueryTarget() : QmpCommand<TargetInfo>("query-target", MachineJson.Default.TargetInfo);

public sealed record TargetInfo(string Arch);

public sealed record QueryCommandLineOptions() : QmpCommand<ImmutableArray<CommandLineOptionInfo>>(
    "query-command-line-options", MachineJson.Default.ImmutableArrayCommandLineOptionInfo);

public sealed record CommandLineOptionInfo(string Option, ImmutableArray<CommandLineParameterInfo> Parameters);

public sealed record CommandLineParameterInfo(string Name);

public sealed record QomListTypes() : QmpCommand<ImmutableArray<ObjectTypeInfo>>(
    "qom-list-types", MachineJson.Default.ImmutableArrayObjectTypeInfo, MachineJson.Default.QomListTypes)
{
    /// <summary>Only types that derive from this one.</summary>
    public string? Implements { get; init; }

    /// <summary>Also those of which no object can be made.</summary>
    public bool? Abstract { get; init; }
}

public sealed record ObjectTypeInfo(string Name, bool? Abstract, string? Parent);

public sealed record DeviceListProperties(string Typename) : QmpCommand<ImmutableArray<ObjectPropertyInfo>>(
    "device-list-properties", MachineJson.Default.ImmutableArrayObjectPropertyInfo, MachineJson.Default.DeviceListProperties);

public sealed record QomListProperties(string Typename) : QmpCommand<ImmutableArray<ObjectPropertyInfo>>(
    "qom-list-properties", MachineJson.Default.ImmutableArrayObjectPropertyInfo, MachineJson.Default.QomListProperties);

public sealed record QomList(string Path) : QmpCommand<ImmutableArray<ObjectPropertyInfo>>(
    "qom-list", MachineJson.Default.ImmutableArrayObjectPropertyInfo, MachineJson.Default.QomList);

public sealed record ObjectPropertyInfo(string Name, string Type, string? Description);

public sealed record QomGet(string Path, string Property)
    : QmpCommand<JsonElement>("qom-get", MachineJson.Default.JsonElement, MachineJson.Default.QomGet);

/// <summary>A register of a CPUID leaf: an element of an x86 CPU's property <c>feature-words</c> (QAPI X86CPUFeatureWordInfo).</summary>
/// <param name="CpuidInputEax">The leaf.</param>
/// <param name="CpuidInputEcx">The subleaf; null where the leaf has none.</param>
/// <param name="CpuidRegister">"EAX", "EBX", "ECX", "EDX".</param>
public sealed record CpuFeatureWord(uint CpuidInputEax, uint? CpuidInputEcx, string CpuidRegister, ulong Features)
{
    /// <summary>CPUID as the guest finds it, the leaves with features only.</summary>
    public static ImmutableArray<CpuFeatureWord> From(JsonElement property) => property.Deserialize(MachineJson.Default.ImmutableArrayCpuFeatureWord);
}

public sealed record QomSet(string Path, string Property, JsonElement Value)
    : QmpCommand<QmpEmpty>("qom-set", MachineJson.Default.QmpEmpty, MachineJson.Default.QomSet);

public sealed record ObjectAdd(ObjectOptions Options) : QmpCommand<QmpEmpty>("object-add", MachineJson.Default.QmpEmpty, MachineJson.Default.ObjectOptions)
{
    internal override object ArgumentsObject => Options;
}

/// <summary>An object to create: of the many types, the members of tls-creds-x509 and secret, which are those we add to a running QEMU.</summary>
public sealed record ObjectOptions(string QomType, string Id)
{
    /// <summary>tls-creds-x509: the directory with the certificates.</summary>
    public string? Dir { get; init; }

    /// <summary>tls-creds-x509: "server" or "client".</summary>
    public string? Endpoint { get; init; }

    public bool? VerifyPeer { get; init; }

    public string? Passwordid { get; init; }

    /// <summary>secret: where to read it from.</summary>
    public string? File { get; init; }
}

public sealed record ObjectDel(string Id) : QmpCommand<QmpEmpty>("object-del", MachineJson.Default.QmpEmpty, MachineJson.Default.ObjectDel);

/// <summary>Writes the guest's memory as an ELF core file.</summary>
/// <param name="Paging">Through the guest's page tables; false: physical memory.</param>
/// <param name="Protocol"><c>file:PATH</c>, or <c>fd:NAME</c> of a descriptor given by getfd.</param>
public sealed record DumpGuestMemory(bool Paging, string Protocol)
    : QmpCommand<QmpEmpty>("dump-guest-memory", MachineJson.Default.QmpEmpty, MachineJson.Default.DumpGuestMemory)
{
    /// <summary>Answer at once, and go on in the background.</summary>
    public bool? Detach { get; init; }
}

public sealed record QueryDump() : QmpCommand<DumpInfo>("query-dump", MachineJson.Default.DumpInfo);

/// <summary>State of the last dump.</summary>
/// <param name="Completed">Bytes written.</param>
/// <param name="Total">Bytes to write in all; 0 before the first dump.</param>
public sealed record DumpInfo(DumpStatus Status, long Completed, long Total);

/// <param name="Actual">Bytes the guest has.</param>
public sealed record BalloonInfo(long Actual);

public sealed record QueryBalloon() : QmpCommand<BalloonInfo>("query-balloon", MachineJson.Default.BalloonInfo);

public sealed record QueryMemoryDevices() : QmpCommand<ImmutableArray<MemoryDeviceInfo>>(
    "query-memory-devices", MachineJson.Default.ImmutableArrayMemoryDeviceInfo);

/// <param name="Type">"dimm", "nvdimm", "virtio-mem" and others.</param>
public sealed record MemoryDeviceInfo(string Type, MemoryDevicePlace Data);

/// <summary>Of the members of all types those that a dimm has and we read.</summary>
/// <param name="Id">Null for one that was made without.</param>
/// <param name="Addr">Where in the guest's memory it begins; 0 for a type that has none.</param>
public sealed record MemoryDevicePlace(string? Id, long Addr);

/// <param name="Value">Bytes the guest shall have.</param>
public sealed record Balloon(long Value) : QmpCommand<QmpEmpty>("balloon", MachineJson.Default.QmpEmpty, MachineJson.Default.Balloon);

public sealed record QueryIothreads() : QmpCommand<ImmutableArray<IothreadInfo>>("query-iothreads", MachineJson.Default.ImmutableArrayIothreadInfo);

/// <param name="Id">Ours: "iothread" with the number that clients know it by.</param>
/// <param name="PollMaxNs">Longest time it polls before it sleeps, in nanoseconds.</param>
public sealed record IothreadInfo(string Id, int ThreadId, long PollMaxNs, long PollGrow, long PollShrink);

/// <summary>Counters of the accelerator. Since QEMU 7.1; TCG has none.</summary>
/// <param name="Target">"vm" or "vcpu".</param>
public sealed record QueryStats(string Target) : QmpCommand<ImmutableArray<StatsResult>>(
    "query-stats", MachineJson.Default.ImmutableArrayStatsResult, MachineJson.Default.QueryStats)
{
    /// <summary>Null for all.</summary>
    public ImmutableArray<StatsRequest>? Providers { get; init; }
}

/// <param name="Provider">"kvm".</param>
/// <param name="Names">Null for all.</param>
public sealed record StatsRequest(string Provider, ImmutableArray<string>? Names = null);

/// <param name="QomPath">The CPU, for target "vcpu".</param>
public sealed record StatsResult(string Provider, string? QomPath, ImmutableArray<Stats> Stats);

/// <param name="Value">A number, a truth value, or a list of numbers for a histogram.</param>
public sealed record Stats(string Name, JsonElement Value);

public sealed record QueryDirtyRate() : QmpCommand<DirtyRateInfo>("query-dirty-rate", MachineJson.Default.DirtyRateInfo);

/// <param name="DirtyRate">MiB per second; null until measured.</param>
/// <param name="Status">"unstarted", "measuring" or "measured".</param>
/// <param name="StartTime">Seconds, of the host's monotonic clock.</param>
/// <param name="CalcTime">How long it measures, in seconds.</param>
/// <param name="Mode">"page-sampling", "dirty-ring" or "dirty-bitmap".</param>
public sealed record DirtyRateInfo(
    long? DirtyRate, string Status, long StartTime, long CalcTime, string Mode, ImmutableArray<DirtyRateVcpu>? VcpuDirtyRate);

public sealed record DirtyRateVcpu(int Id, long DirtyRate);

public sealed record QueryChardev() : QmpCommand<ImmutableArray<ChardevInfo>>("query-chardev", MachineJson.Default.ImmutableArrayChardevInfo);

/// <param name="Filename">Such as "pty:/dev/pts/3"; how the chosen pty is learned.</param>
public sealed record ChardevInfo(string Label, string Filename, bool FrontendOpen);

public sealed record QueryVnc() : QmpCommand<VncInfo>("query-vnc", MachineJson.Default.VncInfo);

/// <param name="Service">The port, as text.</param>
public sealed record VncInfo(bool Enabled, string? Host, NetworkAddressFamily? Family, string? Service, string? Auth);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpEmpty))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(ImmutableArray<MachineInfo>))]
[JsonSerializable(typeof(ImmutableArray<CpuDefinitionInfo>))]
[JsonSerializable(typeof(QueryCpuModelExpansion))]
[JsonSerializable(typeof(CpuModelExpansionInfo))]
[JsonSerializable(typeof(ImmutableArray<CpuInfoFast>))]
[JsonSerializable(typeof(ImmutableArray<SchemaInfo>))]
[JsonSerializable(typeof(TargetInfo))]
[JsonSerializable(typeof(ImmutableArray<CommandLineOptionInfo>))]
[JsonSerializable(typeof(QomListTypes))]
[JsonSerializable(typeof(ImmutableArray<ObjectTypeInfo>))]
[JsonSerializable(typeof(DeviceListProperties))]
[JsonSerializable(typeof(QomListProperties))]
[JsonSerializable(typeof(QomList))]
[JsonSerializable(typeof(ImmutableArray<ObjectPropertyInfo>))]
[JsonSerializable(typeof(QomGet))]
[JsonSerializable(typeof(ImmutableArray<CpuFeatureWord>))]
[JsonSerializable(typeof(QomSet))]
[JsonSerializable(typeof(ObjectOptions))]
[JsonSerializable(typeof(ObjectDel))]
[JsonSerializable(typeof(DumpGuestMemory))]
[JsonSerializable(typeof(DumpInfo))]
[JsonSerializable(typeof(BalloonInfo))]
[JsonSerializable(typeof(ImmutableArray<MemoryDeviceInfo>))]
[JsonSerializable(typeof(Balloon))]
[JsonSerializable(typeof(ImmutableArray<IothreadInfo>))]
[JsonSerializable(typeof(QueryStats))]
[JsonSerializable(typeof(ImmutableArray<StatsResult>))]
[JsonSerializable(typeof(DirtyRateInfo))]
[JsonSerializable(typeof(ImmutableArray<ChardevInfo>))]
[JsonSerializable(typeof(VncInfo))]
internal sealed partial class MachineJson : JsonSerializerContext;
