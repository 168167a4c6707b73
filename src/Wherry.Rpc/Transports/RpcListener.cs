namespace Wherry.Rpc.Transports;

/// <summary>
/// A place where clients connect: a unix socket, a TCP port, or memory in tests. It is bound when constructed, so that a refusal (a port
/// in use, a path too long) is an error of the start and not of the running daemon.
/// </summary>
public abstract class RpcListener : IAsyncDisposable
{
    /// <summary>Sessions from here may only look: calls whose traits do not allow read-only are refused.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Who is authenticated at once; the others may only call the authentication procedures.</summary>
    public AuthScheme Auth { get; init; } = AuthScheme.None;

    /// <summary>For logs and errors: the socket's path or the bound address.</summary>
    public abstract string Name { get; }

    /// <summary>The next client.</summary>
    /// <exception cref="AcceptDelayedException">The system has no descriptor or memory for it now; the client still waits.</exception>
    /// <exception cref="Exception">Anything else: this listener is finished.</exception>
    public abstract ValueTask<RpcTransport> AcceptAsync(CancellationToken ct);

    /// <summary>Between a client's acceptance and its first frame comes <see cref="HandshakeAsync"/>; until then it counts as anonymous.</summary>
    public virtual bool HasHandshake => false;

    /// <summary>Makes what frames are read from and written to. Never in the accept loop, since a client decides how long it takes.</summary>
    /// <returns>The transport to use; it owns <paramref name="accepted"/>, and so does whoever throws.</returns>
    public virtual Task<RpcTransport> HandshakeAsync(RpcTransport accepted, CancellationToken ct) => Task.FromResult(accepted);

    /// <summary>A second time does nothing: whoever bound it and the server that it serves may both end it.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>How a session comes to be authenticated.</summary>
public enum AuthScheme
{
    /// <summary>Whoever can connect is: for unix sockets the socket's mode decides (libvirt's <c>auth_unix_rw = "none"</c>).</summary>
    None,

    /// <summary>By SO_PEERCRED: root and the daemon's own user; nobody else, and nobody over TCP.</summary>
    PeerCredentials,
}

/// <summary>accept(2) failed for want of something that other connections will give back.</summary>
public sealed class AcceptDelayedException(string message, Exception inner) : Exception(message, inner);
