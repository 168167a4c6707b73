using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Wherry.Errors;
using Wherry.Qmp.Wire;

namespace Wherry.Qmp;

/// <summary>
/// One connection to the monitor of one QEMU.
/// <code>
///   Connecting --connect--> Greeting --{"QMP":...}--> Capabilities --qmp_capabilities answered--> Running --EOF, error, Dispose--> Closed
///
///   ExecuteAsync ------> [ in-band lane: one unanswered command at a time ] --+
///                                                                             +--> write --> QEMU
///   ExecuteOutOfBand --> [ out-of-band: at once, beside the lane ] -----------+                |
///                                                                                              v
///   callers  &lt;-- replies by id ----+                                               one read loop numbers
///   Events   &lt;-- bounded channel --+---------------------------------------------- every message (Sequence)
/// </code>
/// </summary>
/// <remarks>
/// Why one at a time in band: QEMU executes in-band commands one after the other anyway, and it stops reading the socket, out-of-band commands
/// included, when eight are queued. With one outstanding, <c>yank</c> always gets through. Source: QMP_REQ_QUEUE_LEN_MAX in QEMU's monitor/qmp.c.
/// <para>A command that missed its deadline keeps the lane until QEMU has answered it, because QEMU would not start the next one either. One
/// question may follow it: its answer tells that the other one is lost.</para>
/// </remarks>
public sealed partial class MonitorSession : IAsyncDisposable
{
    private readonly MonitorOptions _options;
    private readonly Socket _socket;
    private readonly Channel<MonitorRequest> _inBand;
    private readonly Channel<MonitorRequest> _outOfBand;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, MonitorRequest> _unanswered = new(StringComparer.Ordinal); // under _gate
    private readonly SemaphoreSlim _write = new(1, 1);
    private readonly TaskCompletionSource<MonitorClosedException> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ending = new();
    private Task _readLoop = Task.CompletedTask;
    private Task _inBandLoop = Task.CompletedTask;
    private Task _outOfBandLoop = Task.CompletedTask;
    private MonitorClosedException? _cause; // under _gate
    private MonitorRequest? _laneHolder;
    private long _lastId;
    private long _lastEvent;
    private int _state = (int)MonitorState.Connecting;

    private MonitorSession(Socket socket, MonitorOptions options)
    {
        _socket = socket;
        _options = options;
        _inBand = NewLane(options.MaxQueuedCommands);
        _outOfBand = NewLane(options.MaxQueuedCommands);
        _events = Channel.CreateBounded<QmpEvent>(new BoundedChannelOptions(options.EventCapacity)
        {
            SingleWriter = true,
            FullMode = BoundedChannelFullMode.Wait, // TryWrite then fails, and the loss is marked in the stream.
        });
    }

    public MonitorState State => (MonitorState)Volatile.Read(ref _state);

    /// <summary>The clock that deadlines are counted by.</summary>
    public TimeProvider TimeProvider => _options.TimeProvider;

    /// <summary>From the greeting.</summary>
    public QmpGreeting Greeting { get; private set; } = null!; // Set before ConnectAsync returns.

    /// <summary>Whether QEMU agreed to out-of-band commands.</summary>
    public bool OutOfBand { get; private set; }

    /// <summary>Events in the order of arrival. Completes, without an error, after the last event that QEMU sent before the end of the connection.</summary>
    public ChannelReader<QmpEvent> Events => _events.Reader;

    /// <summary>The number of the newest of <see cref="Events"/>, 0 before the first. After a reply: no older than any event that QEMU sent before it.</summary>
    public long LastEvent => Volatile.Read(ref _lastEvent);

    /// <summary>Completes with the cause when the connection has ended; never fails. Events may still be unread then.</summary>
    public Task<MonitorClosedException> Closed => _closed.Task;

    /// <summary>
    /// While QEMU owes the answer to a command that its caller has given up on: completes when it answers or the connection ends. Else null.
    /// </summary>
    public Task? Owed => Volatile.Read(ref _laneHolder) is { IsOwed: true } holder ? holder.Reply : null;

    /// <summary>Connects to a listening monitor and negotiates. The socket must exist: see <see cref="MonitorSocket.Listen"/>.</summary>
    /// <exception cref="WherryException">SystemError when nobody listens; OperationTimeout past <see cref="MonitorOptions.ConnectDeadline"/>.</exception>
    public static async Task<MonitorSession> ConnectAsync(string socketPath, MonitorOptions options, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw WherryException.FromErrno(e.NativeErrorCode, $"failed to connect to monitor socket '{socketPath}'");
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return await AttachAsync(socket, options, ct).ConfigureAwait(false);
    }

