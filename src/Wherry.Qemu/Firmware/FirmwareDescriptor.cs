using System.Collections.Frozen;
using System.Collections.Immutable;
using System.IO.Enumeration;
using System.Text.Json;

namespace Wherry.Qemu.Firmware;

/// <summary>One firmware of this host, as its package describes it. Source: QEMU's docs/interop/firmware.json.</summary>
/// <param name="Interfaces">"uefi", "bios" and others.</param>
/// <param name="Features">"secure-boot", "requires-smm" and others.</param>
public sealed record FirmwareDescriptor(
    FrozenSet<string> Interfaces, FirmwareMapping Mapping, ImmutableArray<FirmwareTarget> Targets, FrozenSet<string> Features)
{
    /// <summary>What a definition can name as its loader; null for a firmware that is started as a kernel.</summary>
    public string? LoaderPath => Mapping switch
    {
        FirmwareMapping.Flash flash => flash.Executable.Path,
        FirmwareMapping.Memory memory => memory.Path,
        _ => null,
    };

    /// <summary>Whether it runs on such a machine.</summary>
    public bool Suits(string arch, string machine) => Targets.Any(
        target => target.Architecture == arch && target.Machines.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, machine, ignoreCase: false)));

    /// <exception cref="FormatException">It is not such a description; the text says what is missing.</exception>
    public static FirmwareDescriptor Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return new FirmwareDescriptor(
                Words(root, "interface-types").ToFrozenSet(StringComparer.Ordinal),
                ParseMapping(Member(root, "mapping")),
                [.. Items(root, "targets").Select(target => new FirmwareTarget(Text(target, "architecture"), [.. Words(target, "machines")]))],
                Words(root, "features").ToFrozenSet(StringComparer.Ordinal));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException(e.Message, e); // not JSON, or of another type than it must be
        }
    }

    private static FirmwareMapping ParseMapping(JsonElement mapping) => Text(mapping, "device") switch
    {
        "flash" => ParseFlash(mapping),
        "memory" => new FirmwareMapping.Memory(Text(mapping, "filename")),
        "kernel" => new FirmwareMapping.Kernel(Text(mapping, "filename")),
        var device => throw new FormatException($"unknown device type '{device}'"),
    };

    private static FirmwareMapping.Flash ParseFlash(JsonElement mapping)
    {
        // "split" is what the word means where it is left out: it is younger than the description.
        var mode = mapping.TryGetProperty("mode", out var given) ? given.GetString() : "split";
        var template = mode == "split" ? ParseFile(Member(mapping, "nvram-template")) : null;
        return new FirmwareMapping.Flash(ParseFile(Member(mapping, "executable")), template, IsStateless: mode == "stateless");
    }

    private static FirmwareFile ParseFile(JsonElement file) => new(Text(file, "filename"), Text(file, "format"));

    private static IEnumerable<string> Words(JsonElement parent, string name) => Items(parent, name).Select(item => item.GetString() ?? "");

    private static JsonElement.ArrayEnumerator Items(JsonElement parent, string name) => Member(parent, name).EnumerateArray();

    private static string Text(JsonElement parent, string name) =>
        Member(parent, name).GetString() ?? throw new FormatException($"'{name}' is null");

    private static JsonElement Member(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var member) ? member : throw new FormatException($"'{name}' is missing");
}
