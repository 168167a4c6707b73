using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// The host: its processors and memory.

/// <param name="Memory">KiB.</param>
/// <param name="Mhz">0 where unknown.</param>
[XdrStruct]
public readonly partial record struct NodeGetInfoRet(
    [XdrChars(32, Fixed = true)] string Model,
    ulong Memory,
    int Cpus,
    int Mhz,
    int Nodes,
    int Sockets,
    int Cores,
    int Threads);

[XdrStruct]
public readonly partial record struct NodeGetCpuMapArgs(int NeedMap, int NeedOnline, uint Flags);

[XdrStruct]
public readonly partial record struct NodeGetCpuMapRet(
    [XdrMax(RemoteLimits.Cpumap)] ImmutableArray<byte> Cpumap,
    uint Online,
    int Ret);

/// <param name="Value">Nanoseconds, or percent for "utilization".</param>
[XdrStruct]
public readonly partial record struct NodeGetCpuStats(string Field, ulong Value);

[XdrStruct]
public readonly partial record struct NodeGetCpuStatsArgs(int CpuNum, int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct NodeGetCpuStatsRet(
    [XdrMax(RemoteLimits.NodeCpuStats)] ImmutableArray<NodeGetCpuStats> Params,
    int Nparams);

/// <param name="Value">KiB.</param>
[XdrStruct]
public readonly partial record struct NodeGetMemoryStats(string Field, ulong Value);

[XdrStruct]
public readonly partial record struct NodeGetMemoryStatsArgs(int Nparams, int CellNum, uint Flags);

[XdrStruct]
public readonly partial record struct NodeGetMemoryStatsRet(
    [XdrMax(RemoteLimits.NodeMemoryStats)] ImmutableArray<NodeGetMemoryStats> Params,
    int Nparams);

/// <param name="FreeMem">Bytes.</param>
[XdrStruct]
public readonly partial record struct NodeGetFreeMemoryRet(ulong FreeMem);

[XdrStruct]
public readonly partial record struct NodeGetCellsFreeMemoryArgs(int StartCell, int Maxcells);

/// <param name="Cells">Bytes per NUMA cell.</param>
[XdrStruct]
public readonly partial record struct NodeGetCellsFreeMemoryRet(
    [XdrMax(RemoteLimits.NodeCells)] ImmutableArray<ulong> Cells);

[XdrStruct]
public readonly partial record struct NodeGetFreePagesArgs(
    [XdrMax(RemoteLimits.NodeCells)] ImmutableArray<uint> Pages,
    int StartCell,
    uint CellCount,
    uint Flags);

[XdrStruct]
public readonly partial record struct NodeGetFreePagesRet(
    [XdrMax(RemoteLimits.NodeCells)] ImmutableArray<ulong> Counts);

[XdrStruct]
public readonly partial record struct NodeGetSecurityModelRet(
    [XdrChars(RemoteLimits.SecurityModel)] string Model,
    [XdrChars(RemoteLimits.SecurityDoi)] string Doi);

[XdrStruct]
public readonly partial record struct NodeGetMemoryParametersArgs(int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct NodeGetMemoryParametersRet(
    [XdrMax(RemoteLimits.NodeMemoryParameters)] ImmutableArray<TypedParameter> Params,
    int Nparams);

/// <param name="PageSizes">KiB.</param>
[XdrStruct]
public readonly partial record struct NodeAllocPagesArgs(
    [XdrMax(RemoteLimits.NodeCells)] ImmutableArray<uint> PageSizes,
    [XdrMax(RemoteLimits.NodeCells)] ImmutableArray<ulong> PageCounts,
    int StartCell,
    uint CellCount,
    uint Flags);

[XdrStruct]
public readonly partial record struct NodeAllocPagesRet(int Ret);

[XdrStruct]
public readonly partial record struct NodeGetSevInfoArgs(int Nparams, uint Flags);

[XdrStruct]
public readonly partial record struct NodeGetSevInfoRet(
    [XdrMax(RemoteLimits.NodeSevInfo)] ImmutableArray<TypedParameter> Params,
    int Nparams);

/// <param name="Duration">Seconds.</param>
[XdrStruct]
public readonly partial record struct NodeSuspendForDurationArgs(uint Target, ulong Duration, uint Flags);
