using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Wherry.Errors;

namespace Wherry.Qmp.GuestAgent;

/// <summary>
/// One connection to the agent inside a guest, over the socket of its channel.
/// <code>
///   caller --turn (one command at a time)--&gt; in step? --no--&gt; 0xFF guest-sync-delimited id ----&gt; agent
///                                              |             drop everything until 0xFF and that id &lt;---'
///                                              v
///                                         command line ------------------------------------------&gt; agent
///   caller &lt;----------------------------- its answer &lt;-------------------------------------------'
///          &lt;-- no answer in time: out of step; whatever still comes is dropped by the next guest-sync-delimited
/// </code>
/// Nothing of a domain waits for this: an agent that is dead, slow or hostile costs its callers their patience, and nobody else anything.
/// </summary>
public sealed class AgentSession : IAsyncDisposable
{
    /// <summary>Before a sync this makes the agent forget a half-read command; after one it marks where its answer begins.</summary>
    private const byte Sentinel = 0xFF;

    private readonly AgentOptions _options;
    private readonly Socket _socket;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _ending = new();
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _start, _end; // of what is read and not taken, in _buffer
    private string? _holder;
    private bool _inStep;
    private volatile bool _lost;

    private AgentSession(Socket socket, AgentOptions options)
    {
        _socket = socket;
        _options = options;
    }

    /// <summary>The channel has ended, or said what no agent says.</summary>
    public bool IsLost => _lost;

