using System.Threading.Channels;
using Wherry.Qmp;

namespace Wherry.Qemu.Domains;

/// <summary>
/// One consumer's copy of a QEMU's events, in order, each after the domain's own state has taken it in. Ends after the last event that
/// QEMU sent. A consumer that lags loses events and is told by <see cref="QmpEvent.Overflow"/> in their place: then it must query.
/// </summary>
public sealed class QmpEventFeed : IDisposable
{
    /// <summary>A migration with 16 disks sends about 100 events; this is 40 of them behind.</summary>
    private const int Capacity = 4096;

    private readonly Channel<QmpEvent> _channel = Channel.CreateBounded<QmpEvent>(new BoundedChannelOptions(Capacity)
    {
        SingleWriter = true,
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait, // TryWrite then fails, and the gap is marked.
    });

    private readonly Action<QmpEventFeed> _leave;
    private QmpEvent? _gap; // the pump's own

    internal QmpEventFeed(Action<QmpEventFeed> leave) => _leave = leave;

    public ChannelReader<QmpEvent> Events => _channel.Reader;

    public void Dispose()
    {
        _leave(this);
        End();
    }

    internal void Deliver(QmpEvent happened)
    {
        if (_gap is not null && _channel.Writer.TryWrite(_gap))
            _gap = null;
        if (_gap is not null || !_channel.Writer.TryWrite(happened))
            _gap = new QmpEvent(happened.Sequence, QmpEvent.Overflow, default, default);
    }

    internal void End() => _channel.Writer.TryComplete();
}
