using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.QemuProgram;

// The qemu program: straight to the monitor and the guest agent, for debugging and for what libvirt has no words for.

/// <param name="Cmd">JSON, or a human monitor line with flag 1.</param>
[XdrStruct]
public readonly partial record struct QemuDomainMonitorCommandArgs(NonnullDomain Dom, string Cmd, uint Flags);

[XdrStruct]
public readonly partial record struct QemuDomainMonitorCommandRet(string Result);

/// <param name="PidValue">Of a QEMU that somebody else started.</param>
[XdrStruct]
public readonly partial record struct QemuDomainAttachArgs(uint PidValue, uint Flags);

[XdrStruct]
public readonly partial record struct QemuDomainAttachRet(NonnullDomain Dom);

/// <param name="Timeout">Seconds; -2 for ever, -1 the default of 5, 0 do not wait.</param>
[XdrStruct]
public readonly partial record struct QemuDomainAgentCommandArgs(
    NonnullDomain Dom,
    string Cmd,
    int Timeout,
    uint Flags);

[XdrStruct]
public readonly partial record struct QemuDomainAgentCommandRet(string? Result);

/// <param name="Dom">Null for all domains.</param>
/// <param name="Event">Name of the event, a pattern with flag 1; null for all.</param>
/// <param name="Flags">1 pattern is a regular expression, 2 ignore case.</param>
[XdrStruct]
public readonly partial record struct QemuConnectDomainMonitorEventRegisterArgs(
    NonnullDomain? Dom,
    string? Event,
    uint Flags);

[XdrStruct]
public readonly partial record struct QemuConnectDomainMonitorEventRegisterRet(int CallbackId);

[XdrStruct]
public readonly partial record struct QemuConnectDomainMonitorEventDeregisterArgs(int CallbackId);

/// <param name="Seconds">QEMU's clock since 1970 UTC.</param>
/// <param name="Details">The event's data as JSON; null if it has none.</param>
[XdrStruct]
public readonly partial record struct QemuDomainMonitorEventMsg(
    int CallbackId,
    NonnullDomain Dom,
    string Event,
    long Seconds,
    uint Micros,
    string? Details);
