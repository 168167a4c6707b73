using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Wherry.Testing;

/// <summary>
/// Stands where QEMU and the agent inside a guest are: listens at a channel's socket, understands guest-sync-delimited, and answers other
/// commands as the test says. One connection at a time, as QEMU's.
/// </summary>
public sealed class FakeAgent : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("agent-").FullName;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Channel<string> _heard = Channel.CreateUnbounded<string>();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _serving;
    private Socket? _connection;

    public FakeAgent()
    {
        Path = System.IO.Path.Combine(_directory, "org.qemu.guest_agent.0");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen(1);
        _serving = ServeAsync();
    }

    public string Path { get; }

    /// <summary>The command lines that have come, syncs left out.</summary>
    public ChannelReader<string> Heard => _heard.Reader;

    /// <summary>A line for a command line; null: the agent says nothing.</summary>
    public Func<string, string?> Answer { get; set; } = _ => """{"return":{}}""";

    /// <summary>False: not even a sync is answered.</summary>
    public bool IsAlive { get; set; } = true;

    /// <summary>Says something that nobody has asked for.</summary>
    public Task SayAsync(string text) => _connection!.SendAsync(Encoding.UTF8.GetBytes(text).AsMemory(), CancellationToken.None).AsTask();

    /// <summary>The guest is gone.</summary>
    public void Disconnect() => _connection?.Dispose();

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _connection?.Dispose();
        _listener.Dispose();
        await _serving;
        _ending.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                _connection = await _listener.AcceptAsync(_ending.Token);
                await ServeAsync(_connection);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        try
        {
            await using var stream = new NetworkStream(connection, ownsSocket: true);
            using var reader = new StreamReader(stream, Encoding.Latin1); // 0xFF is no UTF-8
            while (await reader.ReadLineAsync(_ending.Token) is { } line)
            {
                if (await ReplyAsync(line.TrimStart('\u00FF')) is { } reply)
                    await stream.WriteAsync(reply, _ending.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // Whoever asked has gone.
        }
    }

    private async Task<byte[]?> ReplyAsync(string line)
    {
        using var message = JsonDocument.Parse(line);
        if (message.RootElement.GetProperty("execute").GetString() != "guest-sync-delimited")
        {
            await _heard.Writer.WriteAsync(line);
            return IsAlive && Answer(line) is { } answer ? Encoding.UTF8.GetBytes(answer + "\n") : null;
        }
        var id = message.RootElement.GetProperty("arguments").GetProperty("id").GetInt64();
        return IsAlive ? [0xFF, .. Encoding.UTF8.GetBytes($$$"""{"return":{{{id}}}}""" + "\n")] : null;
    }
}
