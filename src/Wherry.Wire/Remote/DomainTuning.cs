using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Shares and limits of a domain's host resources, each kind as a list of named values. A call that asks for none (Nparams 0) is told how
// many there are.

[XdrStruct]
public readonly partial record struct DomainGetSchedulerParametersArgs(NonnullDomain Dom, int Nparams);

[XdrStruct]
public readonly partial record struct DomainGetSchedulerParametersRet(
    [XdrMax(RemoteLimits.DomainSchedulerParameters)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct DomainGetSchedulerParametersFlagsArgs(NonnullDomain Dom, int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetSchedulerParametersFlagsRet(
    [XdrMax(RemoteLimits.DomainSchedulerParameters)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct DomainSetSchedulerParametersArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.DomainSchedulerParameters)] ImmutableArray<TypedParameter> Params);

/// <param name="Params">cpu_shares; period and quota (microseconds) of vcpu_, emulator_, global_ and iothread_.</param>
[XdrStruct]
public readonly partial record struct DomainSetSchedulerParametersFlagsArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.DomainSchedulerParameters)] ImmutableArray<TypedParameter> Params, uint Flags);

[XdrStruct]
public readonly partial record struct DomainSetBlkioParametersArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.DomainBlkioParameters)] ImmutableArray<TypedParameter> Params, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetBlkioParametersArgs(NonnullDomain Dom, int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetBlkioParametersRet(
    [XdrMax(RemoteLimits.DomainBlkioParameters)] ImmutableArray<TypedParameter> Params, int Nparams);

/// <param name="Params">hard_limit, soft_limit, swap_hard_limit: KiB.</param>
[XdrStruct]
public readonly partial record struct DomainSetMemoryParametersArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.DomainMemoryParameters)] ImmutableArray<TypedParameter> Params, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetMemoryParametersArgs(NonnullDomain Dom, int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetMemoryParametersRet(
    [XdrMax(RemoteLimits.DomainMemoryParameters)] ImmutableArray<TypedParameter> Params, int Nparams);

/// <param name="Params">numa_mode and numa_nodeset.</param>
[XdrStruct]
public readonly partial record struct DomainSetNumaParametersArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.DomainNumaParameters)] ImmutableArray<TypedParameter> Params, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetNumaParametersArgs(NonnullDomain Dom, int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetNumaParametersRet(
    [XdrMax(RemoteLimits.DomainNumaParameters)] ImmutableArray<TypedParameter> Params, int Nparams);

/// <param name="Device">Host device or MAC address.</param>
/// <param name="Params">average and peak (kB/s) and burst (kB) of inbound. and outbound.</param>
[XdrStruct]
public readonly partial record struct DomainSetInterfaceParametersArgs(
    NonnullDomain Dom, string Device, [XdrMax(RemoteLimits.DomainInterfaceParameters)] ImmutableArray<TypedParameter> Params, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetInterfaceParametersArgs(NonnullDomain Dom, string Device, int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetInterfaceParametersRet(
    [XdrMax(RemoteLimits.DomainInterfaceParameters)] ImmutableArray<TypedParameter> Params, int Nparams);

/// <param name="Params">Limits of bytes and operations per second, their bursts, and group_name.</param>
[XdrStruct]
public readonly partial record struct DomainSetBlockIoTuneArgs(
    NonnullDomain Dom, string Disk, [XdrMax(RemoteLimits.DomainBlockIoTuneParameters)] ImmutableArray<TypedParameter> Params, uint Flags);

/// <param name="Disk">May be missing where Nparams is 0.</param>
[XdrStruct]
public readonly partial record struct DomainGetBlockIoTuneArgs(NonnullDomain Dom, string? Disk, int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetBlockIoTuneRet(
    [XdrMax(RemoteLimits.DomainBlockIoTuneParameters)] ImmutableArray<TypedParameter> Params, int Nparams);
