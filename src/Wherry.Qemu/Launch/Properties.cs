using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Wherry.Qemu.Launch;

/// <summary>
/// A JSON object as <c>-device</c>, <c>-object</c>, <c>-blockdev</c> and <c>-netdev</c> take it: unlike the <c>key=value</c> form it needs no
/// escaping and is checked strictly against the schema. A null value leaves the property out, so that QEMU's default for the machine
/// type applies; that is how libvirt keeps old guests' hardware stable.
/// </summary>
internal sealed class Properties
{
    // Relaxed: the text goes to QEMU and to an operator's ps(1), never into HTML.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _buffer = new(256);
    private readonly Utf8JsonWriter _writer;

    public Properties()
    {
        _writer = new Utf8JsonWriter(_buffer, Options);
        _writer.WriteStartObject();
    }

    /// <summary>A device of the given QEMU type.</summary>
    public static Properties OfDevice(string driver) => new Properties().Text("driver", driver);

    /// <summary>A QOM object of the given QEMU type.</summary>
    public static Properties OfObject(string qomType, string id) => new Properties().Text("qom-type", qomType).Text("id", id);

    public Properties Text(string name, string? value)
    {
        if (value is not null)
            _writer.WriteString(name, value);
        return this;
    }

    public Properties Number(string name, long? value)
    {
        if (value is { } number)
            _writer.WriteNumber(name, number);
        return this;
    }

    public Properties Number(string name, ulong value)
    {
        _writer.WriteNumber(name, value);
        return this;
    }

    public Properties Numbers(string name, IEnumerable<int> values)
    {
        _writer.WriteStartArray(name);
        foreach (var value in values)
            _writer.WriteNumberValue(value);
        _writer.WriteEndArray();
        return this;
    }

    public Properties Flag(string name, bool? value)
    {
        if (value is { } flag)
            _writer.WriteBoolean(name, flag);
        return this;
    }

    /// <summary>A property of QEMU's OnOffAuto type, which wants a word instead of a JSON boolean.</summary>
    public Properties OnOff(string name, bool? value) => Text(name, value is { } on ? Arguments.OnOff(on) : null);

    public Properties Null(string name)
    {
        _writer.WriteNull(name);
        return this;
    }

    public Properties Object(string name, Action<Properties>? fill)
    {
        if (fill is null)
            return this;
        _writer.WriteStartObject(name);
        fill(this);
        _writer.WriteEndObject();
        return this;
    }

    /// <summary>The finished object; nothing can be added afterwards.</summary>
    public override string ToString()
    {
        _writer.WriteEndObject();
        _writer.Flush();
        return Encoding.UTF8.GetString(_buffer.WrittenSpan);
    }
}
