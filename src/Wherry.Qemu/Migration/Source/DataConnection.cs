using System.Net.Sockets;

namespace Wherry.Qemu.Migration.Source;

/// <summary>A connection to where the destination's QEMU listens, made here and given to our QEMU: whether it comes about, and when to stop
/// waiting for it, is then known.</summary>
internal static class DataConnection
{
    // A SYN that is lost is sent again after 1 s and after 3 s.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(4);

    /// <exception cref="WherryException">OperationFailed, naming the URI: refused, or no answer within 4 s.</exception>
    public static async Task<Socket> ConnectAsync(MigrationUri uri, TimeProvider time, CancellationToken ct)
    {
        var isUnix = uri.Scheme == "unix";
        var socket = isUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await (isUnix
                ? socket.ConnectAsync(new UnixDomainSocketEndPoint(uri.Path), either.Token)
                : socket.ConnectAsync(uri.Host, uri.Port, either.Token));
            return socket;
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is SocketException)
                throw new WherryException(ErrorCode.OperationFailed, $"cannot connect to {uri}: {e.Message}", inner: e);
            if (e is OperationCanceledException && !ct.IsCancellationRequested)
                throw new WherryException(ErrorCode.OperationFailed, $"cannot connect to {uri}: no answer within {Deadline.TotalSeconds:0} s", inner: e);
            throw;
        }
    }
}
