using System.Globalization;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

/// <summary>
/// A value of one of seven types: XDR's discriminated union, a tag and then only the chosen arm. Made by the factories of
/// <see cref="TypedParameter"/>; the accessor that fits <see cref="Type"/> returns the value and the others null.
/// </summary>
public readonly record struct TypedParameterValue : IXdr<TypedParameterValue>
{
    // Numbers and booleans as bits, so that a list of counters allocates nothing per counter.
    private readonly ulong _bits;
    private readonly string? _text;

    private TypedParameterValue(TypedParameterType type, ulong bits, string? text = null)
    {
        Type = type;
        _bits = bits;
        _text = text;
    }

    public TypedParameterType Type { get; }

    public int? AsInt => Type == TypedParameterType.Int ? unchecked((int)_bits) : null;

    public uint? AsUInt => Type == TypedParameterType.UInt ? unchecked((uint)_bits) : null;

    public long? AsLLong => Type == TypedParameterType.LLong ? unchecked((long)_bits) : null;

    public ulong? AsULLong => Type == TypedParameterType.ULLong ? _bits : null;

    public double? AsDouble => Type == TypedParameterType.Double ? BitConverter.UInt64BitsToDouble(_bits) : null;

    public bool? AsBoolean => Type == TypedParameterType.Boolean ? _bits != 0 : null;

    public string? AsString => Type == TypedParameterType.String ? _text : null;

    public static TypedParameterValue From(int value) => new(TypedParameterType.Int, unchecked((ulong)value));

    public static TypedParameterValue From(uint value) => new(TypedParameterType.UInt, value);

    public static TypedParameterValue From(long value) => new(TypedParameterType.LLong, unchecked((ulong)value));

    public static TypedParameterValue From(ulong value) => new(TypedParameterType.ULLong, value);

    public static TypedParameterValue From(double value) => new(TypedParameterType.Double, BitConverter.DoubleToUInt64Bits(value));

    public static TypedParameterValue From(bool value) => new(TypedParameterType.Boolean, value ? 1u : 0u);

    public static TypedParameterValue From(string value) => new(TypedParameterType.String, 0, value);

    public static TypedParameterValue Decode(ref XdrReader reader) => reader.ReadInt() switch
    {
        (int)TypedParameterType.Int => From(reader.ReadInt()),
        (int)TypedParameterType.UInt => From(reader.ReadUInt()),
        (int)TypedParameterType.LLong => From(reader.ReadHyper()),
        (int)TypedParameterType.ULLong => From(reader.ReadUHyper()),
        (int)TypedParameterType.Double => From(reader.ReadDouble()),
        // libvirt declares this arm an int and takes any number but 0 for true.
        (int)TypedParameterType.Boolean => From(reader.ReadInt() != 0),
        (int)TypedParameterType.String => From(reader.ReadString(XdrLimits.String)),
        var tag => throw new XdrException($"unknown typed parameter type {tag}"),
    };

    public void Encode(XdrWriter writer)
    {
        writer.WriteInt((int)Type);
        switch (Type)
        {
            case TypedParameterType.Int or TypedParameterType.UInt or TypedParameterType.Boolean:
                writer.WriteUInt(unchecked((uint)_bits));
                break;
            case TypedParameterType.LLong or TypedParameterType.ULLong or TypedParameterType.Double:
                writer.WriteUHyper(_bits);
                break;
            case TypedParameterType.String:
                writer.WriteString(_text!, XdrLimits.String); // set by From(string), the only way to this tag
                break;
            default:
                throw new XdrException("typed parameter without a value");
        }
    }

    public override string ToString() => Type switch
    {
        TypedParameterType.Int => AsInt!.Value.ToString(CultureInfo.InvariantCulture),
        TypedParameterType.LLong => AsLLong!.Value.ToString(CultureInfo.InvariantCulture),
        TypedParameterType.Double => AsDouble!.Value.ToString(CultureInfo.InvariantCulture),
        TypedParameterType.Boolean => _bits != 0 ? "true" : "false",
        TypedParameterType.String => _text!,
        _ => _bits.ToString(CultureInfo.InvariantCulture),
    };
}
