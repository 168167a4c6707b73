using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Wherry.Errors;

namespace Wherry.Qmp;

/// <summary>
/// Creates the listening socket that QEMU inherits as its monitor.
/// <code>
///   we:    Listen(path) ---- spawn, fd N kept ----&gt; close our copy ---- ConnectAsync(path): accepted by the kernel at once, greeted
///   QEMU:                    -chardev socket,id=charmonitor,fd=N,server=on,wait=off       when QEMU serves it
/// </code>
/// Why: the socket exists before QEMU does, so nobody polls for it. When QEMU dies early, the last copy of the listener closes and our
/// connection meets EOF at once instead of a deadline. After a restart of the daemon the same path is connected to again.
/// </summary>
public static unsafe partial class MonitorSocket
{
    private const int AfUnix = 1;
    private const int SockStreamCloexecNonblock = 1 | 0x80000 | 0x800;

    /// <summary>The longest path of a unix socket in bytes: sun_path less its zero.</summary>
    public const int MaxPathBytes = 107;

    /// <summary>Listens at <paramref name="path"/>, replacing a left-over socket file. The descriptor is close-on-exec.</summary>
    /// <remarks>
    /// Not .NET's Socket: that one deletes the socket file when our copy closes, and QEMU could never be found again. It does not block: while
    /// QEMU starts, two of its threads may see our connection, one accepts it, and in the other accept(2) would hold up the main loop for ever.
    /// </remarks>
    /// <exception cref="WherryException">SystemError; InvalidArg for a path over <see cref="MaxPathBytes"/>.</exception>
    public static SafeFileHandle Listen(string path)
    {
        var length = Encoding.UTF8.GetByteCount(path);
        if (length > MaxPathBytes)
        {
            throw new WherryException(ErrorCode.InvalidArg, $"monitor socket path '{path}' is longer than {MaxPathBytes} bytes");
        }

        var address = new UnixAddress { Family = AfUnix };
        Encoding.UTF8.GetBytes(path, new Span<byte>(address.Path, MaxPathBytes));
        File.Delete(path);
        var handle = new SafeFileHandle(socket(AfUnix, SockStreamCloexecNonblock, 0), ownsHandle: true);
        // Backlog 1: QEMU serves one client at a time.
        if (handle.IsInvalid || bind(handle, &address, (uint)sizeof(UnixAddress)) < 0 || listen(handle, 1) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            handle.Dispose();
            throw WherryException.FromErrno(errno, $"failed to listen at monitor socket '{path}'");
        }

        return handle;
    }

    /// <summary>Whether a process still listens at the socket; it is not spoken to.</summary>
    public static bool HasListener(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.WouldBlock; // its backlog is full
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(SafeFileHandle socket, UnixAddress* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int listen(SafeFileHandle socket, int backlog);

    private struct UnixAddress
    {
        public ushort Family;
        public fixed byte Path[108];
    }
}
