using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

/// <summary>Opens a stream that carries the picture.</summary>
/// <param name="Screen">Counts the outputs of all video devices.</param>
[XdrStruct]
public readonly partial record struct DomainScreenshotArgs(NonnullDomain Dom, uint Screen, uint Flags);

/// <param name="Mime">Such as <c>image/png</c>.</param>
[XdrStruct]
public readonly partial record struct DomainScreenshotRet(string? Mime);
