namespace Wherry.Wire.Remote;

/// <summary>The union tag of a typed parameter (<c>virTypedParameterType</c>). Names are libvirt's; LLong and ULLong are 64 bits wide.</summary>
public enum TypedParameterType
{
    Int = 1,
    UInt = 2,
    LLong = 3,
    ULLong = 4,
    Double = 5,
    Boolean = 6,
    String = 7,
}
