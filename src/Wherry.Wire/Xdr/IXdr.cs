namespace Wherry.Wire.Xdr;

/// <summary>A value with a place on the wire. Normally written by the generator from an <see cref="XdrStructAttribute"/> declaration.</summary>
public interface IXdr<TSelf>
    where TSelf : IXdr<TSelf>
{
    /// <summary>Reads one value and leaves the reader behind it.</summary>
    /// <exception cref="XdrException">The bytes are too few, or break a limit of the declaration.</exception>
    static abstract TSelf Decode(ref XdrReader reader);

    /// <exception cref="XdrException">The value breaks a limit of the declaration.</exception>
    void Encode(XdrWriter writer);
}
