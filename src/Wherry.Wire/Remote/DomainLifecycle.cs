using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Start to end of a domain. Calls that return nothing have no Ret here.

[XdrStruct]
public readonly partial record struct DomainCreateXmlArgs(string XmlDesc, uint Flags);

[XdrStruct]
public readonly partial record struct DomainCreateXmlRet(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainCreateArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainCreateWithFlagsArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainCreateWithFlagsRet(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainSuspendArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainResumeArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainShutdownArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainShutdownFlagsArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainRebootArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainResetArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainDestroyArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainDestroyFlagsArgs(NonnullDomain Dom, uint Flags);

/// <param name="Duration">Seconds; QEMU supports only 0, until woken.</param>
[XdrStruct]
public readonly partial record struct DomainPmSuspendForDurationArgs(
    NonnullDomain Dom,
    uint Target,
    ulong Duration,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainPmWakeupArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainInjectNmiArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainSendKeyArgs(
    NonnullDomain Dom,
    uint Codeset,
    uint Holdtime,
    [XdrMax(RemoteLimits.DomainSendKey)] ImmutableArray<uint> Keycodes,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainCoreDumpWithFormatArgs(
    NonnullDomain Dom,
    string To,
    uint Dumpformat,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainSetLifecycleActionArgs(
    NonnullDomain Dom,
    uint Type,
    uint Action,
    uint Flags);
