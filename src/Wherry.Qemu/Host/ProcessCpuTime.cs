namespace Wherry.Qemu.Host;

/// <summary>CPU time of one process with all its threads, as <c>virsh dominfo</c> shows it for QEMU.</summary>
public static class ProcessCpuTime
{
    /// <summary>USER_HZ: the kernel reports to user space in hundredths of a second on every architecture we run on.</summary>
    private const long TicksPerSecond = 100;

    /// <summary>User and system time so far; zero when the process is gone.</summary>
    public static TimeSpan Read(int pid)
    {
        try
        {
            // The command name (field 2) may hold spaces and parentheses; what follows its last ')' is fields 3 and up. Source: proc(5).
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            const int user = 14 - 3, system = 15 - 3;
            return TimeSpan.FromTicks((long.Parse(fields[user]) + long.Parse(fields[system])) * (TimeSpan.TicksPerSecond / TicksPerSecond));
        }
        catch (IOException)
        {
            return TimeSpan.Zero;
        }
    }
}
