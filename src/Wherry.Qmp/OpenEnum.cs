using System.Text.Json;
using System.Text.Json.Serialization;

namespace Wherry.Qmp;

/// <summary>
/// A QAPI enum. Open, because QEMU adds values: an unknown one is carried as its text and equals none of the named constants, so code
/// that compares treats it as "none of those", where a C# enum would make the whole reply unreadable.
/// </summary>
public interface IOpenEnum<TSelf>
    where TSelf : struct, IOpenEnum<TSelf>
{
    string Value { get; }

    static abstract TSelf From(string value);
}

/// <summary>Reads and writes an open enum as its text.</summary>
public sealed class OpenEnumConverter<T> : JsonConverter<T>
    where T : struct, IOpenEnum<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        T.From(reader.GetString() ?? throw new JsonException("null for an enum"));

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
