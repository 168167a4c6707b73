using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

/// <summary>
/// A named value. libvirt uses lists of them where new members have to be possible without a new procedure: migration
/// parameters, job statistics, tuning. A name may occur more than once (migrate_disks).
/// </summary>
[XdrStruct]
public readonly partial record struct TypedParameter(string Field, TypedParameterValue Value)
{
    public static TypedParameter Int(string field, int value) => new(field, TypedParameterValue.From(value));

    public static TypedParameter UInt(string field, uint value) => new(field, TypedParameterValue.From(value));

    public static TypedParameter LLong(string field, long value) => new(field, TypedParameterValue.From(value));

    public static TypedParameter ULLong(string field, ulong value) => new(field, TypedParameterValue.From(value));

    public static TypedParameter Double(string field, double value) => new(field, TypedParameterValue.From(value));

    public static TypedParameter Boolean(string field, bool value) => new(field, TypedParameterValue.From(value));

    public static TypedParameter String(string field, string value) => new(field, TypedParameterValue.From(value));
}
