using System.Threading.Channels;

namespace Wherry.Rpc.Frames;

/// <summary>
/// Writes frames one after the other, whole and in the order in which they were queued. One writer, one loop; any number of threads queue.
/// </summary>
internal sealed class FrameWriter
{
    /// <summary>Keepalive messages waiting at most: the peer reads nothing anyway, so more of them would tell it nothing.</summary>
    private const int MaxQueuedKeepAlives = 8;

    private readonly Stream _stream;
    private readonly Channel<OutgoingFrame> _queue;
    private readonly int _maxEvents;
    private readonly int _maxEventBytes;
    private int _events;
    private int _eventBytes;
    private int _keepAlives;

    /// <param name="maxReplies">Replies or calls that may wait, and packets of streams.</param>
    public FrameWriter(Stream stream, int maxReplies, int maxEvents = 0, int maxEventBytes = 0)
    {
        _stream = stream;
        _maxEvents = maxEvents;
        _maxEventBytes = maxEventBytes;
        // Each kind is limited before it comes here, so a server's queue is never full; a client's callers wait until it is not.
        _queue = Channel.CreateBounded<OutgoingFrame>(new BoundedChannelOptions(maxReplies + maxEvents + MaxQueuedKeepAlives)
        {
            SingleReader = true,
            FullMode = BoundedChannelFullMode.Wait,
        });
    }

    /// <summary>Queues without waiting.</summary>
    /// <returns>False when the limit of the frame's kind is reached, or the connection is closing.</returns>
    public bool TryQueue(OutgoingFrame frame)
    {
        if (!Reserve(frame)) return false;
        if (_queue.Writer.TryWrite(frame)) return true;
        Release(frame);
        return false;
    }

    /// <summary>Queues when there is room. Once it has returned, the frame will be written whole.</summary>
    /// <exception cref="ChannelClosedException">The connection is closing.</exception>
    public ValueTask QueueAsync(OutgoingFrame frame, CancellationToken ct) => _queue.Writer.WriteAsync(frame, ct);

    /// <summary>Nothing more may be queued.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>Writes until <paramref name="ct"/> is cancelled or writing fails, and tells of each frame that was written.</summary>
    public async Task RunAsync(Action<OutgoingFrame> written, CancellationToken ct)
    {
        await foreach (var frame in _queue.Reader.ReadAllAsync(ct).ConfigureAwait(false))
        {
            await _stream.WriteAsync(frame.Bytes, ct).ConfigureAwait(false);
            Release(frame);
            frame.Dispose();
            written(frame);
        }
    }

    private bool Reserve(OutgoingFrame frame)
    {
        var fits = frame.Kind switch
        {
            OutgoingKind.Event =>
                Interlocked.Increment(ref _events) <= _maxEvents & Interlocked.Add(ref _eventBytes, frame.Length) <= _maxEventBytes,
            OutgoingKind.KeepAlive => Interlocked.Increment(ref _keepAlives) <= MaxQueuedKeepAlives,
            _ => true,
        };
        if (!fits) Release(frame);
        return fits;
    }

    private void Release(OutgoingFrame frame)
    {
        switch (frame.Kind)
        {
            case OutgoingKind.Event:
                Interlocked.Decrement(ref _events);
                Interlocked.Add(ref _eventBytes, -frame.Length);
                break;
            case OutgoingKind.KeepAlive:
                Interlocked.Decrement(ref _keepAlives);
                break;
        }
    }
}
