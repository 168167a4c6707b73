using Wherry.Daemon.Events;
using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// Networks, interfaces, host devices, filters and secrets: this daemon has none, and says so in the words of the drivers that
// would. virt-manager and virt-install ask for all of them before they do anything else.
internal sealed partial class RemoteProgram
{
    private const uint NetworkFilters = (1 << 6) - 1, InterfaceFilters = 3, SecretFilters = 15;

    /// <summary>Those of the kinds of device, and of their state since libvirt 7.3.</summary>
    private const uint DeviceFilters = ((1u << 22) - 1) | (15u << 28);

    [Procedure(RemoteProcedure.ConnectListAllNetworks)]
    private ValueTask<ConnectListAllNetworksRet> ConnectListAllNetworks(ServerCall call, ConnectListAllNetworksArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, NetworkFilters, "networkConnectListAllNetworks", ErrorDomain.Network);
        return new(new ConnectListAllNetworksRet([], 0));
    }

    [Procedure(RemoteProcedure.ConnectListAllInterfaces)]
    private ValueTask<ConnectListAllInterfacesRet> ConnectListAllInterfaces(ServerCall call, ConnectListAllInterfacesArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, InterfaceFilters, "udevConnectListAllInterfaces", ErrorDomain.Interface);
        return new(new ConnectListAllInterfacesRet([], 0));
    }

    [Procedure(RemoteProcedure.ConnectListAllNodeDevices)]
    private ValueTask<ConnectListAllNodeDevicesRet> ConnectListAllNodeDevices(ServerCall call, ConnectListAllNodeDevicesArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, DeviceFilters, "nodeConnectListAllNodeDevices", ErrorDomain.Nodedev);
        return new(new ConnectListAllNodeDevicesRet([], 0));
    }

    [Procedure(RemoteProcedure.ConnectListAllNwfilters)]
    private ValueTask<ConnectListAllNwfiltersRet> ConnectListAllNwfilters(ServerCall call, ConnectListAllNwfiltersArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "nwfilterConnectListAllNWFilters", ErrorDomain.Nwfilter);
        return new(new ConnectListAllNwfiltersRet([], 0));
    }

    [Procedure(RemoteProcedure.ConnectListAllNwfilterBindings)]
    private ValueTask<ConnectListAllNwfilterBindingsRet> ConnectListAllNwfilterBindings(ServerCall call, ConnectListAllNwfilterBindingsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "nwfilterConnectListAllNWFilterBindings", ErrorDomain.Nwfilter);
        return new(new ConnectListAllNwfilterBindingsRet([], 0));
    }

    [Procedure(RemoteProcedure.ConnectListAllSecrets)]
    private ValueTask<ConnectListAllSecretsRet> ConnectListAllSecrets(ServerCall call, ConnectListAllSecretsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, SecretFilters, "secretConnectListAllSecrets", ErrorDomain.Secret);
        return new(new ConnectListAllSecretsRet([], 0));
    }

    [Procedure(RemoteProcedure.ConnectNumOfNetworks)]
    private ValueTask<ConnectNumOfNetworksRet> ConnectNumOfNetworks(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfNetworksRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListNetworks)]
    private ValueTask<ConnectListNetworksRet> ConnectListNetworks(ServerCall call, ConnectListNetworksArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListNetworksRet([]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfDefinedNetworks)]
    private ValueTask<ConnectNumOfDefinedNetworksRet> ConnectNumOfDefinedNetworks(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfDefinedNetworksRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListDefinedNetworks)]
    private ValueTask<ConnectListDefinedNetworksRet> ConnectListDefinedNetworks(ServerCall call, ConnectListDefinedNetworksArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListDefinedNetworksRet([]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfInterfaces)]
    private ValueTask<ConnectNumOfInterfacesRet> ConnectNumOfInterfaces(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfInterfacesRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListInterfaces)]
    private ValueTask<ConnectListInterfacesRet> ConnectListInterfaces(ServerCall call, ConnectListInterfacesArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListInterfacesRet([]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfDefinedInterfaces)]
    private ValueTask<ConnectNumOfDefinedInterfacesRet> ConnectNumOfDefinedInterfaces(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfDefinedInterfacesRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListDefinedInterfaces)]
    private ValueTask<ConnectListDefinedInterfacesRet> ConnectListDefinedInterfaces(ServerCall call, ConnectListDefinedInterfacesArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListDefinedInterfacesRet([]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfNwfilters)]
    private ValueTask<ConnectNumOfNwfiltersRet> ConnectNumOfNwfilters(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfNwfiltersRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListNwfilters)]
    private ValueTask<ConnectListNwfiltersRet> ConnectListNwfilters(ServerCall call, ConnectListNwfiltersArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListNwfiltersRet([]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfSecrets)]
    private ValueTask<ConnectNumOfSecretsRet> ConnectNumOfSecrets(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfSecretsRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListSecrets)]
    private ValueTask<ConnectListSecretsRet> ConnectListSecrets(ServerCall call, ConnectListSecretsArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListSecretsRet([]));
    }

    [Procedure(RemoteProcedure.NodeNumOfDevices)]
    private ValueTask<NodeNumOfDevicesRet> NodeNumOfDevices(ServerCall call, NodeNumOfDevicesArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "nodeNumOfDevices", ErrorDomain.Nodedev);
        return new(new NodeNumOfDevicesRet(0));
    }

    [Procedure(RemoteProcedure.NodeListDevices)]
    private ValueTask<NodeListDevicesRet> NodeListDevices(ServerCall call, NodeListDevicesArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "nodeListDevices", ErrorDomain.Nodedev);
        return new(new NodeListDevicesRet([]));
    }

    [Procedure(RemoteProcedure.NetworkLookupByName)]
    private ValueTask<NetworkLookupByNameRet> NetworkLookupByName(ServerCall call, NetworkLookupByNameArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoNetwork, ErrorDomain.Network, $"no network with matching name '{args.Name}'");

    [Procedure(RemoteProcedure.NetworkLookupByUuid)]
    private ValueTask<NetworkLookupByUuidRet> NetworkLookupByUuid(ServerCall call, NetworkLookupByUuidArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoNetwork, ErrorDomain.Network, $"no network with matching uuid '{args.Uuid}'");

    [Procedure(RemoteProcedure.InterfaceLookupByName)]
    private ValueTask<InterfaceLookupByNameRet> InterfaceLookupByName(ServerCall call, InterfaceLookupByNameArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoInterface, ErrorDomain.Interface, $"couldn't find interface named '{args.Name}'");

    [Procedure(RemoteProcedure.InterfaceLookupByMacString)]
    private ValueTask<InterfaceLookupByMacStringRet> InterfaceLookupByMacString(ServerCall call, InterfaceLookupByMacStringArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoInterface, ErrorDomain.Interface, $"couldn't find interface with MAC address '{args.Mac}'");

    [Procedure(RemoteProcedure.NodeDeviceLookupByName)]
    private ValueTask<NodeDeviceLookupByNameRet> NodeDeviceLookupByName(ServerCall call, NodeDeviceLookupByNameArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoNodeDevice, ErrorDomain.Nodedev, $"no node device with matching name '{args.Name}'");

    [Procedure(RemoteProcedure.NwfilterLookupByName)]
    private ValueTask<NwfilterLookupByNameRet> NwfilterLookupByName(ServerCall call, NwfilterLookupByNameArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoNwfilter, ErrorDomain.Nwfilter, $"no nwfilter with matching name '{args.Name}'");

    [Procedure(RemoteProcedure.NwfilterLookupByUuid)]
    private ValueTask<NwfilterLookupByUuidRet> NwfilterLookupByUuid(ServerCall call, NwfilterLookupByUuidArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoNwfilter, ErrorDomain.Nwfilter, $"no nwfilter with matching uuid '{args.Uuid}'");

    [Procedure(RemoteProcedure.NwfilterBindingLookupByPortDev)]
    private ValueTask<NwfilterBindingLookupByPortDevRet> NwfilterBindingLookupByPortDev(ServerCall call, NwfilterBindingLookupByPortDevArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoNwfilterBinding, ErrorDomain.Nwfilter, $"no nwfilter binding for port dev '{args.Name}'");

    [Procedure(RemoteProcedure.SecretLookupByUuid)]
    private ValueTask<SecretLookupByUuidRet> SecretLookupByUuid(ServerCall call, SecretLookupByUuidArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoSecret, ErrorDomain.Secret, $"no secret with matching uuid '{args.Uuid}'");

    [Procedure(RemoteProcedure.SecretLookupByUsage)]
    private ValueTask<SecretLookupByUsageRet> SecretLookupByUsage(ServerCall call, SecretLookupByUsageArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoSecret, ErrorDomain.Secret, $"no secret with matching usage '{args.UsageId}'");

    [Procedure(RemoteProcedure.ConnectNetworkEventRegisterAny)]
    private ValueTask<ConnectNetworkEventRegisterAnyRet> ConnectNetworkEventRegisterAny(
        ServerCall call, ConnectNetworkEventRegisterAnyArgs args, CancellationToken ct) =>
        new(new ConnectNetworkEventRegisterAnyRet(SubscribeTo(call, ObjectKind.Network, args.EventId, kinds: 1, args.Net?.Uuid, "network")));

    [Procedure(RemoteProcedure.ConnectNetworkEventDeregisterAny)]
    private ValueTask ConnectNetworkEventDeregisterAny(ServerCall call, ConnectNetworkEventDeregisterAnyArgs args, CancellationToken ct)
    {
        Client(call).Subscriptions.Remove(ObjectKind.Network, args.CallbackId, "network");
        return default;
    }

    [Procedure(RemoteProcedure.ConnectNodeDeviceEventRegisterAny)]
    private ValueTask<ConnectNodeDeviceEventRegisterAnyRet> ConnectNodeDeviceEventRegisterAny(
        ServerCall call, ConnectNodeDeviceEventRegisterAnyArgs args, CancellationToken ct) =>
        new(new ConnectNodeDeviceEventRegisterAnyRet(SubscribeTo(call, ObjectKind.NodeDevice, args.EventId, kinds: 2, uuid: null, "node device")));

    [Procedure(RemoteProcedure.ConnectNodeDeviceEventDeregisterAny)]
    private ValueTask ConnectNodeDeviceEventDeregisterAny(ServerCall call, ConnectNodeDeviceEventDeregisterAnyArgs args, CancellationToken ct)
    {
        Client(call).Subscriptions.Remove(ObjectKind.NodeDevice, args.CallbackId, "node device");
        return default;
    }

    [Procedure(RemoteProcedure.ConnectSecretEventRegisterAny)]
    private ValueTask<ConnectSecretEventRegisterAnyRet> ConnectSecretEventRegisterAny(
        ServerCall call, ConnectSecretEventRegisterAnyArgs args, CancellationToken ct) =>
        new(new ConnectSecretEventRegisterAnyRet(SubscribeTo(call, ObjectKind.Secret, args.EventId, kinds: 2, args.Secret?.Uuid, "secret")));

    [Procedure(RemoteProcedure.ConnectSecretEventDeregisterAny)]
    private ValueTask ConnectSecretEventDeregisterAny(ServerCall call, ConnectSecretEventDeregisterAnyArgs args, CancellationToken ct)
    {
        Client(call).Subscriptions.Remove(ObjectKind.Secret, args.CallbackId, "secret");
        return default;
    }

    /// <param name="kinds">How many kinds of event libvirt 9.0 has for such an object.</param>
    /// <param name="name">libvirt's, in errors.</param>
    private int SubscribeTo(ServerCall call, ObjectKind kind, int eventId, int kinds, Guid? uuid, string name)
    {
        if (eventId < 0 || eventId >= kinds)
            throw new WherryException(ErrorCode.InternalError, $"unsupported {name} event ID {eventId}", ErrorDomain.Rpc);
        return Subscribe(call).Add(kind, eventId, uuid);
    }

    private WherryException None(ServerCall call, ErrorCode code, ErrorDomain domain, string text)
    {
        Client(call);
        return new WherryException(code, text, domain);
    }
}
