using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Wherry.Qmp.Commands;

// Keyboard and screen. QEMU: qapi/ui.json.

/// <summary>Presses all keys at once and lets go after a while.</summary>
public sealed record SendKey(ImmutableArray<KeyValue> Keys) : QmpCommand<QmpEmpty>("send-key", UiJson.Default.QmpEmpty, UiJson.Default.SendKey)
{
    /// <summary>Milliseconds; QEMU's default is 100.</summary>
    public long? HoldTime { get; init; }
}

/// <param name="Type">"number": <paramref name="Data"/> is QEMU's key number.</param>
public sealed record KeyValue(string Type, int Data);

/// <summary>Writes a picture of a screen into a file.</summary>
public sealed record Screendump(string Filename) : QmpCommand<QmpEmpty>("screendump", UiJson.Default.QmpEmpty, UiJson.Default.Screendump)
{
    /// <summary>Alias of the video device; null for the first.</summary>
    public string? Device { get; init; }

    /// <summary>Which of its outputs; only with a device.</summary>
    public int? Head { get; init; }

    /// <summary>"png" or "ppm", since QEMU 7.1; before, always ppm.</summary>
    public string? Format { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpEmpty))]
[JsonSerializable(typeof(SendKey))]
[JsonSerializable(typeof(Screendump))]
internal sealed partial class UiJson : JsonSerializerContext;
