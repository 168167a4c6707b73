using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Virtual CPUs one by one, I/O threads, and where all of them may run. A cpumap's bit n%8 of byte n/8 is host CPU n.

/// <param name="Cpumap">Virtual CPUs, as a list such as "0-3,8".</param>
/// <param name="State">1 plugs them, 0 takes them out.</param>
[XdrStruct]
public readonly partial record struct DomainSetVcpuArgs(NonnullDomain Dom, string Cpumap, int State, uint Flags);

[XdrStruct]
public readonly partial record struct DomainPinVcpuArgs(
    NonnullDomain Dom, uint Vcpu, [XdrMax(RemoteLimits.Cpumap)] ImmutableArray<byte> Cpumap);

[XdrStruct]
public readonly partial record struct DomainPinVcpuFlagsArgs(
    NonnullDomain Dom, uint Vcpu, [XdrMax(RemoteLimits.Cpumap)] ImmutableArray<byte> Cpumap, uint Flags);

[XdrStruct]
public readonly partial record struct DomainPinEmulatorArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.Cpumap)] ImmutableArray<byte> Cpumap, uint Flags);

[XdrStruct]
public readonly partial record struct DomainPinIothreadArgs(
    NonnullDomain Dom, uint IothreadsId, [XdrMax(RemoteLimits.Cpumap)] ImmutableArray<byte> Cpumap, uint Flags);

[XdrStruct]
public readonly partial record struct DomainAddIothreadArgs(NonnullDomain Dom, uint IothreadId, uint Flags);

[XdrStruct]
public readonly partial record struct DomainDelIothreadArgs(NonnullDomain Dom, uint IothreadId, uint Flags);

/// <param name="Params">poll_max_ns, poll_grow, poll_shrink, thread_pool_min, thread_pool_max.</param>
[XdrStruct]
public readonly partial record struct DomainSetIothreadParamsArgs(
    NonnullDomain Dom, uint IothreadId, [XdrMax(RemoteLimits.DomainIothreadParams)] ImmutableArray<TypedParameter> Params, uint Flags);
