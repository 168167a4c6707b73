using Wherry.Wire.Xdr;

namespace Wherry.Rpc;

/// <summary>A payload of no bytes (XDR's void).</summary>
public readonly record struct Nothing : IXdr<Nothing>
{
    public static Nothing Decode(ref XdrReader reader) => default;

    public void Encode(XdrWriter writer)
    {
    }
}
