using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Events about a domain for registrations of the callback form (316). CallbackId is the registration's answer.

[XdrStruct]
public readonly partial record struct DomainEventCallbackLifecycleMsg(int CallbackId, DomainEventLifecycleMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackRebootMsg(int CallbackId, DomainEventRebootMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackRtcChangeMsg(int CallbackId, DomainEventRtcChangeMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackWatchdogMsg(int CallbackId, DomainEventWatchdogMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackIoErrorMsg(int CallbackId, DomainEventIoErrorMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackIoErrorReasonMsg(
    int CallbackId,
    DomainEventIoErrorReasonMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackGraphicsMsg(int CallbackId, DomainEventGraphicsMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackBlockJobMsg(int CallbackId, DomainEventBlockJobMsg Msg);

/// <summary>As DomainEventCallbackBlockJobMsg, with the target name (vda) in place of the image's path.</summary>
[XdrStruct]
public readonly partial record struct DomainEventBlockJob2Msg(
    int CallbackId,
    NonnullDomain Dom,
    string Dst,
    int Type,
    int Status);

[XdrStruct]
public readonly partial record struct DomainEventCallbackDiskChangeMsg(int CallbackId, DomainEventDiskChangeMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackTrayChangeMsg(int CallbackId, DomainEventTrayChangeMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackPmwakeupMsg(
    int CallbackId,
    int Reason,
    DomainEventPmwakeupMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackPmsuspendMsg(
    int CallbackId,
    int Reason,
    DomainEventPmsuspendMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackPmsuspendDiskMsg(
    int CallbackId,
    int Reason,
    DomainEventPmsuspendDiskMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackBalloonChangeMsg(
    int CallbackId,
    DomainEventBalloonChangeMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackControlErrorMsg(
    int CallbackId,
    DomainEventControlErrorMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackDeviceRemovedMsg(
    int CallbackId,
    DomainEventDeviceRemovedMsg Msg);

[XdrStruct]
public readonly partial record struct DomainEventCallbackDeviceAddedMsg(
    int CallbackId,
    NonnullDomain Dom,
    string DevAlias);

[XdrStruct]
public readonly partial record struct DomainEventCallbackDeviceRemovalFailedMsg(
    int CallbackId,
    NonnullDomain Dom,
    string DevAlias);

[XdrStruct]
public readonly partial record struct DomainEventCallbackTunableMsg(
    int CallbackId,
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.DomainEventTunable)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct DomainEventCallbackAgentLifecycleMsg(
    int CallbackId,
    NonnullDomain Dom,
    int State,
    int Reason);

/// <param name="Iteration">Passes over the memory so far, counted from 1.</param>
[XdrStruct]
public readonly partial record struct DomainEventCallbackMigrationIterationMsg(
    int CallbackId,
    NonnullDomain Dom,
    int Iteration);

[XdrStruct]
public readonly partial record struct DomainEventCallbackJobCompletedMsg(
    int CallbackId,
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.DomainJobStats)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct DomainEventCallbackMetadataChangeMsg(
    int CallbackId,
    NonnullDomain Dom,
    int Type,
    string? Nsuri);

/// <param name="Threshold">Bytes.</param>
/// <param name="Excess">Bytes past it.</param>
[XdrStruct]
public readonly partial record struct DomainEventBlockThresholdMsg(
    int CallbackId,
    NonnullDomain Dom,
    string Dev,
    string? Path,
    ulong Threshold,
    ulong Excess);

[XdrStruct]
public readonly partial record struct DomainEventMemoryFailureMsg(
    int CallbackId,
    NonnullDomain Dom,
    int Recipient,
    int Action,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainEventMemoryDeviceSizeChangeMsg(
    int CallbackId,
    NonnullDomain Dom,
    string Alias,
    ulong Size);