    /// <summary>Negotiates over a connected socket, which the session then owns.</summary>
    /// <inheritdoc cref="ConnectAsync" path="/exception"/>
    public static async Task<MonitorSession> AttachAsync(Socket socket, MonitorOptions options, CancellationToken ct)
    {
        var session = new MonitorSession(socket, options);
        session.Start();
        try
        {
            await session.NegotiateAsync(ct).ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Executes a command after those that were asked before it. Cancelling means to stop waiting: a command that was sent is not undone.
    /// </summary>
    /// <param name="deadline">In place of <see cref="MonitorOptions.CommandDeadline"/>; covers the wait for the lane too.</param>
    /// <exception cref="QmpErrorException">QEMU refused it.</exception>
    /// <exception cref="QmpTimeoutException">No answer in time; the session stays usable.</exception>
    /// <exception cref="MonitorClosedException">The connection ended; the command may or may not have been executed.</exception>
    public async Task<T> ExecuteAsync<T>(QmpCommand<T> command, CancellationToken ct, TimeSpan? deadline = null) =>
        (await ExecuteNumberedAsync(command, ct, deadline).ConfigureAwait(false)).Value;

    /// <summary>As <see cref="ExecuteAsync"/>, and tells where the answer stands among the events.</summary>
    public async Task<QmpReply<T>> ExecuteNumberedAsync<T>(QmpCommand<T> command, CancellationToken ct, TimeSpan? deadline = null)
    {
        var request = NewRequest(command, outOfBand: false, descriptor: null);
        return Read(command, await RunAsync(request, outOfBand: false, deadline, ct).ConfigureAwait(false));
    }

    /// <summary>As <see cref="ExecuteAsync"/>, handing QEMU a copy of a file descriptor (getfd, add-fd).</summary>
    public async Task<T> ExecuteWithDescriptorAsync<T>(QmpCommand<T> command, SafeHandle descriptor, CancellationToken ct, TimeSpan? deadline = null)
    {
        var request = NewRequest(command, outOfBand: false, descriptor);
        return Read(command, await RunAsync(request, outOfBand: false, deadline, ct).ConfigureAwait(false)).Value;
    }

    /// <summary>
    /// Executes a command that QEMU allows out of band (yank, query-yank, migrate-recover, migrate-pause): it overtakes every command that
    /// waits, and is answered even while QEMU's main loop hangs.
    /// </summary>
    /// <remarks>Without the capability it is sent at once as well, only QEMU answers in turn.</remarks>
    /// <inheritdoc cref="ExecuteAsync" path="/exception"/>
    public async Task<T> ExecuteOutOfBandAsync<T>(QmpCommand<T> command, CancellationToken ct, TimeSpan? deadline = null)
    {
        var request = NewRequest(command, OutOfBand, descriptor: null);
        return Read(command, await RunAsync(request, outOfBand: true, deadline, ct).ConfigureAwait(false)).Value;
    }

    /// <summary>
    /// Passes a client's own JSON message through (qemu-monitor-command) and returns QEMU's whole reply, be it <c>return</c> or <c>error</c>.
    /// The message's id is replaced by one of ours.
    /// </summary>
    public async Task<string> ExecuteRawAsync(string json, CancellationToken ct, TimeSpan? deadline = null)
    {
        var id = NextId();
        var (line, name, outOfBand) = QmpLine.BuildRaw(json, id);
        var reply = await RunAsync(new MonitorRequest(id, name, line, descriptor: null), outOfBand, deadline, ct).ConfigureAwait(false);
        return reply.Value.GetRawText();
    }

    /// <summary>Ends the connection (QEMU lives on and listens again) and waits until its loops have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Break(new MonitorClosedException("monitor session was closed by us"));
        await _ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_readLoop, _inBandLoop, _outOfBandLoop).ConfigureAwait(false);
        _socket.Dispose();
    }

    private static Channel<MonitorRequest> NewLane(int capacity) => Channel.CreateBounded<MonitorRequest>(new BoundedChannelOptions(capacity)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait, // TryWrite then fails, and the caller is told.
    });

    private void Start()
    {
        _state = (int)MonitorState.Greeting;
        _readLoop = Task.Run(ReadLoopAsync, CancellationToken.None);
        _inBandLoop = Task.Run(InBandLoopAsync, CancellationToken.None);
        _outOfBandLoop = Task.Run(OutOfBandLoopAsync, CancellationToken.None);
    }

    private async Task NegotiateAsync(CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(_options.ConnectDeadline, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            Greeting = await _greeting.Task.WaitAsync(either.Token).ConfigureAwait(false);
            Advance(MonitorState.Capabilities);
            var oob = Greeting.Capabilities.Contains("oob", StringComparer.Ordinal);
            await ExecuteAsync(new Commands.QmpCapabilities { Enable = oob ? ["oob"] : null }, either.Token).ConfigureAwait(false);
            OutOfBand = oob;
            Advance(MonitorState.Running);
            QmpLog.Connected(_options.Logger, _options.Owner, Greeting.Version.ToString(), string.Join(' ', Greeting.Capabilities));
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new WherryException(
                ErrorCode.OperationTimeout,
                $"monitor of {_options.Owner} did not get past '{State}' within {_options.ConnectDeadline.TotalSeconds} s");
        }
    }

    private void Advance(MonitorState next)
    {
        lock (_gate)
        {
            if (_cause is null)
            {
                Volatile.Write(ref _state, (int)next);
            }
        }
    }

    /// <summary>The one way for the connection to die. The first cause wins and everybody gets it.</summary>
    private void Break(MonitorClosedException cause)
    {
        MonitorRequest[] stranded;
        lock (_gate)
        {
            if (_cause is not null)
            {
                return;
            }

            _cause = cause;
            Volatile.Write(ref _state, (int)MonitorState.Closed);
            stranded = [.. _unanswered.Values];
            _unanswered.Clear();
        }

        QmpLog.Closed(_options.Logger, _options.Owner, cause.Message);
        _inBand.Writer.TryComplete();
        _outOfBand.Writer.TryComplete();
        _greeting.TrySetException(cause);
        _ = _greeting.Task.Exception; // Observed here: nobody waits for it once negotiated.
        foreach (var request in stranded)
        {
            request.Fail(cause);
        }

        _closed.TrySetResult(cause);
    }
}
