using System.Threading.Channels;
using Wherry.Rpc;
using Wherry.Rpc.Transports;

namespace Wherry.Testing.Rpc;

/// <summary>A listener without sockets: <see cref="Connect"/> gives a test the client's end.</summary>
public sealed class InMemoryListener : RpcListener
{
    private readonly Channel<RpcTransport> _backlog = Channel.CreateBounded<RpcTransport>(1000);

    public override string Name => "memory";

    /// <summary>Who the clients are said to be.</summary>
    public PeerIdentity Peer { get; init; } = new("127.0.0.1:0", Pid: 1, Uid: 0, Gid: 0);

    /// <summary>Unread bytes after which a writer waits.</summary>
    public int Capacity { get; init; } = 64 << 10;

    public DuplexStream Connect()
    {
        var (client, server) = DuplexStream.CreatePair(Capacity);
        if (!_backlog.Writer.TryWrite(new RpcTransport(server, Peer))) throw new InvalidOperationException("the listener is closed or full");
        return client;
    }

    /// <summary>Makes the accept loop fail, as a socket that breaks does.</summary>
    public void Fail(Exception cause) => _backlog.Writer.TryComplete(cause);

    public override async ValueTask<RpcTransport> AcceptAsync(CancellationToken ct)
    {
        try
        {
            return await _backlog.Reader.ReadAsync(ct);
        }
        catch (ChannelClosedException e) when (e.InnerException is { } cause)
        {
            throw new IOException(cause.Message, cause);
        }
    }

    public override ValueTask DisposeAsync()
    {
        _backlog.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }
}
