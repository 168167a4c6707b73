namespace Wherry.Wire.Xdr;

/// <summary>No bytes: the arguments of a call that takes none, the result of one that returns nothing.</summary>
public readonly record struct XdrVoid : IXdr<XdrVoid>
{
    public static XdrVoid Decode(ref XdrReader reader) => default;

    public void Encode(XdrWriter writer)
    {
    }
}
