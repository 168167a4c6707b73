using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Wherry.Qemu.Consoles;

/// <summary>The system calls of this folder. Values are those of x86-64 and arm64 Linux.</summary>
internal static unsafe partial class NativeTerminal
{
    public const int Eintr = 4;
    public const int Eio = 5;
    public const int Eagain = 11;

    public const short PollIn = 1;
    public const short PollOut = 4;

    private const int OpenReadWrite = 2, OpenNoControllingTerminal = 0x100, OpenNonBlocking = 0x800, OpenCloseOnExec = 0x80000;
    private const int EventFdCloexec = 0x80000;

    /// <summary>A pseudo-terminal that never blocks its reader.</summary>
    public static SafeFileHandle OpenTerminal(string path) =>
        new(open(path, OpenReadWrite | OpenNoControllingTerminal | OpenNonBlocking | OpenCloseOnExec), ownsHandle: true);

    public static SafeFileHandle EventFd() => new(eventfd(0, EventFdCloexec), ownsHandle: true);

    /// <summary>Returns the count, or the negative errno.</summary>
    public static int Read(SafeFileHandle file, Span<byte> buffer)
    {
        fixed (byte* first = buffer)
        {
            var count = (int)read(file, first, (nuint)buffer.Length);
            return count < 0 ? -Marshal.GetLastPInvokeError() : count;
        }
    }

    /// <inheritdoc cref="Read"/>
    public static int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            var count = (int)write(file, first, (nuint)bytes.Length);
            return count < 0 ? -Marshal.GetLastPInvokeError() : count;
        }
    }

    /// <summary>Waits without limit until one is ready. Returns 0 or the errno.</summary>
    public static int Poll(PollFd[] descriptors)
    {
        fixed (PollFd* first = descriptors)
            return poll(first, (nuint)descriptors.Length, timeoutMs: -1) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollFd* descriptors, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }
}
