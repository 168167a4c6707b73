using System.Buffers.Binary;
using System.Net.Sockets;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Frames;

namespace Wherry.Testbed.Proxies;

/// <summary>
/// Stands before a daemon's unix socket and knows where a message ends, so that a test can lose, hold, repeat or spoil single ones of them:
/// <code>
///   peer or virsh --> Uri --> RpcProxy --> the daemon's own socket
/// </code>
/// Unix sockets have paths, and those lead from one host of the testbed into another. Without rules every message passes as it is.
/// </summary>
public sealed class RpcProxy : IAsyncDisposable
{
    // Serials that no client of ours reaches; libvirt's and ours count up from 1.
    private const uint FirstOwnSerial = 0x7000_0000;

    private readonly string _target;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly List<RpcRule> _rules = [];
    private readonly List<Connection> _connections = [];
    private readonly Task _accepting;
    private uint _ownSerial = FirstOwnSerial;
    private bool _refusing;
    private int _closed;

    /// <param name="daemon">Whose socket it stands before.</param>
    /// <param name="name">Of its own socket, in the run's directory.</param>
    public RpcProxy(DaemonRunner daemon, string name = "proxy")
    {
        _target = daemon.SocketPath;
        var path = daemon.Host.Run.File($"{name}-{daemon.Host.Name}");
        Uri = $"qemu+unix:///system?socket={path}";
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>For a client or a peer, in the place of the daemon's own.</summary>
    public string Uri { get; }

    /// <summary>Connections that are open now.</summary>
    public int Connections
    {
        get
        {
            lock (_gate)
                return _connections.Count;
        }
    }

    /// <summary>Connections that have ended, by whatever cause.</summary>
    public int Closed => Volatile.Read(ref _closed);

    /// <summary>The message never arrives.</summary>
    public RpcRule Swallow(Func<RpcFrame, bool> which, int times = 1) => Add(new RpcRule(which, times, RpcTreatment.Swallow));

    /// <summary>The message waits until <see cref="RpcRule.Release"/>; later ones overtake it.</summary>
    public RpcRule Hold(Func<RpcFrame, bool> which, int times = 1) => Add(new RpcRule(which, times, RpcTreatment.Hold));

    /// <summary>The message arrives twice, the second time under a serial of its own, whose reply is lost.</summary>
    public RpcRule Duplicate(Func<RpcFrame, bool> which, int times = 1) => Add(new RpcRule(which, times, RpcTreatment.Duplicate));

    /// <summary>Other bytes arrive in its place: all of them, length word and header included.</summary>
    public RpcRule Alter(Func<RpcFrame, bool> which, Func<byte[], byte[]> how, int times = 1) =>
        Add(new RpcRule(which, times, RpcTreatment.Alter) { Alteration = how });

    /// <summary>Its connection ends, before it or after it has passed.</summary>
    public RpcRule CutAt(Func<RpcFrame, bool> which, bool passes, int times = 1) =>
        Add(new RpcRule(which, times, passes ? RpcTreatment.CutAfter : RpcTreatment.CutBefore));

    /// <summary>It passes; <see cref="RpcRule.Fired"/> keeps a copy, as for <see cref="ReplayAsync"/>.</summary>
    public RpcRule Notice(Func<RpcFrame, bool> which, int times = 1) => Add(new RpcRule(which, times, RpcTreatment.Notice));

    /// <summary>Ends all connections, and every new one at once until <see cref="Mend"/>.</summary>
    public void Sever()
    {
        List<Connection> open;
        lock (_gate)
        {
            _refusing = true;
            open = [.. _connections];
        }

        open.ForEach(connection => connection.Cut());
    }

    /// <summary>New connections pass again.</summary>
    public void Mend()
    {
        lock (_gate)
            _refusing = false;
    }

    /// <summary>Says an earlier call once more, on the connection that was made last, and returns the daemon's reply to it.</summary>
    public Task<RpcFrame> ReplayAsync(RpcFrame call)
    {
        Connection newest;
        uint serial;
        lock (_gate)
        {
            newest = _connections[^1];
            serial = _ownSerial++;
        }

        return newest.AskAsync(call.WithSerial(serial));
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Sever();
        List<Connection> open;
        lock (_gate)
            open = [.. _connections];
        foreach (var connection in open)
            await connection.Completion;
        _ending.Dispose();
    }

    private RpcRule Add(RpcRule rule)
    {
        lock (_gate)
            _rules.Add(rule);
        return rule;
    }

    private RpcRule? RuleFor(RpcFrame frame)
    {
        lock (_gate)
        {
            // Who only notices leaves the message to the others.
            foreach (var notice in _rules.Where(rule => rule.Treatment == RpcTreatment.Notice))
                notice.Takes(frame);
            return _rules.Find(rule => rule.Treatment != RpcTreatment.Notice && rule.Takes(frame));
        }
    }

    private uint NewSerial()
    {
        lock (_gate)
            return _ownSerial++;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_ending.Token);
                var connection = await ConnectAsync(client);
                lock (_gate)
                {
                    if (connection is null || _refusing)
                    {
                        client.Dispose();
                        connection?.Cut();
                        continue;
                    }

                    _connections.Add(connection);
                }

                connection.Start();
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The proxy has ended.
        }
    }

    /// <summary>Null when nobody listens there: a daemon that is down refuses.</summary>
    private async Task<Connection?> ConnectAsync(Socket client)
    {
        var daemon = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await daemon.ConnectAsync(new UnixDomainSocketEndPoint(_target), _ending.Token);
            return new Connection(this, client, daemon);
        }
        catch (SocketException)
        {
            daemon.Dispose();
            return null;
        }
    }

    /// <summary>Two pumps; a lock for each way, because held, repeated and replayed messages come in from elsewhere.</summary>
    private sealed class Connection(RpcProxy proxy, Socket client, Socket daemon)
    {
        private readonly SemaphoreSlim _toDaemon = new(1), _toClient = new(1);
        private readonly Dictionary<uint, TaskCompletionSource<RpcFrame>> _asked = [];
        private readonly List<Task> _held = [];

        public Task Completion { get; private set; } = Task.CompletedTask;

        public void Start() => Completion = RunAsync();

        public void Cut()
        {
            client.Dispose();
            daemon.Dispose();
        }

        public async Task<RpcFrame> AskAsync(RpcFrame call)
        {
            var answered = new TaskCompletionSource<RpcFrame>(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_asked)
                _asked.Add(call.Header.Serial, answered);
            await SendAsync(call);
            return await answered.Task;
        }

        private async Task RunAsync()
        {
            await Task.Yield();
            var ways = new[] { PumpAsync(client, toDaemon: true), PumpAsync(daemon, toDaemon: false) };
            await Task.WhenAny(ways);
            Cut();
            lock (proxy._gate)
                proxy._connections.Remove(this);
            Interlocked.Increment(ref proxy._closed);
            await Task.WhenAll(ways);
            lock (_asked)
            {
                foreach (var waiting in _asked.Values)
                    waiting.TrySetException(new IOException("the connection has ended"));
            }
        }

        private async Task PumpAsync(Socket from, bool toDaemon)
        {
            try
            {
                while (await ReadAsync(from, toDaemon) is { } frame)
                {
                    if (!IsOurs(frame))
                        await PassAsync(frame);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
            {
                // Either end has gone; the other follows.
            }
        }

        private async Task PassAsync(RpcFrame frame)
        {
            var rule = proxy.RuleFor(frame);
            switch (rule?.Treatment)
            {
                case RpcTreatment.Swallow:
                    return;
                case RpcTreatment.Hold:
                    _held.Add(HoldAsync(rule, frame));
                    return;
                case RpcTreatment.Duplicate:
                    await SendAsync(frame);
                    _held.Add(frame.ToDaemon ? AskAndForgetAsync(frame.WithSerial(proxy.NewSerial())) : SendAsync(frame));
                    return;
                case RpcTreatment.Alter:
                    await SendAsync(frame with { Bytes = rule.Alteration((byte[])frame.Bytes.Clone()) });
                    return;
                case RpcTreatment.CutBefore:
                    Cut();
                    return;
                case RpcTreatment.CutAfter:
                    await SendAsync(frame);
                    await EndAsync(frame.ToDaemon ? daemon : client);
                    return;
                default:
                    await SendAsync(frame);
                    return;
            }
        }

        // What was sent must arrive before the end does: closing with unread bytes would discard it.
        private async Task EndAsync(Socket receiver)
        {
            receiver.Shutdown(SocketShutdown.Send);
            await Task.Yield();
            (receiver == daemon ? client : daemon).Dispose();
        }

        private async Task HoldAsync(RpcRule rule, RpcFrame frame)
        {
            await rule.Released;
            try
            {
                await SendAsync(frame);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Its connection did not outlive the wait.
            }
        }

        private async Task AskAndForgetAsync(RpcFrame call)
        {
            try
            {
                await AskAsync(call);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
            {
                // The connection ended first.
            }
        }

        private bool IsOurs(RpcFrame frame)
        {
            lock (_asked)
            {
                if (frame.ToDaemon || frame.Header.Type != MessageType.Reply || !_asked.Remove(frame.Header.Serial, out var waiting))
                    return false;
                waiting.SetResult(frame);
                return true;
            }
        }

        private async Task SendAsync(RpcFrame frame)
        {
            var (gate, to) = frame.ToDaemon ? (_toDaemon, daemon) : (_toClient, client);
            await gate.WaitAsync();
            try
            {
                for (var rest = frame.Bytes.AsMemory(); rest.Length > 0;)
                    rest = rest[await to.SendAsync(rest)..];
            }
            finally
            {
                gate.Release();
            }
        }

        private static async Task<RpcFrame?> ReadAsync(Socket from, bool toDaemon)
        {
            var length = new byte[FrameLimits.LengthSize];
            if (!await FillAsync(from, length))
                return null;
            var bytes = new byte[Math.Clamp(BinaryPrimitives.ReadInt32BigEndian(length), FrameLimits.MinFrame, FrameLimits.MaxFrame)];
            length.CopyTo(bytes, 0);
            return await FillAsync(from, bytes.AsMemory(FrameLimits.LengthSize)) ? RpcFrame.Parse(toDaemon, bytes) : null;
        }

        private static async Task<bool> FillAsync(Socket from, Memory<byte> buffer)
        {
            while (buffer.Length > 0)
            {
                var count = await from.ReceiveAsync(buffer);
                if (count == 0)
                    return false;
                buffer = buffer[count..];
            }

            return true;
        }
    }
}
