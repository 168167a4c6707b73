using System.Net.Sockets;
using Wherry.Errors;
using Wherry.Rpc.Transports;

namespace Wherry.Rpc.Client;

/// <summary>Joins a pair of streams, such as what ssh gives a remote command, with a daemon's unix socket. It looks at no byte of it.</summary>
public static class SocketProxy
{
    private const int BufferBytes = 64 << 10;

    /// <summary>
    /// Copies both ways until the daemon closes. The end of <paramref name="input"/> is passed on, and what the daemon still has to say is
    /// still delivered.
    /// </summary>
    /// <exception cref="WherryException">SYSTEM_ERROR: nobody answers at the socket.</exception>
    /// <exception cref="IOException">The reader of <paramref name="output"/> is gone.</exception>
    public static async Task RunAsync(string socketPath, Stream input, Stream output, CancellationToken ct)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw WherryException.FromErrno(Errno.OfUnixSocket(e), $"Failed to connect socket to '{socketPath}'", ErrorDomain.Rpc);
        }

        using var stream = new NetworkStream(socket);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var sending = SendAsync(input, stream, socket, ended.Token);
        try
        {
            await stream.CopyToAsync(output, BufferBytes, ct).ConfigureAwait(false);
            await output.FlushAsync(ct).ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            // Reading a terminal or a pipe may not heed the token; whoever called us ends with us.
            if (sending.IsCompleted) await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SendAsync(Stream input, NetworkStream stream, Socket socket, CancellationToken ct)
    {
        try
        {
            await input.CopyToAsync(stream, BufferBytes, ct).ConfigureAwait(false);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The daemon closed; the other direction tells.
        }
    }
}
