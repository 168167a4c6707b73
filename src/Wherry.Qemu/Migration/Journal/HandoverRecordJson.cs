using System.Text.Json;
using System.Text.Json.Serialization;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Journal;

/// <summary>The file form of a record: indented, so that a person with an editor can read what a daemon will do.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    IgnoreReadOnlyProperties = true,
    Converters = [typeof(HandoverIdConverter)])]
[JsonSerializable(typeof(HandoverRecord))]
internal sealed partial class HandoverRecordJson : JsonSerializerContext;

internal sealed class HandoverIdConverter : JsonConverter<HandoverId>
{
    public override HandoverId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        HandoverId.TryParse(reader.GetString(), out var id) ? id : throw new JsonException("not a hand-over id");

    public override void Write(Utf8JsonWriter writer, HandoverId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
