using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Storage pools and their volumes. How to find one: ObjectLookup; to list pools: ConnectList.

[XdrStruct]
public readonly partial record struct StoragePoolCreateXmlArgs(string Xml, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolCreateXmlRet(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolDefineXmlArgs(string Xml, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolDefineXmlRet(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolCreateArgs(NonnullStoragePool Pool, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolBuildArgs(NonnullStoragePool Pool, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolDeleteArgs(NonnullStoragePool Pool, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolRefreshArgs(NonnullStoragePool Pool, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolDestroyArgs(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolUndefineArgs(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByVolumeArgs(NonnullStorageVol Vol);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByVolumeRet(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolGetInfoArgs(NonnullStoragePool Pool);

/// <param name="State">2 is running, 0 is not.</param>
/// <param name="Capacity">Bytes, as the other two.</param>
[XdrStruct]
public readonly partial record struct StoragePoolGetInfoRet(byte State, ulong Capacity, ulong Allocation, ulong Available);

[XdrStruct]
public readonly partial record struct StoragePoolGetXmlDescArgs(NonnullStoragePool Pool, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolGetXmlDescRet(string Xml);

[XdrStruct]
public readonly partial record struct StoragePoolGetAutostartArgs(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolGetAutostartRet(int Autostart);

[XdrStruct]
public readonly partial record struct StoragePoolSetAutostartArgs(NonnullStoragePool Pool, int Autostart);

[XdrStruct]
public readonly partial record struct StoragePoolNumOfVolumesArgs(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolNumOfVolumesRet(int Num);

[XdrStruct]
public readonly partial record struct StoragePoolListVolumesArgs(NonnullStoragePool Pool, int Maxnames);

[XdrStruct]
public readonly partial record struct StoragePoolListVolumesRet([XdrMax(RemoteLimits.StorageVolList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct StoragePoolListAllVolumesArgs(NonnullStoragePool Pool, int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct StoragePoolListAllVolumesRet([XdrMax(RemoteLimits.StorageVolList)] ImmutableArray<NonnullStorageVol> Vols, uint Ret);

[XdrStruct]
public readonly partial record struct StoragePoolIsActiveArgs(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolIsActiveRet(int Active);

[XdrStruct]
public readonly partial record struct StoragePoolIsPersistentArgs(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolIsPersistentRet(int Persistent);

[XdrStruct]
public readonly partial record struct StorageVolCreateXmlArgs(NonnullStoragePool Pool, string Xml, uint Flags);

[XdrStruct]
public readonly partial record struct StorageVolCreateXmlRet(NonnullStorageVol Vol);

[XdrStruct]
public readonly partial record struct StorageVolDeleteArgs(NonnullStorageVol Vol, uint Flags);

[XdrStruct]
public readonly partial record struct StorageVolLookupByNameArgs(NonnullStoragePool Pool, string Name);

[XdrStruct]
public readonly partial record struct StorageVolLookupByNameRet(NonnullStorageVol Vol);

[XdrStruct]
public readonly partial record struct StorageVolGetInfoArgs(NonnullStorageVol Vol);

/// <param name="Type">Of the volume: 0 is a file, 2 a directory.</param>
/// <param name="Capacity">Bytes, as the other.</param>
[XdrStruct]
public readonly partial record struct StorageVolGetInfoRet(byte Type, ulong Capacity, ulong Allocation);

[XdrStruct]
public readonly partial record struct StorageVolGetInfoFlagsArgs(NonnullStorageVol Vol, uint Flags);

[XdrStruct]
public readonly partial record struct StorageVolGetInfoFlagsRet(byte Type, ulong Capacity, ulong Allocation);

[XdrStruct]
public readonly partial record struct StorageVolGetXmlDescArgs(NonnullStorageVol Vol, uint Flags);

[XdrStruct]
public readonly partial record struct StorageVolGetXmlDescRet(string Xml);

[XdrStruct]
public readonly partial record struct StorageVolGetPathArgs(NonnullStorageVol Vol);

[XdrStruct]
public readonly partial record struct StorageVolGetPathRet(string Name);

[XdrStruct]
public readonly partial record struct StoragePoolEventLifecycleMsg(int CallbackId, NonnullStoragePool Pool, int Event, int Detail);

[XdrStruct]
public readonly partial record struct StoragePoolEventRefreshMsg(int CallbackId, NonnullStoragePool Pool);
