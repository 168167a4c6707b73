using System.Reflection;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Codecs;

/// <summary>Every declaration of Wherry.Wire, found by its attribute.</summary>
internal static class WireStructs
{
    public static IReadOnlyList<Type> All { get; } =
    [
        .. typeof(XdrStructAttribute).Assembly.GetTypes()
            .Where(type => type.GetCustomAttribute<XdrStructAttribute>() is not null)
            .OrderBy(type => type.FullName, StringComparer.Ordinal),
    ];

    /// <summary>The fields in wire order: the parameters of the primary constructor.</summary>
    public static ParameterInfo[] Fields(Type type) =>
        type.GetConstructors().Single(constructor => constructor.GetParameters().Length > 0).GetParameters();

    public static Type Named(string name) => All.Single(type => type.Name == name);

    public static Type? Find(string name) => All.SingleOrDefault(type => type.Name == name);

    /// <summary>As the generic methods of the same names, for a type known only at run time.</summary>
    public static byte[] Encode(object value) =>
        (byte[])Invoke(typeof(WireStructs), nameof(EncodeAs), value.GetType(), value);

    public static object Decode(Type type, byte[] bytes) => Invoke(typeof(WireStructs), nameof(DecodeAs), type, bytes);

    private static byte[] EncodeAs<T>(T value)
        where T : struct, IXdr<T> => Tests.Xdr.Bytes.Encode(value);

    private static object DecodeAs<T>(byte[] bytes)
        where T : struct, IXdr<T> => Tests.Xdr.Bytes.Decode<T>(bytes);

    private static object Invoke(Type owner, string method, Type type, object argument) =>
        owner.GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, binder: null, [argument], culture: null)!;
}
