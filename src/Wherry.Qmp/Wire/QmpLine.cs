using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Wherry.Errors;

namespace Wherry.Qmp.Wire;

/// <summary>Builds the lines we send: <c>{"execute": name, "arguments": {...}, "id": id}\n</c>.</summary>
internal static class QmpLine
{
    // Why: no need to escape for HTML, and logs stay readable.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlyMemory<byte> Build<TResult>(QmpCommand<TResult> command, string id, bool outOfBand)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        writer.WriteStartObject();
        writer.WriteString(outOfBand ? "exec-oob"u8 : "execute"u8, command.CommandName);
        command.WriteArguments(writer);
        writer.WriteString("id"u8, id);
        writer.WriteEndObject();
        return Finish(buffer, writer);
    }

    /// <summary>A caller's own message, with our id in place of its id. Returns what the message asks for as well.</summary>
    /// <exception cref="WherryException">InvalidArg: not a JSON object with one of "execute" and "exec-oob".</exception>
    public static (ReadOnlyMemory<byte> Line, string CommandName, bool OutOfBand) BuildRaw(string json, string id)
    {
        using var document = Parse(json);
        var root = document.RootElement;
        var outOfBand = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("exec-oob"u8, out _);
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty(outOfBand ? "exec-oob"u8 : "execute"u8, out var name)
            || name.ValueKind != JsonValueKind.String)
        {
            throw new WherryException(ErrorCode.InvalidArg, "monitor command must be a JSON object with \"execute\" or \"exec-oob\"");
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        writer.WriteStartObject();
        foreach (var property in root.EnumerateObject().Where(p => !p.NameEquals("id"u8)))
        {
            property.WriteTo(writer);
        }

        writer.WriteString("id"u8, id);
        writer.WriteEndObject();
        return (Finish(buffer, writer), name.GetString()!, outOfBand); // ! : ValueKind is String
    }

    private static ReadOnlyMemory<byte> Finish(ArrayBufferWriter<byte> buffer, Utf8JsonWriter writer)
    {
        writer.Flush();
        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private static JsonDocument Parse(string json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new WherryException(ErrorCode.InvalidArg, "monitor command is not valid JSON", inner: e);
        }
    }
}
