using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Wherry.Errors;
using Wherry.Qmp.Wire;

namespace Wherry.Qmp;

// From a caller's command to the bytes on the socket, and the caller's wait for the answer.
public sealed partial class MonitorSession
{
    // Why "libvirt-": qemu-monitor-command shows the id to its user, who knows it in this form.
    private string NextId() => string.Create(CultureInfo.InvariantCulture, $"libvirt-{Interlocked.Increment(ref _lastId)}");

    private MonitorRequest NewRequest<T>(QmpCommand<T> command, bool outOfBand, SafeHandle? descriptor)
    {
        var id = NextId();
        return new MonitorRequest(id, command.CommandName, QmpLine.Build(command, id, outOfBand), descriptor);
    }

    private async Task<QmpReply<JsonElement>> RunAsync(MonitorRequest request, bool outOfBand, TimeSpan? deadline, CancellationToken ct)
    {
        var limit = deadline ?? _options.CommandDeadline;
        Register(request);
        var lane = outOfBand ? _outOfBand : _inBand;
        if (!lane.Writer.TryWrite(request))
        {
            Forget(request);
            throw _cause ?? new WherryException(ErrorCode.ResourceBusy, $"{_options.MaxQueuedCommands} monitor commands are waiting already");
        }

        try
        {
            return await request.Reply.WaitAsync(limit, _options.TimeProvider, ct).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            var owed = Volatile.Read(ref _laneHolder) is { IsUnanswered: true } holder ? holder.CommandName : null;
            var wasSent = Abandon(request);
            QmpLog.DeadlineMissed(_options.Logger, _options.Owner, request.CommandName, limit.TotalSeconds, wasSent);
            throw new QmpTimeoutException(request.CommandName, limit, wasSent, owed);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            Abandon(request);
            throw;
        }
    }

    private void Register(MonitorRequest request)
    {
        lock (_gate)
        {
            if (_cause is not null)
            {
                throw _cause;
            }

            _unanswered.Add(request.Id, request);
        }
    }

    private void Forget(MonitorRequest request)
    {
        lock (_gate)
        {
            _unanswered.Remove(request.Id);
        }
    }

    /// <summary>A request that was sent stays registered, so that its late reply is known and frees the lane.</summary>
    private bool Abandon(MonitorRequest request)
    {
        var wasSent = request.Abandon();
        if (!wasSent)
        {
            Forget(request);
        }

        return wasSent;
    }

    // The lanes end when their channels complete, which Break does; a token would only add a second way.

    /// <summary>
    /// One command, its answer, the next command. Behind a command whose caller has left, one question is let through: QEMU answers in the
    /// order it was asked, so either both answers are still to come, or the first one is lost and waiting for it would be in vain.
    /// </summary>
    private async Task InBandLoopAsync()
    {
        await foreach (var request in _inBand.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            var owing = Volatile.Read(ref _laneHolder) is { IsOwed: true } holder ? holder : null;
            if (owing is not null && !request.IsQuestion)
            {
                await Task.WhenAny(owing.Reply, request.GivenUp).ConfigureAwait(false);
                owing = owing.IsOwed ? owing : null;
            }

            if (owing is null)
            {
                Volatile.Write(ref _laneHolder, request);
                if (await SendAsync(request).ConfigureAwait(false))
                    await Task.WhenAny(request.Reply, request.GivenUp).ConfigureAwait(false);
            }
            else if (await SendAsync(request).ConfigureAwait(false))
            {
                await ((Task)request.Reply).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (request.Reply.IsCompletedSuccessfully && owing.IsOwed)
                    Lose(owing);
            }
        }
    }

    /// <summary>A later command has been answered.</summary>
    private void Lose(MonitorRequest request)
    {
        Forget(request);
        QmpLog.ReplyLost(_options.Logger, _options.Owner, request.CommandName);
        request.Fail(new MonitorClosedException($"QEMU never answered '{request.CommandName}' on the monitor of {_options.Owner}"));
    }

    private async Task OutOfBandLoopAsync()
    {
        await foreach (var request in _outOfBand.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            await SendAsync(request).ConfigureAwait(false);
        }
    }

    /// <summary>Returns false when the caller had given up already, and nothing was sent.</summary>
    private async Task<bool> SendAsync(MonitorRequest request)
    {
        await _write.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (!request.TryMarkSent())
            {
                return false;
            }

            await WriteAsync(request).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            // QEMU is gone or going. Not our business to close: the read loop first drains what QEMU said before its end, then meets the EOF.
            Forget(request);
            request.Fail(new MonitorClosedException($"cannot write to the monitor of {_options.Owner}", e));
        }
        finally
        {
            _write.Release();
        }

        return true;
    }

    /// <summary>Writes a whole line. Only the end of the session interrupts it: a torn line would break the stream.</summary>
    private async Task WriteAsync(MonitorRequest request)
    {
        if (_options.Logger.IsEnabled(LogLevel.Trace))
        {
            QmpLog.LineSent(_options.Logger, _options.Owner, Encoding.UTF8.GetString(request.Line.Span).TrimEnd());
        }

        var rest = request.Line;
        if (request.Descriptor is { } descriptor)
        {
            int sent;
            while ((sent = DescriptorPassing.Send(_socket, rest.Span, descriptor)) == 0)
            {
                // The buffer is full: wait until it takes at least the brace, then the descriptor goes with the next bytes.
                await _socket.SendAsync(rest[..1], _ending.Token).ConfigureAwait(false);
                rest = rest[1..];
            }

            rest = rest[sent..];
        }

        while (!rest.IsEmpty)
        {
            rest = rest[await _socket.SendAsync(rest, _ending.Token).ConfigureAwait(false)..];
        }
    }

    private static QmpReply<T> Read<T>(QmpCommand<T> command, QmpReply<JsonElement> reply)
    {
        if (reply.Value.TryGetProperty("error"u8, out var error))
        {
            throw new QmpErrorException(command.CommandName, Text(error, "class"u8), Text(error, "desc"u8));
        }

        try
        {
            var value = reply.Value.GetProperty("return"u8).Deserialize(command.Result)
                ?? throw new JsonException("null");
            return new(value, reply.Sequence);
        }
        catch (JsonException e)
        {
            throw new WherryException(ErrorCode.InternalError, $"cannot read QEMU's reply to '{command.CommandName}'", inner: e);
        }
    }

    private static string Text(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! // ! : ValueKind is String
            : "";
}
