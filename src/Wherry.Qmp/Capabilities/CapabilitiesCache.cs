using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;

namespace Wherry.Qmp.Capabilities;

/// <summary>
/// Probed capabilities on disk, one JSON file per binary, so that a start of the daemon does not start every QEMU. An entry is good for
/// exactly the binary it was probed from (path, size, modification time) and the host, as far as the answers depend on it. Losing it costs one
/// probe, so nothing here is an error.
/// </summary>
public sealed class CapabilitiesCache(string directory, ILogger logger)
{
    /// <summary>Raised when <see cref="QemuCapabilities"/> asks QEMU for more; older entries are then probed anew.</summary>
    private const int FormatVersion = 2;

    /// <param name="accelerator">Whatever KVM's part of the answers depends on; null where there is no KVM.</param>
    public QemuCapabilities? Find(string emulator, string? accelerator)
    {
        try
        {
            var entry = JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(emulator)), CapabilitiesJson.Default.CacheEntry);
            return entry is not null && entry.Binary == Identify(emulator, accelerator) ? entry.Capabilities : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public void Store(string emulator, string? accelerator, QemuCapabilities capabilities)
    {
        try
        {
            Directory.CreateDirectory(directory);
            var path = PathOf(emulator);
            var temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}.new");
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(new CacheEntry(Identify(emulator, accelerator), capabilities), CapabilitiesJson.Default.CacheEntry));
            File.Move(temporary, path, overwrite: true); // Two daemons may share the directory: readers see one entry or the other, whole.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            QmpLog.CapabilitiesNotCached(logger, emulator, e);
        }
    }

    private static BinaryIdentity Identify(string emulator, string? accelerator)
    {
        var file = new FileInfo(emulator);
        var target = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return new(FormatVersion, emulator, target.Length, target.LastWriteTimeUtc.Ticks, accelerator);
    }

    private string PathOf(string emulator) =>
        Path.Combine(directory, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(emulator)).AsSpan(0, 16)) + ".json");
}

internal sealed record BinaryIdentity(int FormatVersion, string Path, long Size, long ModifiedTicks, string? Accelerator);

internal sealed record CacheEntry(BinaryIdentity Binary, QemuCapabilities Capabilities);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CacheEntry))]
internal sealed partial class CapabilitiesJson : JsonSerializerContext;
