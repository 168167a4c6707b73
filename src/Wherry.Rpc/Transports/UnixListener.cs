using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Wherry.Errors;

namespace Wherry.Rpc.Transports;

/// <summary>
/// A listening unix socket. Its mode, owner and group decide who may connect; nobody can connect before they are set, since the socket
/// only listens afterwards.
/// </summary>
public sealed partial class UnixListener : SocketListener
{
    /// <summary>sun_path holds 108 bytes including the closing zero. Source: unix(7).</summary>
    private const int MaxPathBytes = 107;

    private UnixListener(Socket socket, string path)
        : base(socket) => Name = path;

    public override string Name { get; }

    /// <param name="path">
    /// Where the socket appears. A socket left there by a daemon that died is replaced; one that somebody answers, and anything that is
    /// not a socket, is left alone.
    /// </param>
    /// <param name="mode">Permission bits, for example 0700.</param>
    /// <param name="backlog">Clients that may wait to be accepted (libvirt's <c>max_queued_clients</c>).</param>
    /// <param name="group">Group id of the socket; null leaves that of the process.</param>
    /// <exception cref="WherryException">SYSTEM_ERROR: the path is too long, in use, or not ours to bind.</exception>
    public static UnixListener Bind(
        string path, UnixFileMode mode, int backlog = RpcServerOptions.DefaultMaxQueuedClients, bool readOnly = false,
        AuthScheme auth = AuthScheme.None, uint? group = null)
    {
        if (Encoding.UTF8.GetByteCount(path) > MaxPathBytes)
            throw WherryException.FromErrno(Errno.NameTooLong, $"Path {path} too long for unix socket", ErrorDomain.Rpc);
        RemoveStale(path);

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, mode);
            if (group is { } gid && ChangeOwner(path, uint.MaxValue, gid) != 0)
                throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), $"Failed to change ownership of '{path}' to -1:{gid}", ErrorDomain.Rpc);
            socket.Listen(backlog);
            return new UnixListener(socket, path) { IsReadOnly = readOnly, Auth = auth };
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw WherryException.FromErrno(Errno.OfUnixSocket(e), $"Failed to bind socket to '{path}'", ErrorDomain.Rpc);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private protected override RpcTransport Connected(Socket accepted) =>
        new(new NetworkStream(accepted, ownsSocket: true), PeerCredentials.Read(accepted));

    /// <summary>
    /// A socket file outlives its process. Asking whether somebody answers is the only test that never takes a living daemon's socket
    /// away; between two daemons that start at the same time the pid file decides.
    /// </summary>
    private static void RemoveStale(string path)
    {
        if (FileType(path) is not { } type) return;
        if (type != SocketFileType) throw WherryException.FromErrno(Errno.FileExists, $"Failed to bind socket to '{path}'", ErrorDomain.Rpc);

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            // Somebody listens, and is so busy that its backlog is full.
        }
        catch (SocketException e)
        {
            throw WherryException.FromErrno(Errno.OfUnixSocket(e), $"Failed to bind socket to '{path}'", ErrorDomain.Rpc);
        }

        throw WherryException.FromErrno(Errno.AddressInUse, $"Failed to bind socket to '{path}'", ErrorDomain.Rpc);
    }

    private const int SocketFileType = 0xC000; // S_IFSOCK

    /// <summary>The S_IFMT bits of what is at the path itself, or null when nothing is.</summary>
    private static unsafe int? FileType(string path)
    {
        // struct statx has one layout on all architectures: 256 bytes, stx_mode a 16-bit number at 28. Source: statx(2).
        const int atFdCwd = -100, atSymlinkNoFollow = 0x100, statxType = 1;
        var buffer = stackalloc byte[256];
        return StatX(atFdCwd, path, atSymlinkNoFollow, statxType, buffer) == 0 ? *(ushort*)(buffer + 28) & 0xF000 : null;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* buffer);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
