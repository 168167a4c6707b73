using System.Text;

namespace Wherry.Qemu.Process;

/// <summary>The end of a domain's log, for the error of a start that failed: QEMU tells the reason on its stderr only.</summary>
public static class LogTail
{
    /// <summary>What one error message may carry.</summary>
    public const int MaxLines = 20;

    private const int MaxBytes = 8 * 1024;

    /// <summary>QEMU tells so where a pseudo-terminal is, whatever becomes of it: no reason for anything, and left out as libvirt leaves it out.</summary>
    private const string Terminal = "char device redirected to";

    /// <summary>The size to pass as <c>from</c> later; 0 when there is no log yet.</summary>
    public static long Mark(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    /// <summary>The last lines written after <paramref name="from"/>, at most <see cref="MaxLines"/> and 8 KiB; empty when there are none.</summary>
    /// <param name="from">What stood there before is of an earlier run, and would explain the wrong failure.</param>
    public static string Read(string path, long from)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var start = Math.Max(from, file.Length - MaxBytes);
            file.Position = Math.Min(start, file.Length);
            using var reader = new StreamReader(file, Encoding.UTF8);
            var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(line => !line.Contains(Terminal, StringComparison.Ordinal));
            return string.Join('\n', lines.TakeLast(MaxLines));
        }
        catch (IOException)
        {
            return ""; // No log, no tail: the caller's own error stands alone.
        }
    }
}
