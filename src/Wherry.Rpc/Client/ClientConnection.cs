using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Wherry.Errors;
using Wherry.Rpc.Frames;
using Wherry.Rpc.KeepAlive;
using Wherry.Rpc.Transports;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc.Client;

/// <summary>
/// A connection to another daemon. Any number of calls at a time, from any thread.
/// <code>
///   CallAsync -> serial registered -> write loop -> socket -> read loop -+-> reply: the caller of that serial
///                                                                        +-> event: Events
///                                                                        +-> keepalive: answered here
/// </code>
/// It ends once, for one reason: <see cref="Closed"/> tells it, and every call that waits fails with it.
/// </summary>
public sealed partial class ClientConnection : IAsyncDisposable
{
    /// <summary>Calls without a reply, abandoned ones included. Far more than a server works on at a time for one client.</summary>
    private const int MaxPendingCalls = 1000;

    private readonly string _name;
    private readonly RpcTransport _transport;
    private readonly ILogger _logger;
    private readonly FrameReader _reader;
    private readonly FrameWriter _writer;
    private readonly KeepAliveTimer _keepAlive;
    private readonly Channel<RpcEvent> _events;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _running;

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, TaskCompletionSource<IncomingFrame>> _pending = [];
    private readonly Dictionary<uint, ClientStream> _streams = [];
    private uint _lastSerial;
    private (string Reason, Exception? Cause)? _end;

    private ClientConnection(string name, RpcTransport transport, ClientConnectionOptions options, TimeProvider time, ILogger logger)
    {
        Id = ConnectionId.Next();
        _name = name;
        _transport = transport;
        _logger = logger;
        _events = Channel.CreateBounded<RpcEvent>(new BoundedChannelOptions(options.MaxQueuedEvents)
        {
            SingleWriter = true,
            FullMode = BoundedChannelFullMode.Wait, // Never waited for: full ends the connection.
        });
        _writer = new FrameWriter(transport.Stream, MaxPendingCalls);
        _keepAlive = new KeepAliveTimer(
            Id, options.KeepAliveInterval, options.KeepAliveCount, time, logger, SendPing, reason => Break(reason));
        _reader = new FrameReader(transport.Stream, _keepAlive.Received);
        _running = RunAsync();
    }

    /// <summary>Unique among all connections of this process; "client=" in every log line, so that a search for it finds keepalive too.</summary>
    public long Id { get; }

    /// <summary>Who is at the other end.</summary>
    public PeerIdentity Peer => _transport.Peer;

    /// <summary>Events in the order in which they came; completed when the connection ends.</summary>
    public ChannelReader<RpcEvent> Events => _events.Reader;

    /// <summary>Completes with the reason when the connection has ended, also when it was disposed of. Never faults.</summary>
    public Task<string> Closed => _closed.Task;

    /// <summary>Uses a transport that is connected already, without a handshake.</summary>
    public static ClientConnection Attach(
        string name, RpcTransport transport, ClientConnectionOptions options, TimeProvider time, ILogger logger) =>
        new(name, transport, options, time, logger);

    /// <summary>
    /// Calls a procedure and waits for its answer. Cancelling means to stop waiting: the call is carried out all the same, and its late
    /// reply is dropped.
    /// </summary>
    /// <exception cref="RemoteCallException">The server's verdict.</exception>
    /// <exception cref="ConnectionLostException">No verdict: the call may have been carried out or not.</exception>
    public async Task<TRet> CallAsync<TArgs, TRet>(uint program, uint version, int procedure, TArgs args, CancellationToken ct)
        where TArgs : struct, IXdr<TArgs>
        where TRet : struct, IXdr<TRet>
    {
        using var frame = await SendAndWaitAsync(program, version, procedure, args, ct).ConfigureAwait(false);
        try
        {
            if (frame.Header.Status == MessageStatus.Error) throw new RemoteCallException(Decode<RemoteError>(frame));
            return Decode<TRet>(frame);
        }
        catch (XdrException e)
        {
            // The server answered something, so it may have done it; that we cannot read what leaves us as wise as no answer.
            Break($"reply to procedure {procedure} of program {program:x} cannot be decoded: {e.Detail}", e);
            throw Lost();
        }
    }

