using System.Net.Sockets;

namespace Wherry.Rpc.Transports;

/// <summary>
/// A TCP connection whose other host has vanished ends by itself, also where no keepalive of the protocol is agreed on: the peer is too old for
/// it, or somebody has switched it off.
/// </summary>
/// <remarks>
/// Nothing to send: the kernel asks after <see cref="Idle"/>, then every <see cref="Interval"/>. Something is unacknowledged: it waits
/// <see cref="Patience"/>, where it would otherwise send again for a quarter of an hour. A peer that is merely busy acknowledges.
/// </remarks>
internal static class TcpLiveness
{
    private const int ProtocolTcp = 6, UserTimeout = 18; // IPPROTO_TCP, TCP_USER_TIMEOUT

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static void Demand(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)Idle.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)Interval.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, (int)((Patience - Idle) / Interval));
        Span<byte> milliseconds = stackalloc byte[4];
        BitConverter.TryWriteBytes(milliseconds, (int)Patience.TotalMilliseconds);
        socket.SetRawSocketOption(ProtocolTcp, UserTimeout, milliseconds);
    }
}
