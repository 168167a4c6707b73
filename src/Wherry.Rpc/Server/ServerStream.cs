using System.Buffers;
using System.Threading.Channels;
using Wherry.Errors;
using Wherry.Rpc.Frames;
using Wherry.Wire.Frames;

namespace Wherry.Rpc;

/// <summary>
/// One stream from its call's reply to its end, seen from the server. Frames carry the call's serial.
/// <code>
///   client -- STREAM/CONTINUE, bytes ----&gt; inbox (bounded) ----&gt; data        bytes for the guest
///   client &lt;- STREAM/CONTINUE, bytes ----- one at a time &lt;------ data        bytes from it
///   client &lt;- STREAM/CONTINUE, none ------------------------------ data has ended
///   client -- STREAM/OK (finish) or STREAM/ERROR (abort) --&gt; data is closed ----&gt; STREAM/OK      either way
///                                                              data failed ------&gt; STREAM/ERROR
/// </code>
/// Source of the meaning of empty packets and confirmations: libvirt's remote_daemon_stream.c, compared with virsh console.
/// </summary>
public sealed class ServerStream
{
    /// <summary>Packets read ahead; a client that follows libvirt sends at most <see cref="FrameLimits.StreamPayload"/> bytes in each.</summary>
    private const int MaxQueuedPackets = 4;

    /// <summary>Larger packets end the stream.</summary>
    private const int MaxPacketBytes = 1 << 20;

    private readonly MessageHeader _call;
    private readonly Stream _data;
    private readonly ServerStreams _streams;
    private readonly CancellationTokenSource _failing = new();
    private readonly Channel<IncomingFrame> _inbox = Channel.CreateBounded<IncomingFrame>(new BoundedChannelOptions(MaxQueuedPackets)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait, // The connection's read loop waits then.
    });

    private WherryException? _failure;

    internal ServerStream(in MessageHeader call, Stream data, ServerStreams streams)
    {
        _call = call;
        _data = data;
        _streams = streams;
    }

    /// <summary>Frees the stream's place, before its client is told of the end.</summary>
    internal Action Ended { get; set; } = () => { };

    /// <summary>Ends the stream from the server's side; its client is told why. Only the first failure counts.</summary>
    public void Fail(WherryException failure)
    {
        if (Interlocked.CompareExchange(ref _failure, failure, null) is null) _failing.Cancel();
    }

    /// <summary>For the dispatcher, once the reply that announces the stream is queued.</summary>
    internal void Start() => _streams.Run(this);

    internal bool TryTake(IncomingFrame packet) => _inbox.Writer.TryWrite(packet);

    /// <summary>Waits for room.</summary>
    internal async Task TakeAsync(IncomingFrame packet, CancellationToken closing)
    {
        try
        {
            await _inbox.Writer.WriteAsync(packet, closing).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            packet.Dispose(); // It ended meanwhile.
        }
    }

    internal async Task RunAsync(CancellationToken closing)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(closing, _failing.Token);
        var sending = SendAsync(ending.Token);
        await ReceiveAsync(ending.Token).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(false);
        await _data.DisposeAsync().ConfigureAwait(false);
        _inbox.Writer.TryComplete();
        while (_inbox.Reader.TryRead(out var late)) late.Dispose();
        Ended();
        _streams.Send(_failure is { } failure ? OutgoingFrame.StreamError(_call, failure) : OutgoingFrame.StreamConfirmation(_call));
    }

    private async Task SendAsync(CancellationToken ct)
    {
        if (!_data.CanRead) return;
        var buffer = ArrayPool<byte>.Shared.Rent(FrameLimits.StreamPayload);
        try
        {
            int count;
            do
            {
                count = await _data.ReadAsync(buffer.AsMemory(0, FrameLimits.StreamPayload), ct).ConfigureAwait(false);
                await _streams.SendAsync(OutgoingFrame.StreamPacket(_call, buffer.AsSpan(0, count)), ct).ConfigureAwait(false);
            }
            while (count > 0);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The other direction has told the end.
        }
        catch (IOException)
        {
            Fail(InputOutputFailure());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Ends with the client's word that it is done, or with a failure.</summary>
    private async Task ReceiveAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                using var packet = await _inbox.Reader.ReadAsync(ct).ConfigureAwait(false);
                if (packet.Header.Status != MessageStatus.Continue) return;
                await WriteAsync(packet, ct).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Failed, or the connection is closing.
        }
        catch (IOException)
        {
            Fail(InputOutputFailure());
        }
        catch (WherryException e)
        {
            Fail(e);
        }
    }

    private async Task WriteAsync(IncomingFrame packet, CancellationToken ct)
    {
        if (packet.Header.Type == MessageType.StreamHole || !_data.CanWrite)
            throw new WherryException(ErrorCode.Rpc, "the stream takes no such packets", ErrorDomain.Rpc);
        if (packet.Payload.Length > MaxPacketBytes)
            throw new WherryException(ErrorCode.Rpc, $"stream packet of {packet.Payload.Length} bytes exceeds {MaxPacketBytes}", ErrorDomain.Rpc);
        await _data.WriteAsync(packet.Payload, ct).ConfigureAwait(false);
    }

    /// <summary>libvirt's words, whatever the cause.</summary>
    internal static WherryException InputOutputFailure() => new(ErrorCode.Rpc, "stream had I/O failure", ErrorDomain.Streams);
}
