using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Wherry.Testing;

/// <summary>One client of a <see cref="FakeQemu"/>: greeting, an in-band queue that is worked off in order, and a lane beside it.</summary>
internal sealed class FakeMonitorConnection
{
    private const string Greeting =
        """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "fake"}, "capabilities": ["oob"]}}""";

    private readonly Socket _socket;
    private readonly Action<JsonObject> _arrived;
    private readonly Func<JsonObject, Task<JsonObject?>> _answer;
    private readonly Action<JsonObject> _answered;
    private readonly Channel<string> _outgoing = Channel.CreateUnbounded<string>(); // The test's own pace bounds it.
    private readonly Channel<JsonObject> _inBand = Channel.CreateUnbounded<JsonObject>();

    public FakeMonitorConnection(Socket socket, Action<JsonObject> arrived, Func<JsonObject, Task<JsonObject?>> answer, Action<JsonObject> answered)
    {
        _socket = socket;
        _arrived = arrived;
        _answer = answer;
        _answered = answered;
        _outgoing.Writer.TryWrite(Greeting);
    }

    public void Send(JsonNode message) => _outgoing.Writer.TryWrite(message.ToJsonString());

    /// <summary>What was sent before still reaches the client; then it meets EOF.</summary>
    public void Close() => _outgoing.Writer.TryComplete();

    public async Task RunAsync(CancellationToken ct)
    {
        var writing = WriteAsync();
        var working = WorkInBandAsync();
        try
        {
            using var reader = new StreamReader(new NetworkStream(_socket), Encoding.UTF8);
            while (await reader.ReadLineAsync(ct) is { } line)
            {
                if (JsonNode.Parse(line) is not JsonObject message)
                {
                    continue;
                }

                _arrived(message);
                if (message.ContainsKey("exec-oob"))
                {
                    await AnswerAsync(message);
                }
                else
                {
                    _inBand.Writer.TryWrite(message);
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client or the test has gone.
        }

        _inBand.Writer.TryComplete();
        Close();
        await writing;
        await working;
    }

    private async Task WorkInBandAsync()
    {
        await foreach (var message in _inBand.Reader.ReadAllAsync())
        {
            await AnswerAsync(message);
        }
    }

    private async Task AnswerAsync(JsonObject message)
    {
        if (await _answer(message) is { } reply)
        {
            reply["id"] = message["id"]?.DeepClone();
            Send(reply);
            _answered(message);
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var line in _outgoing.Reader.ReadAllAsync())
            {
                await _socket.SendAsync(Encoding.UTF8.GetBytes(line + "\r\n"));
            }

            _socket.Shutdown(SocketShutdown.Both); // Also wakes our own reader.
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client has gone.
        }
    }
}
