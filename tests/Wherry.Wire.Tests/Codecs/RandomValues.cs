using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Codecs;

/// <summary>Values of any wire struct, of which all are valid and some are odd: empty, null, extreme, not ASCII.</summary>
internal sealed class RandomValues(Random random)
{
    private static readonly string[] Texts = ["", "a", "abc", "web1", "vda, or not", "Grüße", "日本語", new('x', 300)];

    public object Struct(Type type)
    {
        if (type == typeof(TypedParameterValue))
            return Typed();
        var fields = WireStructs.Fields(type);
        var values = fields.Select(Field).ToArray();
        return Activator.CreateInstance(type, values)!;
    }

    private object? Field(ParameterInfo field)
    {
        var type = field.ParameterType;
        if (type == typeof(string))
        {
            var isNullable = new NullabilityInfoContext().Create(field).WriteState == NullabilityState.Nullable;
            if (isNullable && random.Next(3) == 0)
                return null;
            var chars = field.GetCustomAttribute<XdrCharsAttribute>();
            var text = Text();
            // The terminating NUL has to fit, and so do characters of three bytes.
            return chars is null || text.Length * 3 < chars.Count ? text : text[..((chars.Count - 1) / 3)];
        }

        if (Nullable.GetUnderlyingType(type) is { } inner)
            return random.Next(3) == 0 ? null : Value(inner);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>))
            return List(type.GetGenericArguments()[0], Math.Min(field.GetCustomAttribute<XdrMaxAttribute>()!.Max, random.Next(5)));
        return Value(type);
    }

    private object Value(Type type) => type switch
    {
        _ when type == typeof(int) => unchecked((int)Bits()),
        _ when type == typeof(uint) => unchecked((uint)Bits()),
        _ when type == typeof(long) => unchecked((long)Bits()),
        _ when type == typeof(ulong) => Bits(),
        _ when type == typeof(byte) => unchecked((byte)Bits()),
        _ when type == typeof(ushort) => unchecked((ushort)Bits()),
        _ when type == typeof(bool) => random.Next(2) == 0,
        _ when type == typeof(double) => random.NextDouble() * 1e9,
        _ when type == typeof(string) => Text(),
        _ when type == typeof(Guid) => new Guid(Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256)).ToArray()),
        { IsEnum: true } => Enum.ToObject(type, unchecked((int)Bits())),
        _ => Struct(type),
    };

    private TypedParameterValue Typed() => random.Next(7) switch
    {
        0 => TypedParameterValue.From((int)Value(typeof(int))),
        1 => TypedParameterValue.From((uint)Value(typeof(uint))),
        2 => TypedParameterValue.From((long)Value(typeof(long))),
        3 => TypedParameterValue.From((ulong)Value(typeof(ulong))),
        4 => TypedParameterValue.From((double)Value(typeof(double))),
        5 => TypedParameterValue.From((bool)Value(typeof(bool))),
        _ => TypedParameterValue.From(Text()),
    };

    private object List(Type item, int count)
    {
        var items = Array.CreateInstance(item, count);
        for (var i = 0; i < count; i++)
            items.SetValue(Value(item), i);
        return typeof(ImmutableArray).GetMethods()
            .Single(method => method.Name == nameof(ImmutableArray.Create)
                && method.GetParameters() is [{ ParameterType.IsArray: true } only] && only.IsDefined(typeof(ParamArrayAttribute)))
            .MakeGenericMethod(item).Invoke(null, [items])!;
    }

    private string Text() => Texts[random.Next(Texts.Length)];

    // The extremes as often as all others together.
    private ulong Bits() => random.Next(4) switch
    {
        0 => 0,
        1 => ulong.MaxValue,
        _ => unchecked((ulong)random.NextInt64()),
    };

    /// <summary>The value as text, lists spelled out: two values are the same if these are.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Describe))}]",
        TypedParameterValue typed => $"{typed.Type}:{typed}",
        _ when WireStructs.All.Contains(value.GetType()) => $"({string.Join(", ", WireStructs.Fields(value.GetType())
            .Select(field => $"{field.Name}={Describe(value.GetType().GetProperty(field.Name!)!.GetValue(value))}"))})",
        _ => value.ToString()!,
    };
}
