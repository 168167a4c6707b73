using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Counters of a domain and its devices.

[XdrStruct]
public readonly partial record struct ConnectGetAllDomainStatsArgs(
    [XdrMax(RemoteLimits.DomainList)] ImmutableArray<NonnullDomain> Doms,
    uint Stats,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainStatsRecord(
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.ConnectGetAllDomainStats)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct ConnectGetAllDomainStatsRet(
    [XdrMax(RemoteLimits.DomainList)] ImmutableArray<DomainStatsRecord> RetStats);

[XdrStruct]
public readonly partial record struct DomainBlockStatsArgs(NonnullDomain Dom, string Path);

[XdrStruct]
public readonly partial record struct DomainBlockStatsRet(
    long RdReq,
    long RdBytes,
    long WrReq,
    long WrBytes,
    long Errs);

[XdrStruct]
public readonly partial record struct DomainBlockStatsFlagsArgs(
    NonnullDomain Dom,
    string Path,
    int Nparams,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainBlockStatsFlagsRet(
    [XdrMax(RemoteLimits.DomainBlockStatsParameters)] ImmutableArray<TypedParameter> Params,
    int Nparams);

[XdrStruct]
public readonly partial record struct DomainGetBlockInfoArgs(NonnullDomain Dom, string Path, uint Flags);

/// <param name="Allocation">Highest offset written, in bytes.</param>
/// <param name="Capacity">What the guest sees, in bytes.</param>
/// <param name="Physical">Size of the container, in bytes.</param>
[XdrStruct]
public readonly partial record struct DomainGetBlockInfoRet(ulong Allocation, ulong Capacity, ulong Physical);

[XdrStruct]
public readonly partial record struct DomainInterfaceStatsArgs(NonnullDomain Dom, string Device);

[XdrStruct]
public readonly partial record struct DomainInterfaceStatsRet(
    long RxBytes,
    long RxPackets,
    long RxErrs,
    long RxDrop,
    long TxBytes,
    long TxPackets,
    long TxErrs,
    long TxDrop);

/// <param name="Val">KiB, or a count for fault tags.</param>
[XdrStruct]
public readonly partial record struct DomainMemoryStat(int Tag, ulong Val);

[XdrStruct]
public readonly partial record struct DomainMemoryStatsArgs(NonnullDomain Dom, uint MaxStats, uint Flags);

[XdrStruct]
public readonly partial record struct DomainMemoryStatsRet(
    [XdrMax(RemoteLimits.DomainMemoryStats)] ImmutableArray<DomainMemoryStat> Stats);

[XdrStruct]
public readonly partial record struct DomainGetCpuStatsArgs(
    NonnullDomain Dom,
    uint Nparams,
    int StartCpu,
    uint Ncpus,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetCpuStatsRet(
    [XdrMax(RemoteLimits.DomainGetCpuStats)] ImmutableArray<TypedParameter> Params,
    int Nparams);

[XdrStruct]
public readonly partial record struct DomainDiskError(string Disk, int Error);

[XdrStruct]
public readonly partial record struct DomainGetDiskErrorsArgs(NonnullDomain Dom, uint Maxerrors, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetDiskErrorsRet(
    [XdrMax(RemoteLimits.DomainDiskErrors)] ImmutableArray<DomainDiskError> Errors,
    int Nerrors);

[XdrStruct]
public readonly partial record struct DomainGetBlockJobInfoArgs(NonnullDomain Dom, string Path, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetBlockJobInfoRet(
    int Found,
    int Type,
    ulong Bandwidth,
    ulong Cur,
    ulong End);

[XdrStruct]
public readonly partial record struct DomainInterfaceAddressesArgs(NonnullDomain Dom, uint Source, uint Flags);

[XdrStruct]
public readonly partial record struct DomainIpAddr(int Type, string Addr, uint Prefix);

[XdrStruct]
public readonly partial record struct DomainInterface(
    string Name,
    string? Hwaddr,
    [XdrMax(RemoteLimits.DomainIpAddr)] ImmutableArray<DomainIpAddr> Addrs);

[XdrStruct]
public readonly partial record struct DomainInterfaceAddressesRet(
    [XdrMax(RemoteLimits.DomainInterface)] ImmutableArray<DomainInterface> Ifaces);

[XdrStruct]
public readonly partial record struct DomainSetMemoryStatsPeriodArgs(NonnullDomain Dom, int Period, uint Flags);

/// <param name="Flags">How: 0 some pages, 1 dirty bitmap, 2 dirty ring.</param>
[XdrStruct]
public readonly partial record struct DomainStartDirtyRateCalcArgs(NonnullDomain Dom, int Seconds, uint Flags);
