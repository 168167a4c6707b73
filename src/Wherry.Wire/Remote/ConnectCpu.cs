using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// CPU models: which there are, and how a description compares with this host.

[XdrStruct]
public readonly partial record struct ConnectGetCpuModelNamesArgs(string Arch, int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectGetCpuModelNamesRet(
    [XdrMax(RemoteLimits.ConnectCpuModels)] ImmutableArray<string> Models,
    int Ret);

[XdrStruct]
public readonly partial record struct ConnectCompareCpuArgs(string Xml, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectCompareCpuRet(int Result);

[XdrStruct]
public readonly partial record struct ConnectCompareHypervisorCpuArgs(
    string? Emulator,
    string? Arch,
    string? Machine,
    string? Virttype,
    string XmlCPU,
    uint Flags);

[XdrStruct]
public readonly partial record struct ConnectCompareHypervisorCpuRet(int Result);

[XdrStruct]
public readonly partial record struct ConnectBaselineCpuArgs(
    [XdrMax(RemoteLimits.CpuBaseline)] ImmutableArray<string> XmlCPUs,
    uint Flags);

[XdrStruct]
public readonly partial record struct ConnectBaselineCpuRet(string Cpu);

[XdrStruct]
public readonly partial record struct ConnectBaselineHypervisorCpuArgs(
    string? Emulator,
    string? Arch,
    string? Machine,
    string? Virttype,
    [XdrMax(RemoteLimits.CpuBaseline)] ImmutableArray<string> XmlCPUs,
    uint Flags);

[XdrStruct]
public readonly partial record struct ConnectBaselineHypervisorCpuRet(string Cpu);
