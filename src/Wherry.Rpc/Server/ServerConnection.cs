using System.Diagnostics.CodeAnalysis;
using Wherry.Rpc.Frames;
using Wherry.Rpc.KeepAlive;
using Wherry.Rpc.Transports;
using Wherry.Wire.KeepAlive;

namespace Wherry.Rpc;

/// <summary>
/// One accepted connection from its first byte to its end.
/// <code>
///            +-- keepalive: answered here, never behind a busy call ----------------+
///   socket -&gt; read loop -&gt; lane (normal | priority) -&gt; call on the thread pool -&gt; write loop -&gt; socket
///                 ^                                                                   |
///                 +---- waits while too much is read ahead &lt;-- place given back &lt;---+
/// </code>
/// Whatever ends it first (the peer, keepalive, a broken frame, shutdown) is its reason; <see cref="Break"/> records it, and everything
/// else follows from the token <see cref="Closing"/>.
/// </summary>
internal sealed class ServerConnection
{
    private readonly ServerContext _server;
    private readonly RpcTransport _transport;
    private readonly FrameReader _reader;
    private readonly FrameWriter _writer;
    private readonly KeepAliveTimer _keepAlive;
    private readonly RunningTasks _running = new();
    private readonly CancellationTokenSource _closing = new();

    private readonly Lock _lock = new();
    private readonly RequestLane<IncomingFrame> _normal;
    private readonly RequestLane<IncomingFrame> _priority;
    private TaskCompletionSource? _roomAwaited;
    private string? _drainReason;
    private string? _breakReason;
    private bool _pauseLogged;

    // PINGs and PONGs carry no number. The stream keeps their order, so the n-th PONG answers the n-th PING.
    private readonly List<(long Ping, TaskCompletionSource Answered)> _pings = []; // under _lock, as the counts
    private long _pingsSent;
    private long _pongsReceived;
    private volatile bool _answersPings;

    public ServerConnection(ServerContext server, RpcTransport transport, bool isReadOnly, bool isAuthenticated)
    {
        var options = server.Options;
        _server = server;
        _transport = transport;
        Session = new ServerSession(this, ConnectionId.Next(), transport.Peer, isReadOnly, isAuthenticated) { ConnectedAt = server.Time.GetUtcNow() };
        _normal = new(options.MaxClientRequests, options.MaxReadAheadRequests, options.MaxReadAheadBytes);
        _priority = new(options.MaxClientRequests, options.MaxReadAheadRequests, options.MaxReadAheadBytes);
        _writer = new FrameWriter(
            transport.Stream, (2 * options.MaxClientRequests) + ServerStreams.MaxFrames, options.MaxQueuedEvents, options.MaxQueuedEventBytes);
        Streams = new ServerStreams(_writer, _running, _closing.Token);
        _keepAlive = new KeepAliveTimer(
            Session.Id, options.KeepAliveInterval, options.KeepAliveCount, server.Time, server.Logger, () => SendPing(answered: null), Break);
        _reader = new FrameReader(transport.Stream, _keepAlive.Received);
    }

    public ServerSession Session { get; }

    /// <summary>Of this client: begun and not answered yet, and waiting for their turn.</summary>
    public (int InProgress, int Waiting) Calls
    {
        get
        {
            lock (_lock) return (_normal.InProgress + _priority.InProgress, _normal.Waiting + _priority.Waiting);
        }
    }

    public ServerStreams Streams { get; }

