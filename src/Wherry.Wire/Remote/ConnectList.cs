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
