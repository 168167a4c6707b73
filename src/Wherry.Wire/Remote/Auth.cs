using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Authentication: what runs before a connection may open anything. See also AuthListRet.

[XdrStruct]
public readonly partial record struct AuthSaslInitRet(string Mechlist);

[XdrStruct]
public readonly partial record struct AuthPolkitRet(int Complete);
