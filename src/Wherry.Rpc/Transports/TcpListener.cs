using System.Net;
using System.Net.Sockets;
using Wherry.Errors;

namespace Wherry.Rpc.Transports;

/// <summary>A listening TCP port (libvirt's <c>listen_tcp</c>). Without an address it listens on IPv6 and IPv4 with one socket.</summary>
public sealed class TcpListener : SocketListener
{
    private TcpListener(Socket socket, IPEndPoint bound)
        : base(socket) => EndPoint = bound;

    /// <summary>What is bound: with port 0 asked for, the port that was chosen.</summary>
    public IPEndPoint EndPoint { get; }

    public override string Name => EndPoint.ToString();

    /// <param name="address">Where to listen; null for everywhere.</param>
    /// <exception cref="WherryException">SYSTEM_ERROR: the port is in use, or the address is not ours.</exception>
    public static TcpListener Bind(
        IPAddress? address, int port, int backlog = RpcServerOptions.DefaultMaxQueuedClients, bool readOnly = false,
        AuthScheme auth = AuthScheme.None)
    {
        var everywhere = Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        var endPoint = new IPEndPoint(address ?? everywhere, port);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = address is null;
            // .NET sets SO_REUSEADDR for TCP by itself, so TIME_WAIT does not delay a restart. Its own ReuseAddress option would add
            // SO_REUSEPORT, with which two daemons could share one port.
            socket.Bind(endPoint);
            socket.Listen(backlog);
            return new TcpListener(socket, (IPEndPoint)socket.LocalEndPoint!) { IsReadOnly = readOnly, Auth = auth };
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw WherryException.FromErrno(e.NativeErrorCode, $"Unable to bind to port {port} on {endPoint.Address}", ErrorDomain.Rpc);
        }
    }

    private protected override RpcTransport Connected(Socket accepted)
    {
        accepted.NoDelay = true; // Replies are small and each is awaited: Nagle would only add delay.
        TcpLiveness.Demand(accepted);
        var remote = (IPEndPoint)accepted.RemoteEndPoint!;
        if (remote.Address.IsIPv4MappedToIPv6) remote = new IPEndPoint(remote.Address.MapToIPv4(), remote.Port);
        return new RpcTransport(new NetworkStream(accepted, ownsSocket: true), new PeerIdentity(remote.ToString()));
    }
}
