using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Daemon.Configuration;
using Wherry.Daemon.Hosting;
using Wherry.Errors;

namespace Wherry.Daemon.Tests.Hosting;

public sealed class DaemonListenersTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-listeners-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Who_comes_before_the_daemon_is_whole_waits_instead_of_being_refused()
    {
        await using var listeners = await DaemonListeners.BindAsync(await OptionsAsync(), NullLoggerFactory.Instance, TimeProvider.System);
        using var early = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await early.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), TestContext.Current.CancellationToken);

        var accepted = await listeners.Clients[0].AcceptAsync(TestContext.Current.CancellationToken);

        Assert.Equal(Environment.ProcessId, accepted.Peer.Pid);
        await accepted.DisposeAsync();
    }

    [Fact]
    public async Task Who_waits_for_a_daemon_whose_start_fails_is_let_go()
    {
        using var early = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var listeners = await DaemonListeners.BindAsync(await OptionsAsync(), NullLoggerFactory.Instance, TimeProvider.System);
        await early.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), TestContext.Current.CancellationToken);

        await listeners.DisposeAsync();

        Assert.Equal(
            SocketError.ConnectionReset,
            (await Assert.ThrowsAsync<SocketException>(async () => await early.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken))).SocketErrorCode);
    }

    [Fact]
    public async Task One_place_that_is_taken_gives_the_others_back()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var options = await OptionsAsync("--listen", taken.LocalEndpoint.ToString()!);

        var refused = await Assert.ThrowsAsync<WherryException>(() => DaemonListeners.BindAsync(options, NullLoggerFactory.Instance, TimeProvider.System));

        Assert.Equal(ErrorCode.SystemError, refused.Code);
        Assert.False(File.Exists(SocketPath));
    }

    private string SocketPath => Path.Combine(_directory, "libvirt-sock");

    private Task<DaemonOptions> OptionsAsync(params string[] more)
    {
        var commandLine = new DaemonCommandLine();
        return commandLine.ResolveAsync(
            commandLine.Root.Parse(["--hostname", "here", "--state-dir", _directory, "--config-dir", _directory, "--runtime-dir", _directory, .. more]),
            _ => null, uid: 0, gid: 0);
    }
}
