using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// What a domain is and does right now.

[XdrStruct]
public readonly partial record struct DomainGetInfoArgs(NonnullDomain Dom);

/// <param name="MaxMem">KiB.</param>
/// <param name="Memory">KiB.</param>
/// <param name="CpuTime">Nanoseconds.</param>
[XdrStruct]
public readonly partial record struct DomainGetInfoRet(
    byte State,
    ulong MaxMem,
    ulong Memory,
    ushort NrVirtCpu,
    ulong CpuTime);

[XdrStruct]
public readonly partial record struct DomainGetStateArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetStateRet(int State, int Reason);

[XdrStruct]
public readonly partial record struct DomainGetControlInfoArgs(NonnullDomain Dom, uint Flags);

/// <param name="StateTime">Milliseconds since the state was entered.</param>
[XdrStruct]
public readonly partial record struct DomainGetControlInfoRet(uint State, uint Details, ulong StateTime);

[XdrStruct]
public readonly partial record struct DomainIsActiveArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainIsActiveRet(int Active);

[XdrStruct]
public readonly partial record struct DomainIsPersistentArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainIsPersistentRet(int Persistent);

[XdrStruct]
public readonly partial record struct DomainIsUpdatedArgs(NonnullDomain Dom);

/// <param name="Updated">1 if the persistent definition differs from what runs.</param>
[XdrStruct]
public readonly partial record struct DomainIsUpdatedRet(int Updated);

[XdrStruct]
public readonly partial record struct DomainGetOsTypeArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainGetOsTypeRet(string Type);

[XdrStruct]
public readonly partial record struct DomainGetMaxMemoryArgs(NonnullDomain Dom);

/// <param name="Memory">KiB.</param>
[XdrStruct]
public readonly partial record struct DomainGetMaxMemoryRet(ulong Memory);

[XdrStruct]
public readonly partial record struct DomainGetMaxVcpusArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainGetMaxVcpusRet(int Num);

[XdrStruct]
public readonly partial record struct DomainGetVcpusFlagsArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetVcpusFlagsRet(int Num);

/// <param name="CpuTime">Nanoseconds.</param>
/// <param name="Cpu">Physical processor, -1 while not running.</param>
[XdrStruct]
public readonly partial record struct VcpuInfo(uint Number, int State, ulong CpuTime, int Cpu);

[XdrStruct]
public readonly partial record struct DomainGetVcpusArgs(NonnullDomain Dom, int Maxinfo, int Maplen);

[XdrStruct]
public readonly partial record struct DomainGetVcpusRet(
    [XdrMax(RemoteLimits.Vcpuinfo)] ImmutableArray<VcpuInfo> Info,
    [XdrMax(RemoteLimits.Cpumaps)] ImmutableArray<byte> Cpumaps);

[XdrStruct]
public readonly partial record struct DomainGetVcpuPinInfoArgs(NonnullDomain Dom, int Ncpumaps, int Maplen, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetVcpuPinInfoRet(
    [XdrMax(RemoteLimits.Cpumaps)] ImmutableArray<byte> Cpumaps,
    int Num);

[XdrStruct]
public readonly partial record struct DomainGetEmulatorPinInfoArgs(NonnullDomain Dom, int Maplen, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetEmulatorPinInfoRet(
    [XdrMax(RemoteLimits.Cpumaps)] ImmutableArray<byte> Cpumaps,
    int Ret);

[XdrStruct]
public readonly partial record struct DomainIothreadInfo(
    uint IothreadId,
    [XdrMax(RemoteLimits.Cpumap)] ImmutableArray<byte> Cpumap);

[XdrStruct]
public readonly partial record struct DomainGetIothreadInfoArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetIothreadInfoRet(
    [XdrMax(RemoteLimits.IothreadInfo)] ImmutableArray<DomainIothreadInfo> Info,
    uint Ret);

[XdrStruct]
public readonly partial record struct DomainGetSecurityLabelArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainGetSecurityLabelRet(
    [XdrChars(RemoteLimits.SecurityLabel)] string Label,
    int Enforcing);

[XdrStruct]
public readonly partial record struct DomainGetSecurityLabelListArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainGetSecurityLabelListRet(
    [XdrMax(RemoteLimits.SecurityLabelList)] ImmutableArray<DomainGetSecurityLabelRet> Labels,
    int Ret);

[XdrStruct]
public readonly partial record struct DomainGetMessagesArgs(NonnullDomain Dom, uint Flags);

/// <param name="Msgs">Deprecations and taints, one sentence each.</param>
[XdrStruct]
public readonly partial record struct DomainGetMessagesRet(
    [XdrMax(RemoteLimits.DomainMessages)] ImmutableArray<string> Msgs);

[XdrStruct]
public readonly partial record struct DomainGetHostnameArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetHostnameRet(string Hostname);

[XdrStruct]
public readonly partial record struct DomainGetTimeArgs(NonnullDomain Dom, uint Flags);

/// <param name="Seconds">Since 1970 UTC.</param>
[XdrStruct]
public readonly partial record struct DomainGetTimeRet(long Seconds, uint Nseconds);

[XdrStruct]
public readonly partial record struct DomainSetTimeArgs(NonnullDomain Dom, long Seconds, uint Nseconds, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetSchedulerTypeArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainGetSchedulerTypeRet(string Type, int Nparams);

[XdrStruct]
public readonly partial record struct DomainFsinfo(
    string Mountpoint,
    string Name,
    string Fstype,
    [XdrMax(RemoteLimits.DomainFsinfoDisks)] ImmutableArray<string> DevAliases);

[XdrStruct]
public readonly partial record struct DomainGetFsinfoArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetFsinfoRet(
    [XdrMax(RemoteLimits.DomainFsinfo)] ImmutableArray<DomainFsinfo> Info,
    uint Ret);

[XdrStruct]
public readonly partial record struct DomainGetGuestInfoArgs(NonnullDomain Dom, uint Types, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetGuestInfoRet(
    [XdrMax(RemoteLimits.DomainGuestInfoParams)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct DomainGetLaunchSecurityInfoArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetLaunchSecurityInfoRet(
    [XdrMax(RemoteLimits.DomainLaunchSecurityInfoParams)] ImmutableArray<TypedParameter> Params);
