namespace Wherry.Rpc.Transports;

/// <summary>A connected byte stream in both directions and who is at its other end. Whoever holds it disposes of it.</summary>
public sealed class RpcTransport(Stream stream, PeerIdentity peer) : IAsyncDisposable
{
    public Stream Stream { get; } = stream;

    public PeerIdentity Peer { get; } = peer;

    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