    /// <summary>Calls a procedure that returns nothing.</summary>
    /// <inheritdoc cref="CallAsync{TArgs, TRet}"/>
    public Task CallAsync<TArgs>(uint program, uint version, int procedure, in TArgs args, CancellationToken ct)
        where TArgs : struct, IXdr<TArgs> =>
        CallAsync<TArgs, Nothing>(program, version, procedure, args, ct);

    /// <summary>Calls a procedure that opens a stream from us to the server.</summary>
    /// <inheritdoc cref="CallAsync{TArgs, TRet}"/>
    public async Task<(TRet Reply, ClientStream Stream)> OpenStreamAsync<TArgs, TRet>(uint program, uint version, int procedure, TArgs args, CancellationToken ct)
        where TArgs : struct, IXdr<TArgs>
        where TRet : struct, IXdr<TRet>
    {
        ClientStream? stream = null;
        using var frame = await SendAndWaitAsync(program, version, procedure, args, ct, serial =>
        {
            // Before the call is sent: the server may fail the stream as soon as it has replied.
            stream = new ClientStream(new MessageHeader(program, version, procedure, MessageType.Call, serial, MessageStatus.Ok), this);
            lock (_lock) _streams.Add(serial, stream);
        }).ConfigureAwait(false);
        try
        {
            if (frame.Header.Status == MessageStatus.Ok) return (Decode<TRet>(frame), stream!);
            lock (_lock) _streams.Remove(frame.Header.Serial);
            throw new RemoteCallException(Decode<RemoteError>(frame));
        }
        catch (XdrException e)
        {
            Break($"reply to procedure {procedure} of program {program:x} cannot be decoded: {e.Detail}", e);
            throw Lost();
        }
    }

    /// <summary>Queues a frame and waits until it is on the wire.</summary>
    /// <exception cref="ConnectionLostException">The connection has ended.</exception>
    internal async Task WriteAsync(OutgoingFrame frame, CancellationToken ct)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        frame.Written = written.SetResult;
        try
        {
            await _writer.QueueAsync(frame, ct).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw Lost();
        }

