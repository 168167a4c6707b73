using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Lists of everything that is not a domain. Clients ask for them when they draw their first window.

[XdrStruct]
public readonly partial record struct ConnectListAllNetworksArgs(int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectListAllNetworksRet(
    [XdrMax(RemoteLimits.NetworkList)] ImmutableArray<NonnullNetwork> Nets,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectListAllStoragePoolsArgs(int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectListAllStoragePoolsRet(
    [XdrMax(RemoteLimits.StoragePoolList)] ImmutableArray<NonnullStoragePool> Pools,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectListAllInterfacesArgs(int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectListAllInterfacesRet(
    [XdrMax(RemoteLimits.InterfaceList)] ImmutableArray<NonnullInterface> Ifaces,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectListAllNodeDevicesArgs(int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectListAllNodeDevicesRet(
    [XdrMax(RemoteLimits.NodeDeviceList)] ImmutableArray<NonnullNodeDevice> Devices,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectListAllNwfiltersArgs(int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectListAllNwfiltersRet(
    [XdrMax(RemoteLimits.NwfilterList)] ImmutableArray<NonnullNwfilter> Filters,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectListAllNwfilterBindingsArgs(int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectListAllNwfilterBindingsRet(
    [XdrMax(RemoteLimits.NwfilterBindingList)] ImmutableArray<NonnullNwfilterBinding> Bindings,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectListAllSecretsArgs(int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectListAllSecretsRet(
    [XdrMax(RemoteLimits.SecretList)] ImmutableArray<NonnullSecret> Secrets,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectNumOfNetworksRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListNetworksArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListNetworksRet([XdrMax(RemoteLimits.NetworkList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct ConnectNumOfDefinedNetworksRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListDefinedNetworksArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListDefinedNetworksRet([XdrMax(RemoteLimits.NetworkList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct ConnectNumOfStoragePoolsRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListStoragePoolsArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListStoragePoolsRet([XdrMax(RemoteLimits.StoragePoolList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct ConnectNumOfDefinedStoragePoolsRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListDefinedStoragePoolsArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListDefinedStoragePoolsRet([XdrMax(RemoteLimits.StoragePoolList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct ConnectNumOfInterfacesRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListInterfacesArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListInterfacesRet([XdrMax(RemoteLimits.InterfaceList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct ConnectNumOfDefinedInterfacesRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListDefinedInterfacesArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListDefinedInterfacesRet([XdrMax(RemoteLimits.InterfaceList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct ConnectNumOfNwfiltersRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListNwfiltersArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListNwfiltersRet([XdrMax(RemoteLimits.NwfilterList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct ConnectNumOfSecretsRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListSecretsArgs(int Maxuuids);

[XdrStruct]
public readonly partial record struct ConnectListSecretsRet([XdrMax(RemoteLimits.SecretList)] ImmutableArray<string> Uuids);

[XdrStruct]
public readonly partial record struct NodeNumOfDevicesArgs(string? Cap, uint Flags);

[XdrStruct]
public readonly partial record struct NodeNumOfDevicesRet(int Num);

[XdrStruct]
public readonly partial record struct NodeListDevicesArgs(string? Cap, int Maxnames, uint Flags);

[XdrStruct]
public readonly partial record struct NodeListDevicesRet([XdrMax(RemoteLimits.NodeDeviceList)] ImmutableArray<string> Names);
