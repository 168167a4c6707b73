using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>
/// The kernel's view of this machine (<c>/proc</c>, <c>/sys</c>) below a root directory, so that tests describe other machines with small
/// fixture trees. A file that does not exist is an answer ("the kernel does not offer this"), not an error.
/// </summary>
public sealed class HostFiles(string root = "/")
{
    /// <summary>Longest file read, in bytes. <c>/proc/cpuinfo</c> of a 4096-thread machine is about 6 MiB.</summary>
    private const int MaxFileBytes = 16 * 1024 * 1024;

    private readonly string _root = root;

    /// <summary>The text of a file, or null when it does not exist.</summary>
    public string? TryReadText(string path)
    {
        try
        {
            using var stream = File.OpenRead(Full(path));
            using var reader = new StreamReader(stream);
            var buffer = new char[4096];
            var text = new System.Text.StringBuilder();
            int read;
            while ((read = reader.Read(buffer)) > 0 && text.Length < MaxFileBytes)
                text.Append(buffer, 0, read);
            return text.ToString();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether a file, such as a device, exists and may be opened by us for reading and writing.</summary>
    public bool CanWrite(string path)
    {
        try
        {
            using var file = File.OpenHandle(Full(path), access: FileAccess.ReadWrite, share: FileShare.ReadWrite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Sets a value that the kernel offers; the file exists.</summary>
    public void WriteText(string path, string text)
    {
        using var stream = new FileStream(Full(path), FileMode.Open, FileAccess.Write);
        stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
    }

    /// <summary>The lines of a file; none when it does not exist.</summary>
    public IEnumerable<string> ReadLines(string path) => TryReadText(path)?.Split('\n') ?? [];

    /// <summary>A file that holds one decimal number, as most of sysfs does; null when it is absent or holds something else.</summary>
    public long? TryReadNumber(string path) =>
        long.TryParse(TryReadText(path)?.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>A file in the kernel's list format (<c>0-3,8</c>); null when it is absent.</summary>
    public CpuSet? TryReadCpuSet(string path) => TryReadText(path) is { } text ? CpuSet.Parse(text) : null;

    /// <summary>Numbers n of the entries <c>prefixN</c> in a directory, ascending; none when the directory does not exist.</summary>
    public IEnumerable<int> NumberedEntries(string directory, string prefix)
    {
        var full = Full(directory);
        if (!Directory.Exists(full))
            return [];
        return Directory.EnumerateFileSystemEntries(full, prefix + "*")
            .Select(entry => int.TryParse(Path.GetFileName(entry.AsSpan())[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : -1)
            .Where(n => n >= 0)
            .Order()
            .ToArray();
    }

    /// <summary>Names of the entries of a directory; none when it does not exist.</summary>
    public IEnumerable<string> Entries(string directory) =>
        Directory.Exists(Full(directory)) ? Directory.EnumerateFileSystemEntries(Full(directory)).Select(entry => Path.GetFileName(entry)!) : [];

    private string Full(string path) => Path.Join(_root, path);
}
