using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Wherry.Qmp;

// From the bytes of QEMU to greeting, replies and events. Nothing here waits for a consumer.
public sealed partial class MonitorSession
{
    // Why 1024: QEMU's own parser allows that depth; the default of 64 is in reach of a long backing chain.
    private static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = 1024 };

    private readonly TaskCompletionSource<QmpGreeting> _greeting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<QmpEvent> _events;
    private long _sequence; // the read loop's own
    private long _droppedEvents; // the read loop's own

    private async Task ReadLoopAsync()
    {
        MonitorClosedException cause;
        var reader = PipeReader.Create(new NetworkStream(_socket, ownsSocket: false), new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        try
        {
            cause = await ReadLinesAsync(reader).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            cause = new MonitorClosedException("monitor session was closed by us");
        }
        catch (Exception e) when ((e as SocketException ?? e.InnerException as SocketException) is { } socket)
        {
            cause = MonitorClosedException.ByQemu(socket);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            cause = new MonitorClosedException($"connection to the monitor of {_options.Owner} broke", e);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            cause = new MonitorClosedException($"monitor of {_options.Owner} sent a line that is not QMP", e) { IsProtocolError = true };
        }

        await reader.CompleteAsync().ConfigureAwait(false);
        MarkDroppedEvents();
        _events.Writer.TryComplete();
        Break(cause);
    }

    private async Task<MonitorClosedException> ReadLinesAsync(PipeReader reader)
    {
        long searched = 0;
        while (true)
        {
            var result = await reader.ReadAsync(_ending.Token).ConfigureAwait(false);
            var buffer = result.Buffer;
            while (buffer.Slice(searched).PositionOf((byte)'\n') is { } end)
            {
                Receive(buffer.Slice(0, end));
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                searched = 0;
            }

            searched = buffer.Length;
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (searched > _options.MaxLineBytes)
            {
                return new MonitorClosedException($"monitor of {_options.Owner} sent a line longer than {_options.MaxLineBytes} bytes")
                {
                    IsProtocolError = true,
                };
            }

            if (result.IsCompleted)
            {
                return MonitorClosedException.ByQemu(null);
            }
        }
    }

    private void Receive(ReadOnlySequence<byte> line)
    {
        if (_options.Logger.IsEnabled(LogLevel.Trace))
        {
            QmpLog.LineReceived(_options.Logger, _options.Owner, Encoding.UTF8.GetString(line).TrimEnd());
        }

        if (line.IsEmpty || (line.Length == 1 && line.FirstSpan[0] == '\r'))
        {
            return;
        }

        // Why Clone: it outlives the pooled document, and only this message's text is kept.
        using var document = JsonDocument.Parse(line, DocumentOptions);
        var message = document.RootElement;
        if (message.ValueKind == JsonValueKind.Object)
        {
            if (message.TryGetProperty("event"u8, out var name))
            {
                ReceiveEvent(name.GetString() ?? "", message);
                return;
            }

            if (message.TryGetProperty("return"u8, out _) || message.TryGetProperty("error"u8, out _))
            {
                ReceiveReply(message);
                return;
            }

            if (message.TryGetProperty("QMP"u8, out var greeting))
            {
                _greeting.TrySetResult(QmpGreeting.Read(greeting));
                return;
            }
        }

        QmpLog.UnknownMessageDropped(_options.Logger, _options.Owner, message.GetRawText());
    }

    private void ReceiveReply(JsonElement message)
    {
        var sequence = ++_sequence;
        var id = Text(message, "id"u8);
        MonitorRequest? request;
        lock (_gate)
        {
            _unanswered.Remove(id, out request);
        }

        if (request is null)
        {
            QmpLog.UnknownReplyDropped(_options.Logger, _options.Owner, id);
            return;
        }

        if (request.IsAbandoned)
        {
            QmpLog.LateReplyDropped(_options.Logger, _options.Owner, request.CommandName);
        }

        request.Complete(message.Clone(), sequence);
    }

    private void ReceiveEvent(string name, JsonElement message)
    {
        MarkDroppedEvents();
        var data = message.TryGetProperty("data"u8, out var element) ? element.Clone() : default;
        var received = new QmpEvent(++_sequence, name, QmpGreeting.ReadTimestamp(message), data);
        if (_droppedEvents > 0 || !_events.Writer.TryWrite(received))
        {
            _droppedEvents++;
            return;
        }

        Volatile.Write(ref _lastEvent, received.Sequence);
    }

    /// <summary>Tells the consumer of a gap as soon as there is room to.</summary>
    private void MarkDroppedEvents()
    {
        if (_droppedEvents > 0 && _events.Writer.TryWrite(new QmpEvent(_sequence, QmpEvent.Overflow, default, default)))
        {
            QmpLog.EventsDropped(_options.Logger, _options.Owner, _droppedEvents);
            _droppedEvents = 0;
        }
    }
}
