using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

/// <summary>How every call and event names a domain. The UUID identifies it; name and id are what the sender last knew.</summary>
/// <param name="Id">The running number, -1 while inactive.</param>
[XdrStruct]
public readonly partial record struct NonnullDomain(string Name, Guid Uuid, int Id);
