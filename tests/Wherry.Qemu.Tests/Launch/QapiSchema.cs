using System.Text.Json;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>
/// Checks JSON against QEMU's own schema (<c>query-qmp-schema</c>). Types have meaningless names there and are followed from a command's
/// arguments: blockdev-add's are those of <c>-blockdev</c>, netdev_add's of <c>-netdev</c>, object-add's of <c>-object</c>.
/// </summary>
internal sealed class QapiSchema
{
    private readonly Dictionary<string, JsonElement> _entities;

    public QapiSchema(JsonElement reply) =>
        _entities = reply.EnumerateArray().ToDictionary(entity => entity.GetProperty("name").GetString()!, StringComparer.Ordinal);

    /// <summary>Complaints about the arguments of a command; none when QEMU would accept their form.</summary>
    public IEnumerable<string> Check(string command, JsonElement arguments) =>
        Check(_entities[command].GetProperty("arg-type").GetString()!, arguments, command);

    private IEnumerable<string> Check(string type, JsonElement value, string path)
    {
        var entity = _entities[type];
        return entity.GetProperty("meta-type").GetString() switch
        {
            "builtin" => IsBuiltin(entity.GetProperty("json-type").GetString()!, value) ? [] : [$"{path}: {value.GetRawText()} is no {type}"],
            "enum" => entity.GetProperty("values").EnumerateArray().Any(word => word.ValueEquals(value.GetString()))
                ? []
                : [$"{path}: '{value}' is no value of the enumeration"],
            "array" => value.EnumerateArray().SelectMany(item => Check(entity.GetProperty("element-type").GetString()!, item, $"{path}[]")),
            "alternate" => entity.GetProperty("members").EnumerateArray().Any(member => Fits(Text(member, "type"), value))
                ? []
                : [$"{path}: {value.GetRawText()} fits no alternative"],
            "object" => CheckObject(entity, value, path),
            var other => [$"{path}: unknown meta-type {other}"],
        };
    }

    private bool Fits(string type, JsonElement value) =>
        _entities[type].GetProperty("meta-type").GetString() switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "enum" => value.ValueKind == JsonValueKind.String,
            _ => true,
        } && !Check(type, value, "").Any();

    private IEnumerable<string> CheckObject(JsonElement entity, JsonElement value, string path)
    {
        var members = Members(entity, value).ToDictionary(member => Text(member, "name"), StringComparer.Ordinal);
        foreach (var property in value.EnumerateObject())
        {
            if (!members.TryGetValue(property.Name, out var member))
            {
                yield return $"{path}.{property.Name}: no such member";
                continue;
            }
            foreach (var complaint in Check(Text(member, "type"), property.Value, $"{path}.{property.Name}"))
                yield return complaint;
        }
        foreach (var missing in members.Values.Where(member => !member.TryGetProperty("default", out _) && !value.TryGetProperty(Text(member, "name"), out _)))
            yield return $"{path}.{Text(missing, "name")}: missing";
    }

    /// <summary>Own members, and those of the variant that the tag selects.</summary>
    private IEnumerable<JsonElement> Members(JsonElement entity, JsonElement value)
    {
        foreach (var member in entity.GetProperty("members").EnumerateArray())
            yield return member;
        if (!entity.TryGetProperty("tag", out var tag) || !value.TryGetProperty(tag.GetString()!, out var selected))
            yield break;
        foreach (var variant in entity.GetProperty("variants").EnumerateArray().Where(variant => variant.GetProperty("case").ValueEquals(selected.GetString())))
        {
            foreach (var member in Members(_entities[Text(variant, "type")], value))
                yield return member;
        }
    }

    private static bool IsBuiltin(string jsonType, JsonElement value) => jsonType switch
    {
        "string" => value.ValueKind == JsonValueKind.String,
        "int" or "number" => value.ValueKind == JsonValueKind.Number,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => true,
    };

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