    /// <summary>Cancelled as soon as the connection has a reason to end.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>
    /// Serves the client until the connection ends, then runs the session's callbacks and waits for its last call. Does not throw.
    /// </summary>
    /// <param name="gone">Called when the socket is closed: from here on the connection counts against no limit.</param>
    public async Task RunAsync(Action gone)
    {
        RpcLog.ClientConnected(_server.Logger, Session, Session.IsReadOnly);
        var writing = WriteAsync();
        await ReadAsync().ConfigureAwait(false);
        await writing.ConfigureAwait(false);
        await _keepAlive.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
        _reader.Dispose();
        gone();
        RpcLog.ClientGone(_server.Logger, Session, _breakReason!);

        StopStarting(_breakReason!);
        foreach (var callback in Session.TakeClosedCallbacks()) RunWhenGone(callback);
        await _running.WhenEmptyAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the connection now. The first reason is the one that is logged; later ones are its consequences.</summary>
    public void Break(string reason)
    {
        if (Interlocked.CompareExchange(ref _breakReason, reason, null) is not null) return;
        _writer.Complete();
        _running.Track(CancelClosingAsync());
    }

    /// <inheritdoc cref="ServerSession.CloseAfterReplies"/>
    public void CloseAfterReplies(string reason)
    {
        if (StopStarting(reason)) Break(reason);
    }

    /// <inheritdoc cref="ServerSession.SendEvent"/>
    public void SendEvent(OutgoingFrame frame)
    {
        if (_writer.TryQueue(frame) || Closing.IsCancellationRequested) return;
        var options = _server.Options;
        RpcLog.EventsNotRead(_server.Logger, Session, options.MaxQueuedEvents, options.MaxQueuedEventBytes);
        Break("client does not read its events");
    }

    public void StartKeepAlive()
    {
        _answersPings = true;
        _keepAlive.Start();
    }

    /// <inheritdoc cref="ServerSession.PingAsync"/>
    public async Task<bool> PingAsync(CancellationToken ct)
    {
        if (!_answersPings) return !Closing.IsCancellationRequested;
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!SendPing(answered)) return false;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, Closing);
        try
        {
            await answered.Task.WaitAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (Closing.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            lock (_lock) _pings.RemoveAll(waiting => waiting.Answered == answered);
        }
    }

    /// <inheritdoc cref="ServerSession.OnClosed"/>
    public void RunWhenGone(Func<Task> callback) => _running.Run(async () =>
    {
        try
        {
            await callback().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            RpcLog.ClosedCallbackFailed(_server.Logger, e, Session);
        }
    });

