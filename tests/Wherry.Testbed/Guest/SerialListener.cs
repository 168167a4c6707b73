using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Wherry.Testbed.Guest;

/// <summary>
/// The other end of the guest's serial console. Every QEMU that runs the guest connects to one unix socket, so the connection tells
/// which of the two QEMUs speaks, and one clock stamps all of their lines:
/// <code>
///   QEMU at alpha ──connect──►┐                      ┌► GuestTimeline (beats, flushes, who spoke when)
///   QEMU at bravo ──connect──►┴ socket ─ one thread ─┘
/// </code>
/// One thread of its own reads them all: a thread pool's delays would be measured as silence of the guest.
/// </summary>
public sealed class SerialListener : IAsyncDisposable
{
    private const int SoPeerCred = 17, SolSocket = 1;

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Connection> _connections = [];
    private readonly Lock _lock = new();
    private readonly Thread _reader;
    private volatile bool _stopping;

    public SerialListener(string path)
    {
        Path = path;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _reader = new Thread(Read) { IsBackground = true, Name = "serial" };
        _reader.Start();
    }

    public string Path { get; }

    public GuestTimeline Timeline { get; } = new();

    /// <summary>Types a command on the console of the QEMU that spoke last: "poweroff", "reboot" or "panic".</summary>
    public void Type(string command)
    {
        lock (_lock)
            _connections[Timeline.Speaker].Socket.Send(Encoding.ASCII.GetBytes(command + "\n"));
    }

    public ValueTask DisposeAsync()
    {
        _stopping = true;
        _reader.Join();
        _listener.Dispose();
        _connections.ForEach(connection => connection.Socket.Dispose());
        return ValueTask.CompletedTask;
    }

    private void Read()
    {
        var buffer = new byte[65536];
        var open = new List<Socket>();
        while (!_stopping)
        {
            List<Socket> readable = [_listener, .. open];
            Socket.Select(readable, null, null, TimeSpan.FromMilliseconds(100));
            var now = Stopwatch.GetTimestamp();
            foreach (var socket in readable)
            {
                if (socket == _listener)
                    open.Add(Accept());
                else if (!Receive(socket, buffer, now))
                    open.Remove(socket);
            }
        }
    }

    private Socket Accept()
    {
        var socket = _listener.Accept();
        Span<byte> credentials = stackalloc byte[12]; // struct ucred: pid, uid, gid
        socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        lock (_lock)
            _connections.Add(new Connection(socket, _connections.Count, BitConverter.ToInt32(credentials)));
        Timeline.Connected(BitConverter.ToInt32(credentials));
        return socket;
    }

    private bool Receive(Socket socket, byte[] buffer, long now)
    {
        var connection = _connections.Find(candidate => candidate.Socket == socket)!;
        int count;
        try
        {
            count = socket.Receive(buffer);
        }
        catch (SocketException)
        {
            count = 0; // A killed QEMU may reset the connection.
        }

        foreach (var character in buffer.AsSpan(0, count))
        {
            if (character != '\n')
            {
                connection.Line.Append((char)character);
                continue;
            }

            Timeline.Add(connection.Index, now, connection.Line.ToString().TrimEnd('\r'));
            connection.Line.Clear();
        }

        return count > 0;
    }

    private sealed record Connection(Socket Socket, int Index, int Pid)
    {
        public StringBuilder Line { get; } = new();
    }
}
