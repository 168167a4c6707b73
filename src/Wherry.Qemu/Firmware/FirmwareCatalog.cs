using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Wherry.Qemu.Firmware;

/// <summary>
/// The firmwares of this host. Read anew whenever they are asked for: packages come and go while the daemon runs.
/// <code>
///   /usr/share/qemu/firmware  &lt;  /etc/qemu/firmware  &lt;  ~/.config/qemu/firmware (session mode only)
///   of files with one name the last counts, an empty one hides it; then by name, the first that suits is taken
/// </code>
/// </summary>
public sealed class FirmwareCatalog
{
    /// <summary>Far above any real description (1 KiB).</summary>
    private const int MaxBytes = 1024 * 1024;

    private readonly ImmutableArray<string> _directories;
    private readonly ILogger _logger;

    /// <param name="directories">The last one counts most.</param>
    public FirmwareCatalog(ImmutableArray<string> directories, ILogger logger)
    {
        _directories = directories;
        _logger = logger;
    }

    /// <param name="userConfiguration">In session mode the user's directory of configurations (<c>~/.config</c>); null in system mode.</param>
    public static ImmutableArray<string> UsualDirectories(string? userConfiguration) =>
    [
        "/usr/share/qemu/firmware",
        "/etc/qemu/firmware",
        .. userConfiguration is null ? (string[])[] : [Path.Combine(userConfiguration, "qemu", "firmware")],
    ];

    /// <summary>All of them, in the order in which they are to be tried. A description that cannot be read is left out, and logged.</summary>
    public ImmutableArray<FirmwareDescriptor> Read()
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in _directories.Where(Directory.Exists).SelectMany(FilesIn))
            files[Path.GetFileName(file)] = file;

        return [.. files.Values.Select(TryRead).OfType<FirmwareDescriptor>()];
    }

    private string[] FilesIn(string directory)
    {
        try
        {
            return Array.FindAll(Directory.GetFiles(directory, "*.json"), file => Path.GetFileName(file)[0] != '.');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            FirmwareLog.Unreadable(_logger, directory, e.Message);
            return [];
        }
    }

    private FirmwareDescriptor? TryRead(string path)
    {
        try
        {
            using var reader = new StreamReader(path); // through a link, whose own length says nothing
            return reader.BaseStream.Length switch
            {
                0 => null,
                > MaxBytes => throw new FormatException($"longer than {MaxBytes} bytes"),
                _ => FirmwareDescriptor.Parse(reader.ReadToEnd()),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            FirmwareLog.Unreadable(_logger, path, e.Message);
            return null;
        }
    }
}
