using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;
using Wherry.Rpc.Client;
using Wherry.Rpc.Transports;
using Wherry.Testing;
using Wherry.Wire.Remote;
using TcpListener = Wherry.Rpc.Transports.TcpListener;

namespace Wherry.Rpc.Tests;

public sealed class ConnectTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-rpc-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    [InlineData("tcp6")]
    [Trait("req", "S2.5")]
    public async Task A_connection_is_authenticated_and_both_sides_know_that_they_may_ping(string transport)
    {
        Assert.SkipWhen(transport == "tcp6" && !Socket.OSSupportsIPv6, "this machine has no IPv6");
        await using var daemon = new Daemon(this, transport);
        await using var client = await ConnectAsync(daemon.Uri);
        Assert.Equal([RemoteProcedure.AuthList, RemoteProcedure.ConnectSupportsFeature], daemon.Program.Calls);
        Assert.Contains(daemon.Logger.Lines, line => line.Id == 1031); // The server's pings begin: RPC_KEEPALIVE_START.
        Assert.Equal(1, (await SupportsFeatureAsync(client)).Supported);
    }

    [Fact]
    public async Task A_server_that_wants_more_than_we_have_is_refused_by_name()
    {
        await using var daemon = new Daemon(this, "unix");
        daemon.Program.Offered = [AuthType.Sasl, AuthType.Polkit];
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync(daemon.Uri)).Within();
        Assert.Equal(ErrorCode.AuthFailed, thrown.Code);
        Assert.Contains("Sasl, Polkit", thrown.Message, StringComparison.Ordinal);
        await daemon.Logger.WaitForAsync(1002);
    }

    [Fact]
    public async Task A_server_without_keepalive_is_not_pinged()
    {
        await using var daemon = new Daemon(this, "unix");
        daemon.Program.KeepAlive = false;
        var logger = new ListLogger();
        await using var client = await ConnectAsync(daemon.Uri, logger);
        Assert.DoesNotContain(logger.Lines, line => line.Id == 1031);
    }

    [Fact]
    public async Task Nobody_at_the_socket_is_said_as_libvirt_says_it()
    {
        var path = Path.Combine(_directory, "nobody");
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync($"qemu+unix:///system?socket={path}")).Within();
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Rpc, 2), (thrown.Code, thrown.Domain, thrown.Errno));
        Assert.Equal($"Failed to connect socket to '{path}': No such file or directory", thrown.Message);
    }

    [Fact]
    public async Task Nobody_at_the_port_is_said_as_libvirt_says_it()
    {
        int port;
        await using (var listener = TcpListener.Bind(IPAddress.Loopback, port: 0)) port = listener.EndPoint.Port;
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync($"qemu+tcp://127.0.0.1:{port}/system")).Within();
        Assert.Equal($"unable to connect to server at '127.0.0.1:{port}': Connection refused", thrown.Message);
    }

    [Fact]
    public async Task A_server_that_accepts_and_says_nothing_times_out_by_name()
    {
        var time = new ManualTimeProvider();
        await using var listener = TcpListener.Bind(IPAddress.Loopback, port: 0);
        var uri = $"qemu+tcp://127.0.0.1:{listener.EndPoint.Port}/system";
        var connecting = ConnectAsync(uri, time: time);
        await using var accepted = await listener.AcceptAsync(CancellationToken.None).AsTask().Within();
        time.Advance(new ClientConnectionOptions().ConnectTimeout);
        var thrown = await Assert.ThrowsAsync<WherryException>(() => connecting).Within();
        Assert.Equal(110, thrown.Errno);
        Assert.Equal($"unable to connect to server at '127.0.0.1:{listener.EndPoint.Port}': Connection timed out", thrown.Message);
    }

    [Fact]
    public async Task A_server_that_hangs_up_during_the_handshake_is_a_failed_connect()
    {
        await using var listener = TcpListener.Bind(IPAddress.Loopback, port: 0);
        var connecting = ConnectAsync($"qemu+tcp://127.0.0.1:{listener.EndPoint.Port}/system");
        await (await listener.AcceptAsync(CancellationToken.None).AsTask().Within()).DisposeAsync();
        var thrown = await Assert.ThrowsAsync<WherryException>(() => connecting).Within();
        Assert.StartsWith($"unable to connect to server at '127.0.0.1:{listener.EndPoint.Port}': ", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_cannot_be_resolved_is_named()
    {
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync("qemu+tcp://no-such-host.invalid/system"))
            .Within(TimeSpan.FromSeconds(60));
        Assert.Equal(ErrorCode.SystemError, thrown.Code);
        Assert.Contains("'no-such-host.invalid' service '16509'", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_a_connect_is_cancelling_and_no_failure()
    {
        await using var listener = TcpListener.Bind(IPAddress.Loopback, port: 0);
        using var cancel = new CancellationTokenSource();
        var connecting = ConnectAsync($"qemu+tcp://127.0.0.1:{listener.EndPoint.Port}/system", ct: cancel.Token);
        await using var accepted = await listener.AcceptAsync(CancellationToken.None).AsTask().Within();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting).Within();
    }

    private static Task<ClientConnection> ConnectAsync(
        string uri, ListLogger? logger = null, TimeProvider? time = null, CancellationToken ct = default) =>
        ClientConnection.ConnectAsync(
            RpcEndpoint.Parse(uri), new ClientConnectionOptions(), time ?? TimeProvider.System, logger ?? (Microsoft.Extensions.Logging.ILogger)NullLogger.Instance, ct);

    private static Task<ConnectSupportsFeatureRet> SupportsFeatureAsync(ClientConnection client) =>
        client.CallAsync<ConnectSupportsFeatureArgs, ConnectSupportsFeatureRet>(
            RemoteProcedure.Program, RemoteProcedure.Version, RemoteProcedure.ConnectSupportsFeature, new(10), CancellationToken.None).Within();

    /// <summary>A server that knows the handshake and nothing else.</summary>
    private sealed class Daemon : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;

        public Daemon(ConnectTests test, string transport)
        {
            RpcListener listener;
            switch (transport)
            {
                case "unix":
                    var path = Path.Combine(test._directory, "libvirt-sock");
                    listener = UnixListener.Bind(path, UnixFileMode.UserWrite);
                    Uri = $"qemu+unix:///system?socket={path}";
                    break;
                default:
                    var address = transport == "tcp6" ? IPAddress.IPv6Loopback : IPAddress.Loopback;
                    var tcp = TcpListener.Bind(address, port: 0);
                    listener = tcp;
                    Uri = $"qemu+tcp://{tcp.EndPoint}/system";
                    break;
            }

            var server = new RpcServer(new RpcServerOptions(), [Program], [listener], TimeProvider.System, Logger);
            _running = server.RunAsync(TestServer.StopDeadline, _stop.Token);
        }

        public string Uri { get; }

        public HandshakeProgram Program { get; } = new();

        public ListLogger Logger { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running.Within();
        }
    }
}