    private async Task ReadAsync()
    {
        try
        {
            while (await _reader.ReadAsync(Closing).ConfigureAwait(false) is { } frame)
            {
                if (!AnswerKeepAlive(frame) && !await TakeStreamPacketAsync(frame).ConfigureAwait(false)) await EnterAsync(frame).ConfigureAwait(false);
            }

            Break("closed by the client");
        }
        catch (OperationCanceledException) when (Closing.IsCancellationRequested)
        {
            // Break has recorded why.
        }
        catch (ProtocolException e)
        {
            Break($"bad frame: {e.Message}");
        }
        catch (IOException e)
        {
            Break($"reading failed: {e.Message}");
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            await _writer.RunAsync(Written, Closing).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Closing.IsCancellationRequested)
        {
            // Break has recorded why.
        }
        catch (IOException e)
        {
            Break($"writing failed: {e.Message}");
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private bool AnswerKeepAlive(IncomingFrame frame)
    {
        var message = KeepAliveMachine.CheckMessage(frame.Header);
        if (message == KeepAliveMessage.NotKeepAlive) return false;
        frame.Dispose();
        RpcLog.KeepAliveReceived(_server.Logger, Session.Id, message);
        if (message == KeepAliveMessage.Ping) _writer.TryQueue(OutgoingFrame.KeepAlive(KeepAliveProcedure.Pong));
        if (message == KeepAliveMessage.Pong) PongReceived();
        return true;
    }

    /// <summary>Hands a stream its packet. One that is not read holds up the whole connection when its queue is full, as libvirt's does.</summary>
    private async ValueTask<bool> TakeStreamPacketAsync(IncomingFrame frame)
    {
        if (Streams.Find(frame.Header) is not { } stream) return false;
        if (stream.TryTake(frame)) return true;
        _keepAlive.Pause();
        await stream.TakeAsync(frame, Closing).ConfigureAwait(false);
        _keepAlive.Resume();
        return true;
    }

    /// <param name="answered">Who waits for the PONG; null for nobody.</param>
    /// <returns>False: the client has not read the last few, or is gone.</returns>
    private bool SendPing(TaskCompletionSource? answered)
    {
        lock (_lock)
        {
            if (!_writer.TryQueue(OutgoingFrame.KeepAlive(KeepAliveProcedure.Ping))) return false;
            _pingsSent++;
            if (answered is not null) _pings.Add((_pingsSent, answered));
            return true;
        }
    }

    private void PongReceived()
    {
        lock (_lock)
        {
            // Not more than were sent: a client that says PONG unasked has answered nothing.
            if (_pongsReceived < _pingsSent) _pongsReceived++;
            foreach (var (ping, answered) in _pings)
            {
                if (ping <= _pongsReceived) answered.TrySetResult();
            }
        }
    }

    /// <summary>Starts the call or lets it wait for its place. Returns when the next frame may be read.</summary>
    private async Task EnterAsync(IncomingFrame frame)
    {
        var isPriority = _server.Dispatcher.IsPriority(frame.Header);
        while (!TryEnter(frame, isPriority, out var room))
        {
            if (!_pauseLogged) RpcLog.ReadingPaused(_server.Logger, Session, _server.Options.MaxClientRequests, _server.Options.MaxReadAheadRequests);
            _pauseLogged = true; // Once for each client, as libvirt does: a busy client pauses often.
            _keepAlive.Pause();
            await room.WaitAsync(Closing).ConfigureAwait(false);
            _keepAlive.Resume();
        }
    }

    private bool TryEnter(IncomingFrame frame, bool isPriority, [NotNullWhen(false)] out Task? room)
    {
        room = null;
        lock (_lock)
        {
            var lane = isPriority ? _priority : _normal;
            if (_drainReason is not null)
            {
                frame.Dispose();
            }
            else if (!lane.HasRoom)
            {
                _roomAwaited ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _roomAwaited.Task;
            }
            else if (lane.Enter(frame, frame.Length))
            {
                Start(frame, isPriority);
            }
        }

        return room is null;
    }

    private void Start(IncomingFrame frame, bool isPriority) => _running.Run(() => AnswerAsync(frame, isPriority));

    private async Task AnswerAsync(IncomingFrame frame, bool isPriority)
    {
        try
        {
            OutgoingFrame? reply;
            using (frame) reply = await _server.Dispatcher.AnswerAsync(Session, frame, _server.Stopping).ConfigureAwait(false);
            if (reply is null)
            {
                Leave(isPriority);
                return;
            }

            reply.IsPriority = isPriority;
            // False only when the connection is closing, and then nobody needs the place.
            _writer.TryQueue(reply);
            reply.Queued?.Invoke();
        }
        catch (Exception e)
        {
            Fail(e); // Without its reply the client would wait for ever.
        }
    }

    private void Written(OutgoingFrame frame)
    {
        if (frame.Kind == OutgoingKind.Reply) Leave(frame.IsPriority);
        frame.Written?.Invoke();
    }

    /// <summary>A call's reply is on the wire: the next one starts, and the read loop looks again.</summary>
    private void Leave(bool isPriority)
    {
        string? drained = null;
        lock (_lock)
        {
            if ((isPriority ? _priority : _normal).Leave(out var next)) Start(next, isPriority);
            else if (IsIdle) drained = _drainReason;
            _roomAwaited?.TrySetResult();
            _roomAwaited = null;
        }

        if (drained is not null) Break(drained);
    }

    /// <summary>No more calls start; those that wait are dropped.</summary>
    /// <returns>True when none is in progress either.</returns>
    private bool StopStarting(string reason)
    {
        lock (_lock)
        {
            _drainReason ??= reason;
            foreach (var frame in _normal.Clear().Concat(_priority.Clear())) frame.Dispose();
            _roomAwaited?.TrySetResult();
            _roomAwaited = null;
            return IsIdle;
        }
    }

    private bool IsIdle => _normal.InProgress + _priority.InProgress == 0;

    /// <summary>Our own mistake costs this connection, and neither its callbacks nor the daemon.</summary>
    private void Fail(Exception e)
    {
        RpcLog.ConnectionFailed(_server.Logger, e, Session);
        Break("internal error");
    }

    private async Task CancelClosingAsync()
    {
        try
        {
            // What handlers registered on the token runs on the thread pool, not under whatever our caller holds.
            await _closing.CancelAsync().ConfigureAwait(false);
        }
        catch (AggregateException e)
        {
            RpcLog.ClosedCallbackFailed(_server.Logger, e, Session);
        }
    }
}
