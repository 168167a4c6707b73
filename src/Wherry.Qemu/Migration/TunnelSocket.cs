using System.Net.Sockets;

namespace Wherry.Qemu.Migration;

/// <summary>The socket by which a QEMU gives its memory stream to the daemon, or takes it from it. Its bytes are nobody's protocol but QEMU's.</summary>
internal static class TunnelSocket
{
    /// <summary>At the source: QEMU will connect. Only its own user may.</summary>
    public static Socket Listen(string path)
    {
        File.Delete(path);
        var socket = New();
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(backlog: 1);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>At the destination: QEMU listens.</summary>
    /// <returns>For writing only.</returns>
    public static async Task<Stream> ConnectAsync(string path, CancellationToken ct)
    {
        var socket = New();
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
            return new NetworkStream(socket, FileAccess.Write, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Socket New() => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
