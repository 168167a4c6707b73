using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>What one process, or one thread of it, has used so far.</summary>
/// <param name="LastCpu">The host CPU it ran on last.</param>
/// <param name="ResidentKiB">Memory of the whole process, also when a thread was asked for.</param>
public readonly record struct ProcessUsage(TimeSpan User, TimeSpan System, int LastCpu, ulong ResidentKiB)
{
    /// <summary>USER_HZ: the kernel reports to user space in hundredths of a second on every architecture we run on.</summary>
    private const long TicksPerSecond = 100;

    public TimeSpan Total => User + System;

    /// <summary>The process with all its threads, or one thread; null when it is gone.</summary>
    public static ProcessUsage? Read(int pid, int? thread = null)
    {
        if (ReadText(thread is null ? $"/proc/{pid}/stat" : $"/proc/{pid}/task/{thread}/stat") is not { } stat)
            return null;
        // The command name (field 2) may hold spaces and parentheses; what follows its last ')' is fields 3 and up. Source: proc(5).
        const int user = 14 - 3, system = 15 - 3, resident = 24 - 3, processor = 39 - 3;
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        long Field(int index) => long.Parse(fields[index], CultureInfo.InvariantCulture);
        TimeSpan Time(int index) => TimeSpan.FromTicks(Field(index) * (TimeSpan.TicksPerSecond / TicksPerSecond));
        return new ProcessUsage(
            Time(user), Time(system), (int)Field(processor), (ulong)(Field(resident) * Environment.SystemPageSize / 1024));
    }

    /// <summary>How long a thread was ready to run and had to wait for a CPU, in nanoseconds; null when it is gone.</summary>
    public static ulong? ReadRunDelayNs(int pid, int thread) =>
        // Field 2 of schedstat. Source: Documentation/scheduler/sched-stats in the kernel.
        ReadText($"/proc/{pid}/task/{thread}/schedstat")?.Split(' ') is [_, var delay, ..]
        && ulong.TryParse(delay, NumberStyles.None, CultureInfo.InvariantCulture, out var nanoseconds)
            ? nanoseconds
            : null;

    /// <summary>How long a thread was blocked, in nanoseconds; 0 where the kernel does not keep that account, as most are configured.</summary>
    public static ulong ReadWaitNs(int pid, int thread)
    {
        foreach (var line in ReadText($"/proc/{pid}/task/{thread}/sched")?.Split('\n') ?? [])
        {
            if (!line.StartsWith("se.statistics.wait_sum", StringComparison.Ordinal) && !line.StartsWith("wait_sum", StringComparison.Ordinal))
                continue;
            return double.TryParse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture, out var milliseconds)
                ? (ulong)(milliseconds * 1_000_000)
                : 0;
        }
        return 0;
    }

    /// <summary>The host CPUs that a thread may run on; null when it is gone.</summary>
    public static CpuSet? ReadAffinity(int pid, int thread)
    {
        const string label = "Cpus_allowed_list:";
        var line = ReadText($"/proc/{pid}/task/{thread}/status")?.Split('\n').FirstOrDefault(line => line.StartsWith(label, StringComparison.Ordinal));
        return line is null ? null : CpuSet.Parse(line[label.Length..].Trim());
    }

    private static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // ENOENT, or ESRCH when it goes between open and read.
        }
    }
}
