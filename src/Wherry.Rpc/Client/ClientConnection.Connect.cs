using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Wherry.Errors;
using Wherry.Rpc.Transports;
using Wherry.Wire.Remote;

namespace Wherry.Rpc.Client;

/// <summary>From an endpoint to a connection that can be used: connect, AUTH_LIST, keepalive.</summary>
public sealed partial class ClientConnection
{
    /// <summary>PROGRAM_KEEPALIVE in libvirt's list of driver features: by asking for it we tell the server that we answer PINGs.</summary>
    private const int FeatureProgramKeepAlive = 10;

    /// <summary>
    /// Connects, authenticates and starts keepalive on both sides. What to open (CONNECT_OPEN with <see cref="RpcEndpoint.DriverUri"/>) is
    /// the caller's business.
    /// </summary>
    /// <exception cref="WherryException">
    /// SYSTEM_ERROR: nobody there, or no answer within <see cref="ClientConnectionOptions.ConnectTimeout"/>. AUTH_FAILED: the server
    /// wants an authentication that we have not.
    /// </exception>
    public static async Task<ClientConnection> ConnectAsync(
        RpcEndpoint endpoint, ClientConnectionOptions options, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        ClientConnection? connection = null;
        try
        {
            connection = Attach(endpoint.ToString(), await OpenAsync(endpoint, either.Token).ConfigureAwait(false), options, time, logger);
            RpcLog.ServerConnected(logger, connection);
            await connection.AuthenticateAsync(either.Token).ConfigureAwait(false);
            await connection.AgreeOnKeepAliveAsync(options, either.Token).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
            if (e is OperationCanceledException && !ct.IsCancellationRequested) throw CannotConnect(endpoint, Errno.TimedOut);
            if (e is ConnectionLostException lost)
                throw new WherryException(ErrorCode.SystemError, $"unable to connect to server at '{endpoint}': {lost.Reason}", ErrorDomain.Rpc, lost);
            throw;
        }
    }

    private static async Task<RpcTransport> OpenAsync(RpcEndpoint endpoint, CancellationToken ct)
    {
        var socket = endpoint switch
        {
            RpcEndpoint.Unix => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified),
            _ => new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }, // Both IP versions.
        };
        try
        {
            var identity = await ConnectSocketAsync(socket, endpoint, ct).ConfigureAwait(false);
            return new RpcTransport(new NetworkStream(socket, ownsSocket: true), identity);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw e.SocketErrorCode is SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData
                ? new WherryException(ErrorCode.SystemError, Unresolved((RpcEndpoint.Tcp)endpoint, e.SocketErrorCode), ErrorDomain.Rpc, e)
                : CannotConnect(endpoint, endpoint is RpcEndpoint.Unix ? Errno.OfUnixSocket(e) : e.NativeErrorCode);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<PeerIdentity> ConnectSocketAsync(Socket socket, RpcEndpoint endpoint, CancellationToken ct)
    {
        if (endpoint is RpcEndpoint.Tcp tcp)
        {
            await socket.ConnectAsync(tcp.Host, tcp.Port, ct).ConfigureAwait(false);
            return new PeerIdentity(socket.RemoteEndPoint!.ToString()!);
        }

        var path = ((RpcEndpoint.Unix)endpoint).Path;
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct).ConfigureAwait(false);
        return PeerCredentials.Read(socket);
    }

    private async Task AuthenticateAsync(CancellationToken ct)
    {
        var offered = await CallAsync<Nothing, AuthListRet>(
            RemoteProcedure.Program, RemoteProcedure.Version, RemoteProcedure.AuthList, default, ct).ConfigureAwait(false);
        if (!offered.Types.Contains(AuthType.None))
            throw new WherryException(
                ErrorCode.AuthFailed, $"{_name} offers only {string.Join(", ", offered.Types)}, and we can only do without", ErrorDomain.Rpc);
    }

    /// <summary>Works before CONNECT_OPEN, also with libvirt. A server too old for keepalive says so and gets no PINGs.</summary>
    private async Task AgreeOnKeepAliveAsync(ClientConnectionOptions options, CancellationToken ct)
    {
        var answer = await CallAsync<ConnectSupportsFeatureArgs, ConnectSupportsFeatureRet>(
            RemoteProcedure.Program, RemoteProcedure.Version, RemoteProcedure.ConnectSupportsFeature, new(FeatureProgramKeepAlive), ct)
            .ConfigureAwait(false);
        if (answer.Supported != 0) SetKeepAlive(options.KeepAliveInterval, options.KeepAliveCount);
    }

    /// <summary>The resolver's own words (gai_strerror), as virsh shows them for its own connections.</summary>
    private static string Unresolved(RpcEndpoint.Tcp endpoint, SocketError error) => string.Create(
        CultureInfo.InvariantCulture,
        $"Unable to resolve address '{endpoint.Host}' service '{endpoint.Port}': {error switch
        {
            SocketError.TryAgain => "Temporary failure in name resolution",
            SocketError.NoData => "No address associated with hostname",
            _ => "Name or service not known",
        }}");

    private static WherryException CannotConnect(RpcEndpoint endpoint, int errno) => WherryException.FromErrno(
        errno,
        endpoint is RpcEndpoint.Unix ? $"Failed to connect socket to '{endpoint}'" : $"unable to connect to server at '{endpoint}'",
        ErrorDomain.Rpc);
}
