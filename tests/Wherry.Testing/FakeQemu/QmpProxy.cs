using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Wherry.Testing;

/// <summary>
/// Stands between a MonitorSession and a real QEMU and lets its events pass by <see cref="EventRules"/>. Commands and replies pass as they are.
/// <code>MonitorSession --> Path --> QmpProxy --> the QEMU's own monitor socket</code>
/// </summary>
public sealed class QmpProxy : IAsyncDisposable
{
    private readonly string _target;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _acceptLoop;

    /// <param name="path">Where to listen.</param>
    /// <param name="target">QEMU's monitor; nobody else may be connected to it.</param>
    public QmpProxy(string path, string target)
    {
        Path = path;
        _target = target;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(1);
        _acceptLoop = Task.Run(AcceptLoopAsync);
    }

    public string Path { get; }

    public EventRules Events { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Dispose();
        await _acceptLoop;
    }

    private async Task AcceptLoopAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptAsync(_ending.Token);
                using var qemu = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await qemu.ConnectAsync(new UnixDomainSocketEndPoint(_target), _ending.Token);
                await RelayAsync(client, qemu);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The proxy has ended.
        }
    }

    private async Task RelayAsync(Socket client, Socket qemu)
    {
        var commands = CopyLinesAsync(client, qemu, line => [line]);
        var answers = CopyLinesAsync(qemu, client, ByRules);
        await Task.WhenAny(commands, answers);
        client.Dispose();
        qemu.Dispose();
        await Task.WhenAll(commands, answers);
    }

    private IEnumerable<string> ByRules(string line) =>
        JsonNode.Parse(line) is JsonObject message && message.ContainsKey("event")
            ? Events.Apply(message).Select(m => m.ToJsonString())
            : [line];

    private async Task CopyLinesAsync(Socket from, Socket to, Func<string, IEnumerable<string>> translate)
    {
        try
        {
            using var reader = new StreamReader(new NetworkStream(from), Encoding.UTF8);
            while (await reader.ReadLineAsync(_ending.Token) is { } line)
            {
                foreach (var passed in translate(line))
                {
                    await to.SendAsync(Encoding.UTF8.GetBytes(passed + "\n"));
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end has gone; the other follows.
        }
    }
}