        if (await Task.WhenAny(written.Task, _closed.Task).WaitAsync(ct).ConfigureAwait(false) != written.Task) throw Lost();
    }

    /// <summary>Begins, changes or (interval zero or less) stops asking the server for signs of life.</summary>
    public void SetKeepAlive(TimeSpan interval, int count) => _keepAlive.Start(interval, count);

    /// <summary>Ends the connection; calls that wait fail.</summary>
    public async ValueTask DisposeAsync()
    {
        Break("closed by us");
        await _running.ConfigureAwait(false);
    }

    public override string ToString() => $"client={Id} (to {_name})";

    private static T Decode<T>(IncomingFrame frame)
        where T : struct, IXdr<T>
    {
        var reader = new XdrReader(frame.Payload.Span);
        var value = T.Decode(ref reader);
        reader.ExpectEnd();
        return value;
    }

    private async Task<IncomingFrame> SendAndWaitAsync<TArgs>(
        uint program, uint version, int procedure, TArgs args, CancellationToken ct, Action<uint>? sending = null)
        where TArgs : struct, IXdr<TArgs>
    {
        ct.ThrowIfCancellationRequested();
        var (serial, reply) = Register();
        try
        {
            sending?.Invoke(serial);
            await _writer.QueueAsync(OutgoingFrame.Call(program, version, procedure, serial, args), ct).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw Lost();
        }
        catch
        {
            lock (_lock) _pending.Remove(serial); // Nothing was sent.
            throw;
        }

        try
        {
            return await reply.Task.WaitAsync(ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The serial stays registered, so that the late reply finds its place and is dropped.
            if (!reply.TrySetCanceled(ct) && reply.Task.IsCompletedSuccessfully) (await reply.Task.ConfigureAwait(false)).Dispose();
            throw;
        }
    }

    private (uint Serial, TaskCompletionSource<IncomingFrame> Reply) Register()
    {
        var reply = new TaskCompletionSource<IncomingFrame>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_end is not null) throw Lost();
            if (_pending.Count >= MaxPendingCalls)
                throw new WherryException(ErrorCode.Rpc, $"{MaxPendingCalls} calls to {_name} wait for a reply already", ErrorDomain.Rpc);
            var serial = ++_lastSerial;
            _pending.Add(serial, reply);
            return (serial, reply);
        }
    }

    private async Task RunAsync()
    {
        var writing = WriteQueuedAsync();
        await ReadAsync().ConfigureAwait(false);
        await writing.ConfigureAwait(false);
        await _keepAlive.DisposeAsync().ConfigureAwait(false);
        _reader.Dispose();

        // First those who wait: the end of an ssh may take its time.
        RpcLog.ServerGone(_logger, this, _end!.Value.Reason);
        foreach (var reply in TakePending()) reply.TrySetException(Lost());
        foreach (var stream in TakeStreams()) stream.Failed(Lost());
        _events.Writer.TryComplete();
        _closed.TrySetResult(_end!.Value.Reason);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _reader.ReadAsync(_closing.Token).ConfigureAwait(false) is { } frame) Receive(frame);
            Break("End of file while reading data");
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // Break has recorded why.
        }
        catch (Exception e) // Whatever it is, callers must not wait for what no longer comes.
        {
            Break(e.Message, e);
        }
    }

    private async Task WriteQueuedAsync()
    {
        try
        {
            await _writer.RunAsync(frame => frame.Written?.Invoke(), _closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // Break has recorded why.
        }
        catch (Exception e)
        {
            Break(e.Message, e);
        }
    }

    /// <summary>Hands one frame to whom it belongs; never waits, so nobody's slowness stops the reading.</summary>
    private void Receive(IncomingFrame frame)
    {
        var header = frame.Header;
        switch (KeepAliveMachine.CheckMessage(header), header.Type)
        {
            case (KeepAliveMessage.Ping, _):
                _writer.TryQueue(OutgoingFrame.KeepAlive(KeepAliveProcedure.Pong));
                break;
            case (KeepAliveMessage.Pong or KeepAliveMessage.Unknown, _):
                break;
            case (_, MessageType.Reply or MessageType.ReplyWithFds):
                if (TakeReply(header.Serial) is not { } reply)
                    throw new ProtocolException($"reply with serial {header.Serial}, to which there is no call");
                if (reply.TrySetResult(frame)) return; // The caller disposes of it.
                break;
            case (_, MessageType.Message):
                if (!_events.Writer.TryWrite(new RpcEvent(header, frame.Payload.ToArray())))
                    throw new ProtocolException("events are not read: no more of them can wait");
                break;
            case (_, MessageType.Stream) when header.Status == MessageStatus.Continue:
                break; // We only send.
            case (_, MessageType.Stream) when TakeStream(header.Serial) is { } stream:
                if (header.Status == MessageStatus.Ok) stream.Confirmed();
                else stream.Failed(new RemoteCallException(Decode<RemoteError>(frame)));
                break;
            default:
                RpcLog.ServerMessageDropped(_logger, this, header.Type, header.Program, header.Procedure, header.Serial);
                break;
        }

        frame.Dispose();
    }

    private TaskCompletionSource<IncomingFrame>? TakeReply(uint serial)
    {
        lock (_lock) return _pending.Remove(serial, out var reply) ? reply : null;
    }

    private ClientStream? TakeStream(uint serial)
    {
        lock (_lock) return _streams.Remove(serial, out var stream) ? stream : null;
    }

    private IReadOnlyList<ClientStream> TakeStreams()
    {
        lock (_lock)
        {
            var open = _streams.Values.ToList();
            _streams.Clear();
            return open;
        }
    }

    private IReadOnlyList<TaskCompletionSource<IncomingFrame>> TakePending()
    {
        lock (_lock)
        {
            var pending = _pending.Values.ToList();
            _pending.Clear();
            return pending;
        }
    }

    private void SendPing() => _writer.TryQueue(OutgoingFrame.KeepAlive(KeepAliveProcedure.Ping));

    /// <summary>Ends the connection. The first reason is the one that everybody gets; later ones are its consequences.</summary>
    private void Break(string reason, Exception? cause = null)
    {
        lock (_lock)
        {
            if (_end is not null) return;
            _end = (reason, cause);
        }

        _writer.Complete();
        _closing.Cancel(); // Only our two loops listen, and they continue elsewhere.
    }

    private ConnectionLostException Lost() => new(ToString(), _end!.Value.Reason, _end!.Value.Cause);
}
