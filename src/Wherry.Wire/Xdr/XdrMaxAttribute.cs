namespace Wherry.Wire.Xdr;

/// <summary>The limit of a list (elements), an opaque or a string (bytes): what is over it is refused in both directions.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class XdrMaxAttribute(int max) : Attribute
{
    public int Max => max;
}