    /// <exception cref="WherryException">SystemError: nobody listens there.</exception>
    public static async Task<AgentSession> ConnectAsync(string path, AgentOptions options, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct).ConfigureAwait(false);
            return new AgentSession(socket, options);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw WherryException.FromErrno(e.NativeErrorCode, "failed to connect to agent socket");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Runs one of the agent's commands.</summary>
    /// <param name="arguments">null: none.</param>
    /// <param name="caller">The API, for the text of another caller's time-out.</param>
    /// <param name="ct">Stops waiting; the agent may do it all the same.</param>
    /// <returns>What it returned.</returns>
    /// <exception cref="WherryException">
    /// AgentUnresponsive: no answer in time, or the agent has gone; InternalError: the agent refused, with its own words.
    /// </exception>
    public async Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments, AgentPatience patience, string caller, CancellationToken ct)
    {
        var message = new JsonObject { ["execute"] = command };
        if (arguments is not null) message["arguments"] = arguments;
        var reply = await AskAsync(command, message.ToJsonString(), patience, caller, ct).ConfigureAwait(false);
        return reply.GetProperty("return");
    }

    /// <summary>Runs a command whose success is that nobody is left to answer: the guest goes down, and its end of the channel with it.</summary>
    /// <exception cref="WherryException">As <see cref="ExecuteAsync"/>; AgentUnresponsive also when it had gone before it was asked.</exception>
    public Task ExecuteLastAsync(string command, JsonObject arguments, AgentPatience patience, string caller, CancellationToken ct)
    {
        var message = new JsonObject { ["execute"] = command, ["arguments"] = arguments };
        return AskAsync(command, message.ToJsonString(), patience, caller, ct, isLast: true);
    }

    /// <summary>Passes a client's own message through; the whole reply, unless it is an error.</summary>
    /// <exception cref="WherryException">InternalError: not JSON; else as <see cref="ExecuteAsync"/>.</exception>
    public Task<JsonElement> ExecuteRawAsync(string message, AgentPatience patience, string caller, CancellationToken ct) =>
        AskAsync(CommandOf(message), message.ReplaceLineEndings(" "), patience, caller, ct);

    public async ValueTask DisposeAsync()
    {
        _lost = true;
        await _ending.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
    }

    /// <param name="isLast">Once it is sent, the end of the channel is no error, and there is no answer.</param>
    private async Task<JsonElement> AskAsync(
        string command, string message, AgentPatience patience, string caller, CancellationToken ct, bool isLast = false)
    {
        var sent = false;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _ending.Token);
        try
        {
            await TakeTurnAsync(caller, either.Token).ConfigureAwait(false);
            try
            {
                await GetInStepAsync(patience, either.Token).ConfigureAwait(false);
                return Check(command, await ExchangeAsync(message, patience.Limit(_options), () => sent = true, either.Token).ConfigureAwait(false));
            }
            finally
            {
                _holder = null;
                _turn.Release();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or EndOfStreamException
            || (e is OperationCanceledException && _ending.IsCancellationRequested && !ct.IsCancellationRequested))
        {
            _lost = true;
            if (isLast && sent) return default;
            throw new WherryException(ErrorCode.AgentUnresponsive, "Guest agent disappeared while executing command", inner: e);
        }
    }

    private async Task TakeTurnAsync(string caller, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(_options.TurnLimit, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            await _turn.WaitAsync(either.Token).ConfigureAwait(false);
            _holder = caller;
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new WherryException(ErrorCode.OperationTimeout, $"cannot acquire state change lock (held by agent={_holder})", inner: e);
        }
    }

    /// <summary>After a connection, and after every answer that did not come in time.</summary>
    private async Task GetInStepAsync(AgentPatience patience, CancellationToken ct)
    {
        if (_inStep) return;
        var id = Random.Shared.NextInt64(1, int.MaxValue);
        await PatientlyAsync(patience.LimitOfSync(_options), ReadSyncAsync, ct).ConfigureAwait(false);
        _inStep = true;

        async Task<bool> ReadSyncAsync(CancellationToken until)
        {
            var sync = $$$"""{"execute":"guest-sync-delimited","arguments":{"id":{{{id.ToString(CultureInfo.InvariantCulture)}}}}}""";
            await SendAsync([Sentinel, .. Line(sync)], until).ConfigureAwait(false);
            while (true)
            {
                // What comes before the sentinel is older; it may even be half a line.
                while (await ReadByteAsync(until).ConfigureAwait(false) != Sentinel)
                {
                }

                if (Parse(await ReadLineAsync(until).ConfigureAwait(false)) is { } reply
                    && reply.TryGetProperty("return", out var echoed) && echoed.ValueKind == JsonValueKind.Number && echoed.TryGetInt64(out var said) && said == id)
                    return true;
            }
        }
    }

    private async Task<JsonElement> ExchangeAsync(string message, TimeSpan? limit, Action sent, CancellationToken ct)
    {
        _inStep = false; // until the answer is here
        var reply = await PatientlyAsync(limit, ReadReplyAsync, ct).ConfigureAwait(false);
        _inStep = true;
        return reply;

        async Task<JsonElement> ReadReplyAsync(CancellationToken until)
        {
            await SendAsync(Line(message), until).ConfigureAwait(false);
            sent();
            while (true)
            {
                if (Parse(await ReadLineAsync(until).ConfigureAwait(false)) is { } reply) return reply;
            }
        }
    }

    private async Task<T> PatientlyAsync<T>(TimeSpan? limit, Func<CancellationToken, Task<T>> read, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(limit ?? Timeout.InfiniteTimeSpan, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ct);
        try
        {
            return await read(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (patience.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new WherryException(ErrorCode.AgentUnresponsive, "Guest agent not available for now", inner: e);
        }
    }

    private async Task SendAsync(byte[] bytes, CancellationToken ct)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += await _socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None, ct).ConfigureAwait(false);
    }

    private async ValueTask<byte> ReadByteAsync(CancellationToken ct)
    {
        if (_start == _end)
        {
            _start = 0;
            _end = await _socket.ReceiveAsync(_buffer.AsMemory(), SocketFlags.None, ct).ConfigureAwait(false);
            if (_end == 0) throw new EndOfStreamException("the guest's channel has ended");
        }

        return _buffer[_start++];
    }

    /// <exception cref="WherryException">InternalError: longer than an answer may be; the guest is not to be trusted further.</exception>
    private async Task<ReadOnlyMemory<byte>> ReadLineAsync(CancellationToken ct)
    {
        _line.Clear();
        while (true)
        {
            var next = await ReadByteAsync(ct).ConfigureAwait(false);
            if (next == (byte)'\n') return _line.WrittenMemory;
            if (_line.WrittenCount == _options.MaxLineBytes)
            {
                await DisposeAsync().ConfigureAwait(false);
                throw new WherryException(ErrorCode.InternalError, $"No complete agent response found in {_options.MaxLineBytes} bytes");
            }

            _line.GetSpan(1)[0] = next;
            _line.Advance(1);
        }
    }

    private static byte[] Line(string message) => Encoding.UTF8.GetBytes(message + "\n");

    /// <summary>null: an empty line, or no object, as a guest's console may print.</summary>
    private static JsonElement? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement Check(string command, JsonElement reply)
    {
        if (reply.TryGetProperty("error", out var error))
        {
            var words = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("desc", out var desc) ? desc.GetString() : null;
            var text = $"unable to execute QEMU agent command '{command}'{(words is null ? "" : ": " + words)}";
            var kind = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("class", out var name) ? name.ToString() : null;
            throw kind is "CommandNotFound" or "CommandDisabled" ? new AgentCommandMissingException(text) : new WherryException(ErrorCode.InternalError, text);
        }

        return reply.TryGetProperty("return", out _)
            ? reply
            : throw new WherryException(ErrorCode.InternalError, $"unable to execute QEMU agent command '{command}'");
    }

    private static string CommandOf(string message)
    {
        try
        {
            using var document = JsonDocument.Parse(message);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("execute", out var name)
                ? name.ToString()
                : "";
        }
        catch (JsonException e)
        {
            throw new WherryException(ErrorCode.InternalError, $"cannot parse json {message}: {e.Message}", ErrorDomain.None, e);
        }
    }
}

/// <summary>This agent does not know the command, or is not allowed to do it.</summary>
public sealed class AgentCommandMissingException(string detail) : WherryException(ErrorCode.InternalError, detail);
