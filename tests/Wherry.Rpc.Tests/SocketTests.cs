using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Wherry.Errors;
using Wherry.Rpc.Transports;
using Wherry.Testing;
using TcpListener = Wherry.Rpc.Transports.TcpListener;

namespace Wherry.Rpc.Tests;

public sealed partial class SocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-rpc-").FullName;

    private string Path => System.IO.Path.Combine(_directory, "libvirt-sock");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_unix_socket_has_its_mode_serves_calls_and_goes_away_with_the_server()
    {
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        await using (var server = new TestServer(more: UnixListener.Bind(Path, mode)))
        {
            Assert.Equal(mode, File.GetUnixFileMode(Path));
            await using var client = await ConnectAsync(new UnixDomainSocketEndPoint(Path));
            await client.ExpectAliveAsync();
        }

        Assert.False(File.Exists(Path));
    }

    [Fact]
    public async Task The_peer_of_a_unix_socket_is_known_by_pid_uid_and_gid()
    {
        await using var server = new TestServer(more: UnixListener.Bind(Path, UnixFileMode.UserWrite));
        await using var client = await ConnectAsync(new UnixDomainSocketEndPoint(Path));
        await client.ExpectAliveAsync();
        var identity = server.Program.Sessions.Single().Identity;
        Assert.Equal((true, Environment.ProcessId), (identity.IsLocal, identity.Pid));
        Assert.Equal(uint.Parse(ProcStatus("Uid")), identity.Uid);
        Assert.Equal(uint.Parse(ProcStatus("Gid")), identity.Gid);
    }

    [Fact]
    public async Task A_read_only_socket_beside_a_read_write_one_refuses_changes()
    {
        await using var server = new TestServer(more:
        [
            UnixListener.Bind(Path, UnixFileMode.UserWrite),
            UnixListener.Bind(Path + "-ro", UnixFileMode.UserWrite, readOnly: true),
        ]);
        await using var readWrite = await ConnectAsync(new UnixDomainSocketEndPoint(Path));
        await using var readOnly = await ConnectAsync(new UnixDomainSocketEndPoint(Path + "-ro"));
        await readWrite.SendAsync(RawClient.Call(TestProgram.Change, 1, argument: 2));
        await readWrite.ExpectNumberAsync(1, 2);
        await readOnly.SendAsync(RawClient.Call(TestProgram.Change, 1, argument: 2));
        Assert.Equal(ErrorCode.OperationDenied, (await readOnly.ExpectErrorAsync(1)).Code);
    }

    [Fact]
    public async Task A_socket_left_by_a_dead_daemon_is_replaced()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(Path));
            File.Move(Path, Path + ".kept"); // Disposing of the socket removes its file, as a crash does not.
        }

        File.Move(Path + ".kept", Path);
        await using var server = new TestServer(more: UnixListener.Bind(Path, UnixFileMode.UserWrite));
        await using var client = await ConnectAsync(new UnixDomainSocketEndPoint(Path));
        await client.ExpectAliveAsync();
    }

    [Fact]
    public async Task A_socket_that_somebody_answers_is_left_alone()
    {
        await using var server = new TestServer(more: UnixListener.Bind(Path, UnixFileMode.UserWrite));
        CheckBindFails(Path, $"Failed to bind socket to '{Path}': Address already in use");
        await using var client = await ConnectAsync(new UnixDomainSocketEndPoint(Path));
        await client.ExpectAliveAsync();
    }

    [Fact]
    public void A_file_that_is_no_socket_is_left_alone()
    {
        File.WriteAllText(Path, "precious");
        CheckBindFails(Path, $"Failed to bind socket to '{Path}': File exists");
        Assert.Equal("precious", File.ReadAllText(Path));
    }

    [Fact]
    public void A_path_that_is_too_long_is_named()
    {
        var path = Path + new string('x', 108);
        CheckBindFails(path, $"Path {path} too long for unix socket: File name too long");
    }

    [Fact]
    public void A_directory_that_does_not_exist_is_named()
    {
        var path = System.IO.Path.Combine(_directory, "missing", "libvirt-sock");
        CheckBindFails(path, $"Failed to bind socket to '{path}': No such file or directory");
    }

    [Fact]
    public async Task Without_an_address_both_ip_versions_are_served_and_names_are_plain()
    {
        var listener = TcpListener.Bind(address: null, port: 0);
        await using var server = new TestServer(more: listener);
        await CheckAsync(IPAddress.Loopback, @"^127\.0\.0\.1:\d+$");
        if (Socket.OSSupportsIPv6) await CheckAsync(IPAddress.IPv6Loopback, @"^\[::1\]:\d+$");

        async Task CheckAsync(IPAddress address, string name)
        {
            await using var client = await ConnectAsync(new IPEndPoint(address, listener.EndPoint.Port));
            await client.ExpectAliveAsync();
            var identity = server.Program.Sessions.Last().Identity;
            Assert.Matches(name, identity.Address);
            Assert.False(identity.IsLocal);
        }
    }

    [Fact]
    public async Task A_port_in_use_is_refused_also_among_our_own_daemons()
    {
        await using var first = TcpListener.Bind(IPAddress.Loopback, port: 0);
        var thrown = Assert.Throws<WherryException>(() => TcpListener.Bind(IPAddress.Loopback, first.EndPoint.Port));
        Assert.Equal((ErrorCode.SystemError, 98), (thrown.Code, thrown.Errno));
        Assert.Equal($"Unable to bind to port {first.EndPoint.Port} on 127.0.0.1: Address already in use", thrown.Message);
    }

    [Fact]
    public async Task Connections_that_come_and_go_in_every_way_leave_no_descriptor_behind()
    {
        await using var server = new TestServer(more: UnixListener.Bind(Path, UnixFileMode.UserWrite));
        await using var witness = await ConnectAsync(new UnixDomainSocketEndPoint(Path));
        await witness.ExpectAliveAsync();
        for (var i = 0; i < 200; i++)
        {
            await using var client = await ConnectAsync(new UnixDomainSocketEndPoint(Path));
            if (i % 4 == 0) await client.ExpectAliveAsync();
            if (i % 4 == 1) await client.SendAsync(new byte[40]);
            if (i % 4 == 2) await client.SendAsync(RawClient.Call(TestProgram.Echo, 1, 1)[..11]);
        }

        // The server ends them in its own time; that all ended is said by the log.
        await server.Logger.WaitForAsync(1002, count: 200);
        // The kernel lists the server's ends by our path, whatever other tests have open: the listener and the witness are left.
        Assert.Equal(2, File.ReadLines("/proc/net/unix").Count(line => line.EndsWith(Path, StringComparison.Ordinal)));
    }

    private static void CheckBindFails(string path, string message)
    {
        var thrown = Assert.Throws<WherryException>(() => UnixListener.Bind(path, UnixFileMode.UserWrite));
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Rpc, message), (thrown.Code, thrown.Domain, thrown.Message));
    }

    private static async Task<RawClient> ConnectAsync(EndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(endPoint).Within();
        return new RawClient(new NetworkStream(socket, ownsSocket: true));
    }

    private static string ProcStatus(string field) =>
        EffectiveId().Match(File.ReadLines("/proc/self/status").First(line => line.StartsWith(field, StringComparison.Ordinal))).Groups[1].Value;

    [GeneratedRegex(@"^\w+:\s+\d+\s+(\d+)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex EffectiveId();
}
