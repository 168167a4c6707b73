using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Wherry.Qemu.Process;

/// <summary>On which of the host's CPUs a thread may run.</summary>
internal static unsafe partial class ThreadAffinity
{
    /// <exception cref="WherryException">SystemError: no such thread, or none of these CPUs is there.</exception>
    public static void Set(int thread, ImmutableSortedSet<int> cpus)
    {
        var mask = new byte[((cpus.IsEmpty ? 0 : cpus.Max) / 64 * 8) + 8]; // the kernel counts in words of 64 bits
        foreach (var cpu in cpus)
            mask[cpu / 8] |= (byte)(1 << (cpu % 8));
        fixed (byte* first = mask)
        {
            if (sched_setaffinity(thread, (nuint)mask.Length, first) != 0)
                throw WherryException.FromErrno(
                    Marshal.GetLastPInvokeError(), $"cannot set CPU affinity on process {thread}", ErrorDomain.None);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sched_setaffinity(int thread, nuint bytes, byte* mask);
}
