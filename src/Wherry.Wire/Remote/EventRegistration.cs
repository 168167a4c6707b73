using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// How a client subscribes to domain events. Three generations, all still in use:
//
//   105/106  lifecycle only, without a callback id                    -> events 107
//   167/168  one kind of event, all domains                           -> events 107, 169...
//   316/317  one kind, one domain or all, answered by a callback id   -> events 318 and up, which carry that id

[XdrStruct]
public readonly partial record struct ConnectDomainEventRegisterRet(int CbRegistered);

[XdrStruct]
public readonly partial record struct ConnectDomainEventDeregisterRet(int CbRegistered);

[XdrStruct]
public readonly partial record struct ConnectDomainEventRegisterAnyArgs(int EventId);

[XdrStruct]
public readonly partial record struct ConnectDomainEventDeregisterAnyArgs(int EventId);

/// <param name="EventId">VIR_DOMAIN_EVENT_ID_*: 0 lifecycle, 1 reboot ...</param>
/// <param name="Dom">Null for all domains.</param>
[XdrStruct]
public readonly partial record struct ConnectDomainEventCallbackRegisterAnyArgs(int EventId, NonnullDomain? Dom);

[XdrStruct]
public readonly partial record struct ConnectDomainEventCallbackRegisterAnyRet(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectDomainEventCallbackDeregisterAnyArgs(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectNetworkEventRegisterAnyArgs(int EventId, NonnullNetwork? Net);

[XdrStruct]
public readonly partial record struct ConnectNetworkEventRegisterAnyRet(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectNetworkEventDeregisterAnyArgs(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectStoragePoolEventRegisterAnyArgs(int EventId, NonnullStoragePool? Pool);

[XdrStruct]
public readonly partial record struct ConnectStoragePoolEventRegisterAnyRet(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectStoragePoolEventDeregisterAnyArgs(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectNodeDeviceEventRegisterAnyArgs(int EventId, NonnullNodeDevice? Dev);

[XdrStruct]
public readonly partial record struct ConnectNodeDeviceEventRegisterAnyRet(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectNodeDeviceEventDeregisterAnyArgs(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectSecretEventRegisterAnyArgs(int EventId, NonnullSecret? Secret);

[XdrStruct]
public readonly partial record struct ConnectSecretEventRegisterAnyRet(int CallbackId);

[XdrStruct]
public readonly partial record struct ConnectSecretEventDeregisterAnyArgs(int CallbackId);
