using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Wherry.Testing;

/// <summary>
/// Stands between a MonitorSession and a real QEMU. Its events pass by <see cref="EventRules"/>, its replies by <see cref="ReplyRules"/>.
/// <code>MonitorSession --> Path --> QmpProxy --> the QEMU's own monitor socket</code>
/// </summary>
public sealed class QmpProxy : IAsyncDisposable
{
    private readonly string _target;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly Task _acceptLoop;

    /// <param name="path">Where to listen.</param>
    /// <param name="target">QEMU's monitor; nobody else may be connected to it.</param>
    public QmpProxy(string path, string target)
        : this(Listen(path), path, target)
    {
    }

    /// <param name="listener">Where somebody listens already; its new owner is the proxy.</param>
    /// <param name="path">What the listener is called.</param>
    /// <param name="target">QEMU's monitor.</param>
    internal QmpProxy(Socket listener, string path, string target)
    {
        Path = path;
        _target = target;
        _listener = listener;
        _acceptLoop = Task.Run(AcceptLoopAsync);
    }

    public string Path { get; }

    public EventRules Events { get; } = new();

    public ReplyRules Replies { get; } = new();

    /// <summary>Ends the connection: the daemon reads EOF, QEMU goes on. A new connection may be made.</summary>
    public void Cut()
    {
        foreach (var socket in _open.Keys)
            socket.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Dispose();
        Cut();
        await _acceptLoop;
        _ending.Dispose();
    }

    private static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return listener;
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
            // The proxy has ended, or QEMU has.
            _listener.Dispose();
        }
    }

    private async Task RelayAsync(Socket client, Socket qemu)
    {
        _open[client] = _open[qemu] = true;
        using var toClient = new LineWriter(client);
        using var toQemu = new LineWriter(qemu);
        var commands = CopyLinesAsync(client, async message =>
        {
            if (Replies.Command(message) is { } answer)
                await toClient.WriteAsync([answer]);
            else
                await toQemu.WriteAsync([message]);
        });
        var answers = CopyLinesAsync(qemu, async message =>
        {
            var passed = message.ContainsKey("event") ? Events.Apply(message, toClient.WriteAsync) : Replies.Reply(message, toClient.WriteAsync);
            await toClient.WriteAsync(passed);
            await toClient.WriteAsync(Events.AfterReply(message));
        });
        await Task.WhenAny(commands, answers);
        client.Dispose();
        qemu.Dispose();
        await Task.WhenAll(commands, answers);
        _open.TryRemove(client, out _);
        _open.TryRemove(qemu, out _);
    }

    private async Task CopyLinesAsync(Socket from, Func<JsonObject, Task> pass)
    {
        try
        {
            using var reader = new StreamReader(new NetworkStream(from), Encoding.UTF8);
            while (await reader.ReadLineAsync(_ending.Token) is { } line)
            {
                if (JsonNode.Parse(line) is JsonObject message)
                    await pass(message);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end has gone; the other follows.
        }
    }

    /// <summary>Whole lines, from the pump and from whoever lets go of what was held.</summary>
    private sealed class LineWriter(Socket to) : IDisposable
    {
        private readonly SemaphoreSlim _gate = new(1);

        public async Task WriteAsync(IEnumerable<JsonObject> messages)
        {
            foreach (var message in messages)
            {
                await _gate.WaitAsync();
                try
                {
                    for (ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(message.ToJsonString() + "\n"); rest.Length > 0;)
                        rest = rest[await to.SendAsync(rest)..];
                }
                finally
                {
                    _gate.Release();
                }
            }
        }

        public void Dispose() => _gate.Dispose();
    }
}
