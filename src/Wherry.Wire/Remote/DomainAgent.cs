using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// What the agent inside the guest is asked to do.

[XdrStruct]
public readonly partial record struct DomainSetUserPasswordArgs(NonnullDomain Dom, string? User, string? Password, uint Flags);

/// <param name="Mountpoints">Empty for all file systems.</param>
[XdrStruct]
public readonly partial record struct DomainFsfreezeArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.DomainFsfreezeMountpoints)] ImmutableArray<string> Mountpoints, uint Flags);

/// <param name="Filesystems">How many were frozen.</param>
[XdrStruct]
public readonly partial record struct DomainFsfreezeRet(int Filesystems);

/// <param name="Mountpoints">Empty for all file systems.</param>
[XdrStruct]
public readonly partial record struct DomainFsthawArgs(
    NonnullDomain Dom, [XdrMax(RemoteLimits.DomainFsfreezeMountpoints)] ImmutableArray<string> Mountpoints, uint Flags);

/// <param name="Filesystems">How many were thawed.</param>
[XdrStruct]
public readonly partial record struct DomainFsthawRet(int Filesystems);

/// <param name="Minimum">Bytes; shorter free ranges may be left alone.</param>
[XdrStruct]
public readonly partial record struct DomainFstrimArgs(NonnullDomain Dom, string? MountPoint, ulong Minimum, uint Flags);

/// <param name="Timeout">Seconds; -2 for ever, -1 the default of 5, 0 do not wait.</param>
[XdrStruct]
public readonly partial record struct DomainAgentSetResponseTimeoutArgs(NonnullDomain Dom, int Timeout, uint Flags);

[XdrStruct]
public readonly partial record struct DomainAgentSetResponseTimeoutRet(int Result);

/// <param name="Cpumap">Virtual CPUs, as a list such as "0-3,8".</param>
/// <param name="State">1 puts them to use in the guest, 0 takes them out of use.</param>
[XdrStruct]
public readonly partial record struct DomainSetGuestVcpusArgs(NonnullDomain Dom, string Cpumap, int State, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetGuestVcpusArgs(NonnullDomain Dom, uint Flags);

/// <param name="Params">vcpus, online and offlinable, each a list such as "0-3,8".</param>
[XdrStruct]
public readonly partial record struct DomainGetGuestVcpusRet([XdrMax(RemoteLimits.DomainGuestVcpuParams)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct DomainAuthorizedSshKeysGetArgs(NonnullDomain Dom, string User, uint Flags);

[XdrStruct]
public readonly partial record struct DomainAuthorizedSshKeysGetRet([XdrMax(RemoteLimits.DomainAuthorizedSshKeys)] ImmutableArray<string> Keys);

/// <param name="Flags">1: besides those that are there; 2: these are taken away.</param>
[XdrStruct]
public readonly partial record struct DomainAuthorizedSshKeysSetArgs(
    NonnullDomain Dom, string User, [XdrMax(RemoteLimits.DomainAuthorizedSshKeys)] ImmutableArray<string> Keys, uint Flags);
