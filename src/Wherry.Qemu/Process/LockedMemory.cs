using System.Globalization;
using System.Runtime.InteropServices;

namespace Wherry.Qemu.Process;

/// <summary>How much memory a process may lock, in bytes (RLIMIT_MEMLOCK). What it sends without copying is locked until it has been sent.</summary>
/// <param name="Soft">What counts.</param>
/// <param name="Hard">What it may set the other to by itself.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct LockedMemory(ulong Soft, ulong Hard)
{
    private const int MayLockAny = 14; // CAP_IPC_LOCK

    /// <summary>What a process may lock now; null where no limit counts for it.</summary>
    /// <exception cref="WherryException">SystemError: it is gone, or not ours to ask.</exception>
    public static unsafe LockedMemory? LimitOf(int pid)
    {
        const string capabilities = "CapEff:";
        var held = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith(capabilities, StringComparison.Ordinal))[capabilities.Length..];
        if ((ulong.Parse(held, NumberStyles.AllowHexSpecifier | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture) >> MayLockAny & 1) != 0)
            return null;

        var now = default(LockedMemory);
        return NativeProcess.prlimit(pid, NativeProcess.LimitLockedMemory, null, &now) == 0
            ? now
            : throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), $"cannot get locked memory limit of process {pid}");
    }

    /// <summary>The same limits with as much as this; unchanged where it is enough already.</summary>
    public LockedMemory AtLeast(ulong bytes) => new(Math.Max(Soft, bytes), Math.Max(Hard, bytes));

    /// <exception cref="WherryException">SystemError: more than this daemon may grant.</exception>
    public unsafe void Grant(int pid)
    {
        var wanted = this;
        if (NativeProcess.prlimit(pid, NativeProcess.LimitLockedMemory, &wanted, null) != 0)
            throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), $"cannot limit locked memory of process {pid} to {Soft}");
    }
}
