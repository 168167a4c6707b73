using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Wherry.Errors;
using Wherry.Rpc.Transports;
using Wherry.Rpc.Transports.Ssh;
using Wherry.Rpc.Transports.Tls;
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
    /// SYSTEM_ERROR: nobody there, no answer within <see cref="ClientConnectionOptions.ConnectTimeout"/>, or our TLS files cannot work.
    /// AUTH_FAILED: the server wants an authentication that we have not, or a certificate is refused, theirs or ours.
    /// </exception>
    public static async Task<ClientConnection> ConnectAsync(
        RpcEndpoint endpoint, ClientConnectionOptions options, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        ClientConnection? connection = null;
        try
        {
            connection = Attach(endpoint.ToString(), await OpenAsync(endpoint, options, time, logger, either.Token).ConfigureAwait(false), options, time, logger);
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

    /// <summary>
    /// Connects to a unix socket whose programs want no handshake of the remote program: the kernel has told the server who we are. No keepalive:
    /// a socket on the same machine does not fall silent.
    /// </summary>
    /// <exception cref="WherryException">SYSTEM_ERROR: nobody there, or not for us.</exception>
    public static async Task<ClientConnection> ConnectPlainAsync(
        string socketPath, ClientConnectionOptions options, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        var endpoint = new RpcEndpoint.Unix(socketPath, DriverUri: "");
        var quiet = options with { KeepAliveInterval = TimeSpan.Zero };
        return Attach(endpoint.ToString(), await OpenAsync(endpoint, quiet, time, logger, ct).ConfigureAwait(false), quiet, time, logger);
    }

    private static async Task<RpcTransport> OpenAsync(
        RpcEndpoint endpoint, ClientConnectionOptions options, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        if (endpoint is RpcEndpoint.Ssh ssh)
            return new RpcTransport(CommandStream.Start(ssh.Command, SshCommand.Arguments(ssh, options.IsUnattended), $"{ssh}"), new PeerIdentity(ssh.ToString()) { IsEncrypted = true });

        // Before anything is sent: a certificate of ours that cannot work is told as such.
        var credentials = endpoint is RpcEndpoint.Tls tls ? LoadCredentials(tls, options, time, logger) : null;
        var socket = endpoint switch
        {
            RpcEndpoint.Unix => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified),
            _ => new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }, // Both IP versions.
        };
        if (endpoint is not RpcEndpoint.Unix) TcpLiveness.Demand(socket);
        try
        {
            var identity = await ConnectSocketAsync(socket, endpoint, ct).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (credentials is null) return new RpcTransport(stream, identity);
            var secured = await TlsClient.HandshakeAsync(stream, ((RpcEndpoint.Tls)endpoint).Host, credentials, ((RpcEndpoint.Tls)endpoint).Verify, ct)
                .ConfigureAwait(false);
            return new RpcTransport(secured, identity with { IsEncrypted = true });
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw e.SocketErrorCode is SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData
                ? new WherryException(ErrorCode.SystemError, Unresolved(Place(endpoint), e.SocketErrorCode), ErrorDomain.Rpc, e)
                : CannotConnect(endpoint, endpoint is RpcEndpoint.Unix ? Errno.OfUnixSocket(e) : e.NativeErrorCode);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static TlsCredentials LoadCredentials(RpcEndpoint.Tls endpoint, ClientConnectionOptions options, TimeProvider time, ILogger logger)
    {
        var files = endpoint.PkiDirectory is { } directory ? TlsFiles.InOneDirectory(directory, TlsRole.Client) : options.TlsFiles;
        return TlsCredentials.Load(files, TlsRole.Client, endpoint.SanityCheck, endpoint.Priority, time, logger);
    }

    private static async Task<PeerIdentity> ConnectSocketAsync(Socket socket, RpcEndpoint endpoint, CancellationToken ct)
    {
        if (endpoint is not RpcEndpoint.Unix)
        {
            var (host, port) = Place(endpoint);
            await socket.ConnectAsync(host, port, ct).ConfigureAwait(false);
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

    private static (string Host, int Port) Place(RpcEndpoint endpoint) =>
        endpoint is RpcEndpoint.Tcp tcp ? (tcp.Host, tcp.Port) : (((RpcEndpoint.Tls)endpoint).Host, ((RpcEndpoint.Tls)endpoint).Port);

    /// <summary>The resolver's own words (gai_strerror), as virsh shows them for its own connections.</summary>
    private static string Unresolved((string Host, int Port) place, SocketError error) => string.Create(
        CultureInfo.InvariantCulture,
        $"Unable to resolve address '{place.Host}' service '{place.Port}': {error switch
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
