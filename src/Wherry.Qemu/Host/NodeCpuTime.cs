using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>CPU time since boot, in nanoseconds (<c>virsh nodecpustats</c>): kernel includes interrupts, user includes nice.</summary>
public sealed record NodeCpuTime(ulong KernelNs, ulong UserNs, ulong IdleNs, ulong IoWaitNs)
{
    /// <summary>Nanoseconds per tick of <c>/proc/stat</c>: USER_HZ is 100 on every Linux that QEMU runs on.</summary>
    private const ulong TickNs = 10_000_000;

    /// <summary>Of one CPU, or of all when <paramref name="cpu"/> is null; null when there is no such CPU online.</summary>
    public static NodeCpuTime? Read(HostFiles files, int? cpu = null)
    {
        var name = $"cpu{cpu?.ToString(CultureInfo.InvariantCulture)}";
        foreach (var line in files.ReadLines("proc/stat"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 5 || words[0] != name)
                continue;
            // Order of the columns: user nice system idle iowait irq softirq (proc(5)).
            ulong Tick(int column) =>
                column < words.Length && ulong.TryParse(words[column], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) ? ticks : 0;
            return new NodeCpuTime(
                (Tick(3) + Tick(6) + Tick(7)) * TickNs,
                (Tick(1) + Tick(2)) * TickNs,
                Tick(4) * TickNs,
                Tick(5) * TickNs);
        }
        return null;
    }
}
