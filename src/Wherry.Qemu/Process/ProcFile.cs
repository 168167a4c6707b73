using System.Globalization;
using System.Text;

namespace Wherry.Qemu.Process;

/// <summary>What /proc says about a process; null when there is none (any more).</summary>
internal static class ProcFile
{
    /// <summary>Field 22 of /proc/PID/stat: start time in clock ticks since boot. Null as well for a zombie, which runs nothing any more.</summary>
    public static ulong? StartTime(int pid)
    {
        if (Read($"/proc/{pid}/stat") is not { } stat)
            return null;

        // Field 2 is the name in brackets and may hold anything, spaces and brackets included: fields are counted from the last bracket.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var state = fields[0]; // field 3
        return state is "Z" or "X" ? null : ulong.Parse(fields[22 - 3], CultureInfo.InvariantCulture);
    }

    /// <summary>The argument vector, argument zero included.</summary>
    public static string[]? CommandLine(int pid) => Read($"/proc/{pid}/cmdline")?.TrimEnd('\0').Split('\0');

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // ENOENT, or ESRCH when it goes between open and read.
        }
    }
}
