using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// Networks, storage, interfaces, host devices, filters and secrets: this daemon has none, and says so in the words of the drivers that
// would. virt-manager and virt-install ask for all of them before they do anything else.
internal sealed partial class RemoteProgram
{
    private const uint NetworkFilters = (1 << 6) - 1, PoolFilters = (1 << 20) - 1, InterfaceFilters = 3, SecretFilters = 15;

    /// <summary>Those of the kinds of device, and of their state since libvirt 7.3.</summary>
    private const uint DeviceFilters = ((1u << 22) - 1) | (15u << 28);

    [Procedure(RemoteProcedure.ConnectListAllNetworks)]
    private ValueTask<ConnectListAllNetworksRet> ConnectListAllNetworks(ServerCall call, ConnectListAllNetworksArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, NetworkFilters, "networkConnectListAllNetworks", ErrorDomain.Network);
        return new(new ConnectListAllNetworksRet([], 0));
    }

    [Procedure(RemoteProcedure.ConnectListAllStoragePools)]
    private ValueTask<ConnectListAllStoragePoolsRet> ConnectListAllStoragePools(ServerCall call, ConnectListAllStoragePoolsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, PoolFilters, "storageConnectListAllStoragePools", ErrorDomain.Storage);
        return new(new ConnectListAllStoragePoolsRet([], 0));
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

    [Procedure(RemoteProcedure.ConnectNumOfStoragePools)]
    private ValueTask<ConnectNumOfStoragePoolsRet> ConnectNumOfStoragePools(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfStoragePoolsRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListStoragePools)]
    private ValueTask<ConnectListStoragePoolsRet> ConnectListStoragePools(ServerCall call, ConnectListStoragePoolsArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListStoragePoolsRet([]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfDefinedStoragePools)]
    private ValueTask<ConnectNumOfDefinedStoragePoolsRet> ConnectNumOfDefinedStoragePools(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfDefinedStoragePoolsRet(0));
    }

    [Procedure(RemoteProcedure.ConnectListDefinedStoragePools)]
    private ValueTask<ConnectListDefinedStoragePoolsRet> ConnectListDefinedStoragePools(ServerCall call, ConnectListDefinedStoragePoolsArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListDefinedStoragePoolsRet([]));
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

    [Procedure(RemoteProcedure.StoragePoolLookupByName)]
    private ValueTask<StoragePoolLookupByNameRet> StoragePoolLookupByName(ServerCall call, StoragePoolLookupByNameArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoStoragePool, ErrorDomain.Storage, $"no storage pool with matching name '{args.Name}'");

    [Procedure(RemoteProcedure.StoragePoolLookupByUuid)]
    private ValueTask<StoragePoolLookupByUuidRet> StoragePoolLookupByUuid(ServerCall call, StoragePoolLookupByUuidArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoStoragePool, ErrorDomain.Storage, $"no storage pool with matching uuid '{args.Uuid}'");

    [Procedure(RemoteProcedure.StoragePoolLookupByTargetPath)]
    private ValueTask<StoragePoolLookupByTargetPathRet> StoragePoolLookupByTargetPath(ServerCall call, StoragePoolLookupByTargetPathArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoStoragePool, ErrorDomain.Storage, $"no storage pool with matching target path '{args.Path}'");

    [Procedure(RemoteProcedure.StorageVolLookupByKey)]
    private ValueTask<StorageVolLookupByKeyRet> StorageVolLookupByKey(ServerCall call, StorageVolLookupByKeyArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoStorageVol, ErrorDomain.Storage, $"no storage vol with matching key {args.Key}");

    [Procedure(RemoteProcedure.StorageVolLookupByPath)]
    private ValueTask<StorageVolLookupByPathRet> StorageVolLookupByPath(ServerCall call, StorageVolLookupByPathArgs args, CancellationToken ct) =>
        throw None(call, ErrorCode.NoStorageVol, ErrorDomain.Storage, $"no storage vol with matching path '{args.Path}'");

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

    private WherryException None(ServerCall call, ErrorCode code, ErrorDomain domain, string text)
    {
        Client(call);
        return new WherryException(code, text, domain);
    }
}
