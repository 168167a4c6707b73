using System.Collections.Concurrent;
using Wherry.Errors;
using Wherry.Rpc.Frames;
using Wherry.Wire.Frames;

namespace Wherry.Rpc;

/// <summary>The open streams of one connection, by the serial of the call that opened each.</summary>
internal sealed class ServerStreams(FrameWriter writer, RunningTasks running, CancellationToken closing)
{
    /// <summary>At a time, on one connection. A client has one for each console or image that it moves; libvirt sets no limit.</summary>
    private const int MaxStreams = 16;

    /// <summary>Frames of all streams that can wait to be written: a packet and the last word of each.</summary>
    public const int MaxFrames = 2 * MaxStreams;

    private readonly ConcurrentDictionary<uint, ServerStream> _open = [];

    /// <inheritdoc cref="ServerCall.OpenStream"/>
    public ServerStream Open(in MessageHeader call, Stream data, Action? closed)
    {
        if (_open.Count >= MaxStreams) throw new WherryException(ErrorCode.Rpc, $"more than {MaxStreams} streams on one connection", ErrorDomain.Rpc);
        var (serial, stream) = (call.Serial, new ServerStream(call, data, this));
        stream.Ended = () =>
        {
            _open.TryRemove(new KeyValuePair<uint, ServerStream>(serial, stream));
            closed?.Invoke();
        };
        if (!_open.TryAdd(serial, stream)) throw new WherryException(ErrorCode.Rpc, $"a stream with serial {serial} is open already", ErrorDomain.Rpc);
        return stream;
    }

    /// <summary>Whose packet this is; null when it is no stream's, or when its stream has ended.</summary>
    public ServerStream? Find(in MessageHeader header) =>
        header.Type is MessageType.Stream or MessageType.StreamHole && _open.TryGetValue(header.Serial, out var stream) ? stream : null;

    public void Run(ServerStream stream) => running.Run(() => stream.RunAsync(closing));

    /// <summary>Queues a packet and waits until it is on the wire: more than one would only fill memory while the client does not read.</summary>
    public async Task SendAsync(OutgoingFrame packet, CancellationToken ct)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        packet.Written = written.SetResult;
        if (writer.TryQueue(packet)) await written.Task.WaitAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Queues a stream's last frame.</summary>
    public void Send(OutgoingFrame last) => writer.TryQueue(last);
}
