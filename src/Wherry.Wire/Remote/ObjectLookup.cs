using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Finding what is not a domain, by name and by whatever else identifies it.

[XdrStruct]
public readonly partial record struct NetworkLookupByNameArgs(string Name);

[XdrStruct]
public readonly partial record struct NetworkLookupByNameRet(NonnullNetwork Net);

[XdrStruct]
public readonly partial record struct NetworkLookupByUuidArgs(Guid Uuid);

[XdrStruct]
public readonly partial record struct NetworkLookupByUuidRet(NonnullNetwork Net);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByNameArgs(string Name);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByNameRet(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByUuidArgs(Guid Uuid);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByUuidRet(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByTargetPathArgs(string Path);

[XdrStruct]
public readonly partial record struct StoragePoolLookupByTargetPathRet(NonnullStoragePool Pool);

[XdrStruct]
public readonly partial record struct StorageVolLookupByKeyArgs(string Key);

[XdrStruct]
public readonly partial record struct StorageVolLookupByKeyRet(NonnullStorageVol Vol);

[XdrStruct]
public readonly partial record struct StorageVolLookupByPathArgs(string Path);

[XdrStruct]
public readonly partial record struct StorageVolLookupByPathRet(NonnullStorageVol Vol);

[XdrStruct]
public readonly partial record struct InterfaceLookupByNameArgs(string Name);

[XdrStruct]
public readonly partial record struct InterfaceLookupByNameRet(NonnullInterface Iface);

[XdrStruct]
public readonly partial record struct InterfaceLookupByMacStringArgs(string Mac);

[XdrStruct]
public readonly partial record struct InterfaceLookupByMacStringRet(NonnullInterface Iface);

[XdrStruct]
public readonly partial record struct NodeDeviceLookupByNameArgs(string Name);

[XdrStruct]
public readonly partial record struct NodeDeviceLookupByNameRet(NonnullNodeDevice Dev);

[XdrStruct]
public readonly partial record struct NwfilterLookupByNameArgs(string Name);

[XdrStruct]
public readonly partial record struct NwfilterLookupByNameRet(NonnullNwfilter Nwfilter);

[XdrStruct]
public readonly partial record struct NwfilterLookupByUuidArgs(Guid Uuid);

[XdrStruct]
public readonly partial record struct NwfilterLookupByUuidRet(NonnullNwfilter Nwfilter);

[XdrStruct]
public readonly partial record struct NwfilterBindingLookupByPortDevArgs(string Name);

[XdrStruct]
public readonly partial record struct NwfilterBindingLookupByPortDevRet(NonnullNwfilterBinding Nwfilter);

[XdrStruct]
public readonly partial record struct SecretLookupByUuidArgs(Guid Uuid);

[XdrStruct]
public readonly partial record struct SecretLookupByUuidRet(NonnullSecret Secret);

[XdrStruct]
public readonly partial record struct SecretLookupByUsageArgs(int UsageType, string UsageId);

[XdrStruct]
public readonly partial record struct SecretLookupByUsageRet(NonnullSecret Secret);
