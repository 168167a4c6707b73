using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

/// <summary>How a call or event names a network.</summary>
[XdrStruct]
public readonly partial record struct NonnullNetwork(string Name, Guid Uuid);
