using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// The other objects as calls and events name them; see NonnullDomain and NonnullNetwork.

[XdrStruct]
public readonly partial record struct NonnullNetworkPort(NonnullNetwork Net, Guid Uuid);

[XdrStruct]
public readonly partial record struct NonnullNwfilter(string Name, Guid Uuid);

[XdrStruct]
public readonly partial record struct NonnullNwfilterBinding(string Portdev, string Filtername);

[XdrStruct]
public readonly partial record struct NonnullInterface(string Name, string Mac);

[XdrStruct]
public readonly partial record struct NonnullStoragePool(string Name, Guid Uuid);

[XdrStruct]
public readonly partial record struct NonnullNodeDevice(string Name);

[XdrStruct]
public readonly partial record struct NonnullSecret(Guid Uuid, int UsageType, string UsageId);

[XdrStruct]
public readonly partial record struct NonnullDomainSnapshot(string Name, NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct NonnullStorageVol(string Pool, string Name, string Key);
