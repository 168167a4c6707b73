using System.Net.Sockets;

namespace Wherry.Rpc.Client;

/// <summary>Whether anybody listens, before something is sent there that cannot wait.</summary>
public static class TcpProbe
{
    /// <summary>Returns when a connection has been accepted, which is closed again at once.</summary>
    /// <param name="host">Name or address; every address of a name is tried.</param>
    /// <param name="port">TCP port.</param>
    /// <param name="within">How long an answer may take.</param>
    /// <param name="time">For that.</param>
    /// <param name="ct">Stops waiting.</param>
    /// <exception cref="IOException">Nobody has accepted it; text names the place and the cause.</exception>
    public static async Task RequireListenerAsync(string host, int port, TimeSpan within, TimeProvider time, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp); // Both IP versions.
        try
        {
            await socket.ConnectAsync(host, port, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new IOException($"nobody answers at '{host}:{port}' within {within.TotalSeconds:0} s", e);
        }
        catch (SocketException e)
        {
            throw new IOException($"no connection to '{host}:{port}': {e.Message}", e);
        }
    }
}
