using System.Net.Sockets;

namespace Wherry.Rpc.Transports;

/// <summary>What unix and TCP listeners share: accepting, and telling a passing shortage from the end.</summary>
public abstract class SocketListener : RpcListener
{
    private readonly Socket _socket;

    private protected SocketListener(Socket socket) => _socket = socket;

    public sealed override async ValueTask<RpcTransport> AcceptAsync(CancellationToken ct)
    {
        while (true)
        {
            Socket accepted;
            try
            {
                accepted = await _socket.AcceptAsync(ct).ConfigureAwait(false);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                continue; // The client left before we came to it.
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                throw new AcceptDelayedException($"cannot accept a client on {Name}: {e.Message}", e);
            }

            try
            {
                return Connected(accepted);
            }
            catch (SocketException)
            {
                accepted.Dispose(); // It left between accept and our question who it is.
            }
        }
    }

    public sealed override ValueTask DisposeAsync()
    {
        _socket.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Sets up an accepted socket and asks who is there.</summary>
    /// <exception cref="SocketException">The client has already gone.</exception>
    private protected abstract RpcTransport Connected(Socket accepted);
}
