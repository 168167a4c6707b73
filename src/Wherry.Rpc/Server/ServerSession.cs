using Wherry.Rpc.Frames;
using Wherry.Wire.Frames;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc;

/// <summary>
/// One client's connection as handlers see it: who it is, what it may do, and the way to send it events. Safe to use from any thread,
/// also after the connection is gone: what is sent then is dropped.
/// </summary>
public sealed class ServerSession
{
    private readonly ServerConnection _connection;
    private readonly Lock _lock = new();
    private readonly List<Func<Task>> _onClosed = [];
    private object? _state;
    private bool _gone;
    private volatile bool _isReadOnly;
    private volatile bool _isAuthenticated;

    internal ServerSession(ServerConnection connection, long id, PeerIdentity identity, bool isReadOnly, bool isAuthenticated)
    {
        _connection = connection;
        Id = id;
        Identity = identity;
        _isReadOnly = isReadOnly;
        _isAuthenticated = isAuthenticated;
    }

    /// <summary>Unique among all connections of this process, incoming and outgoing; "client=" in every log line.</summary>
    public long Id { get; }

    public PeerIdentity Identity { get; }

    public DateTimeOffset ConnectedAt { get; internal init; }

    /// <summary>Only procedures that allow it may be called: the listener is read-only, or the client opened read-only.</summary>
    public bool IsReadOnly => _isReadOnly;

    public bool IsAuthenticated => _isAuthenticated;

    /// <summary>Cancelled as soon as the connection is being closed, whoever closes it.</summary>
    public CancellationToken Closed => _connection.Closing;

    /// <summary>For CONNECT_OPEN with the read-only flag on a socket that could write. There is no way back.</summary>
    public void RestrictToReadOnly() => _isReadOnly = true;

    /// <summary>The handlers' own state of this session, made by the first who asks. One type per program.</summary>
    public TState State<TState>(Func<ServerSession, TState> create)
        where TState : class
    {
        lock (_lock) return (TState)(_state ??= create(this));
    }

    /// <summary>
    /// Queues one event; never waits. A client that does not read its events is cut off when
    /// <see cref="RpcServerOptions.MaxQueuedEvents"/> of them, or <see cref="RpcServerOptions.MaxQueuedEventBytes"/>, are waiting: a
    /// client that misses an event would go on with a wrong picture, one that is cut connects again and asks.
    /// </summary>
    public void SendEvent<T>(uint program, uint version, int procedure, in T body)
        where T : struct, IXdr<T> =>
        _connection.SendEvent(OutgoingFrame.Event(program, version, procedure, body));

    /// <summary>
    /// Begins to ask this client for signs of life, once it has said that it can answer (CONNECT_SUPPORTS_FEATURE with
    /// PROGRAM_KEEPALIVE). Before that an old client would be taken for dead.
    /// </summary>
    public void StartKeepAlive() => _connection.StartKeepAlive();

    /// <summary>
    /// Asks for a sign of life now: one keepalive round trip. Whatever arrived before, and the answer to an earlier PING, does not count. A
    /// client that has never said that it can answer is alive as long as its connection is: nothing better can be known of it.
    /// </summary>
    /// <param name="ct">The caller's patience; there is no other limit.</param>
    /// <returns>False when the connection has ended, or the client does not read.</returns>
    public Task<bool> PingAsync(CancellationToken ct) => _connection.PingAsync(ct);

    /// <inheritdoc cref="ServerCall.OpenStream"/>
    internal ServerStream OpenStream(in MessageHeader call, Stream data, Action? closed) => _connection.Streams.Open(call, data, closed);

    /// <summary>Closes the connection once the replies already queued have been written, for example after CONNECT_CLOSE.</summary>
    public void CloseAfterReplies(string reason) => _connection.CloseAfterReplies(reason);

    /// <summary>Closes the connection at once; calls that have begun are finished, and nobody hears of it.</summary>
    public void Disconnect(string reason) => _connection.Break(reason);

    /// <summary>
    /// Runs <paramref name="callback"/> when the client is gone: its socket is closed and no more of its calls begin, but calls that
    /// began may still be running. If it is gone already, the callback runs at once. Failures are logged.
    /// </summary>
    public void OnClosed(Func<Task> callback)
    {
        lock (_lock)
        {
            if (!_gone)
            {
                _onClosed.Add(callback);
                return;
            }
        }

        _connection.RunWhenGone(callback);
    }

    public override string ToString() => $"client={Id} ({Identity})";

    /// <summary>The connection is gone: from now on callbacks run when they are registered.</summary>
    internal IReadOnlyList<Func<Task>> TakeClosedCallbacks()
    {
        lock (_lock)
        {
            _gone = true;
            return _onClosed;
        }
    }
}
