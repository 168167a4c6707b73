using System.Collections.Immutable;
using System.Text.Json;

namespace Wherry.Qmp;

/// <summary>What QEMU says first on a monitor connection.</summary>
/// <param name="Capabilities">Offered protocol capabilities; "oob" is the only one so far.</param>
public sealed record QmpGreeting(QemuVersion Version, ImmutableArray<string> Capabilities)
{
    internal static QmpGreeting Read(JsonElement greeting)
    {
        var version = greeting.GetProperty("version"u8);
        var numbers = version.GetProperty("qemu"u8);
        return new(
            new QemuVersion(
                numbers.GetProperty("major"u8).GetInt32(),
                numbers.GetProperty("minor"u8).GetInt32(),
                numbers.GetProperty("micro"u8).GetInt32(),
                version.GetProperty("package"u8).GetString() ?? ""),
            [.. greeting.GetProperty("capabilities"u8).EnumerateArray().Select(c => c.ToString())]);
    }

    internal static QmpTimestamp ReadTimestamp(JsonElement message) =>
        message.TryGetProperty("timestamp"u8, out var timestamp)
        && timestamp.TryGetProperty("seconds"u8, out var seconds)
        && timestamp.TryGetProperty("microseconds"u8, out var microseconds)
            ? new(seconds.GetInt64(), microseconds.GetInt32())
            : default;
}

/// <summary>QEMU's version. For display and for the version number of libvirt's API; features are never decided by it.</summary>
/// <param name="Package">The distribution's addition, such as "Debian 1:7.2+dfsg-7"; may be empty.</param>
public sealed record QemuVersion(int Major, int Minor, int Micro, string Package)
{
    /// <summary>As libvirt's API gives versions: major * 1,000,000 + minor * 1,000 + micro.</summary>
    public uint Number => (uint)((Major * 1_000_000) + (Minor * 1_000) + Micro);

    public override string ToString() => Package.Length == 0 ? $"{Major}.{Minor}.{Micro}" : $"{Major}.{Minor}.{Micro} ({Package})";
}
