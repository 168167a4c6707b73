using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Wherry.Qemu.Process;

/// <summary>The system calls of this folder, as the kernel's and glibc's manuals name them. Values are those of x86-64 and arm64 Linux.</summary>
internal static unsafe partial class NativeProcess
{
    public const int SigTerm = 15;
    public const int SigKill = 9;
    public const int SigCont = 18;

    public const int Esrch = 3;
    public const int Eintr = 4;

    public const short PollIn = 1;

    public const short SpawnSetSigDef = 0x04;
    public const short SpawnSetSigMask = 0x08;
    public const short SpawnSetSid = 0x80;

    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenCreate = 0x40;
    public const int OpenAppend = 0x400;

    public const int WaitIdPidFd = 3; // P_PIDFD
    public const int WaitNoHang = 1;
    public const int WaitExited = 4;
    public const int ChildExited = 1; // CLD_EXITED; every other code here is a death by signal

    public const int LimitLockedMemory = 8; // RLIMIT_MEMLOCK

    public const int AfUnix = 1;
    public const int SockStreamCloexec = 1 | 0x80000;

    private const long SysPidfdSendSignal = 424;
    private const long SysPidfdOpen = 434;
    private const long SysCloseRange = 436;
    private const long CloseRangeCloexec = 4;

    /// <summary>Larger than posix_spawnattr_t (336), posix_spawn_file_actions_t (80) and sigset_t (128) of glibc.</summary>
    public const int OpaqueBytes = 512;

    /// <summary>Why syscall(2): glibc has wrappers from 2.36 only. The pidfd is close-on-exec by itself.</summary>
    public static SafeFileHandle PidfdOpen(int pid) => new((nint)syscall(SysPidfdOpen, pid, 0, 0, 0), ownsHandle: true);

    /// <summary>
    /// Marks every descriptor but the standard ones close-on-exec. What .NET opens is already; this is for what whoever started us left open,
    /// which would otherwise be held by QEMU long after both have ended. Kernels before 5.11 cannot, and keep what we opened safe only.
    /// </summary>
    public static void MarkAllCloseOnExec() => _ = syscall(SysCloseRange, 3, uint.MaxValue, CloseRangeCloexec, 0);

    /// <summary>Returns 0 or the errno.</summary>
    public static int PidfdSendSignal(SafeFileHandle pidfd, int signal)
    {
        var held = false;
        try
        {
            pidfd.DangerousAddRef(ref held);
            return syscall(SysPidfdSendSignal, pidfd.DangerousGetHandle(), signal, 0, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        finally
        {
            if (held)
                pidfd.DangerousRelease();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, long a, long b, long c, long d);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int prlimit(int pid, int resource, LockedMemory* wanted, LockedMemory* before);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollFd* fds, nuint count, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int waitid(int idType, int id, SignalInfo* info, int options);

    [LibraryImport("libc")]
    public static partial int posix_spawn(int* pid, byte* path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport("libc")]
    public static partial int sigemptyset(void* signals);

    [LibraryImport("libc")]
    public static partial int sigfillset(void* signals);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_addopen(void* actions, int fd, byte* path, int flags, uint mode);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_adddup2(void* actions, int fd, int newFd);

    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }

    /// <summary>siginfo_t as waitid(2) fills it; 128 bytes in all.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct SignalInfo
    {
        [FieldOffset(8)]
        public int Code;

        [FieldOffset(16)]
        public int Pid;

        [FieldOffset(24)]
        public int Status;
    }
}
