using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Events about a domain, in the form without a callback id that clients of the two older registrations get. The callback forms wrap
// them: see DomainCallbackEvents.

/// <param name="Event">VIR_DOMAIN_EVENT_*: 0 defined, 1 undefined, 2 started, 3 suspended, 4 resumed, 5 stopped, 6 shutdown, 7 pmsuspended, 8 crashed.</param>
/// <param name="Detail">Why; its meaning depends on Event.</param>
[XdrStruct]
public readonly partial record struct DomainEventLifecycleMsg(NonnullDomain Dom, int Event, int Detail);

[XdrStruct]
public readonly partial record struct DomainEventRebootMsg(NonnullDomain Dom);

/// <param name="Offset">Seconds from UTC.</param>
[XdrStruct]
public readonly partial record struct DomainEventRtcChangeMsg(NonnullDomain Dom, long Offset);

[XdrStruct]
public readonly partial record struct DomainEventWatchdogMsg(NonnullDomain Dom, int Action);

[XdrStruct]
public readonly partial record struct DomainEventIoErrorMsg(
    NonnullDomain Dom,
    string SrcPath,
    string DevAlias,
    int Action);

[XdrStruct]
public readonly partial record struct DomainEventIoErrorReasonMsg(
    NonnullDomain Dom,
    string SrcPath,
    string DevAlias,
    int Action,
    string Reason);

[XdrStruct]
public readonly partial record struct DomainEventGraphicsAddress(int Family, string Node, string Service);

[XdrStruct]
public readonly partial record struct DomainEventGraphicsIdentity(string Type, string Name);

[XdrStruct]
public readonly partial record struct DomainEventGraphicsMsg(
    NonnullDomain Dom,
    int Phase,
    DomainEventGraphicsAddress Local,
    DomainEventGraphicsAddress Remote,
    string AuthScheme,
    [XdrMax(RemoteLimits.DomainEventGraphicsIdentity)] ImmutableArray<DomainEventGraphicsIdentity> Subject);

[XdrStruct]
public readonly partial record struct DomainEventBlockJobMsg(NonnullDomain Dom, string Path, int Type, int Status);

[XdrStruct]
public readonly partial record struct DomainEventDiskChangeMsg(
    NonnullDomain Dom,
    string? OldSrcPath,
    string? NewSrcPath,
    string DevAlias,
    int Reason);

[XdrStruct]
public readonly partial record struct DomainEventTrayChangeMsg(NonnullDomain Dom, string DevAlias, int Reason);

[XdrStruct]
public readonly partial record struct DomainEventPmwakeupMsg(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainEventPmsuspendMsg(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainEventPmsuspendDiskMsg(NonnullDomain Dom);

/// <param name="Actual">KiB.</param>
[XdrStruct]
public readonly partial record struct DomainEventBalloonChangeMsg(NonnullDomain Dom, ulong Actual);

[XdrStruct]
public readonly partial record struct DomainEventControlErrorMsg(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainEventDeviceRemovedMsg(NonnullDomain Dom, string DevAlias);
