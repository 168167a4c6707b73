using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Daemon.Configuration;
using Wherry.Daemon.Hosting;
using Wherry.Daemon.Migration;
using Wherry.Rpc.Client;
using Wherry.Testing;

namespace Wherry.Daemon.Tests;

public sealed class PeerIdentityTests
{
    /// <summary>By which it is told from a host that was given its address.</summary>
    [Fact]
    public async Task A_daemon_tells_another_one_which_host_it_is()
    {
        var directory = Directory.CreateTempSubdirectory("wherry-peer-");
        try
        {
            var commandLine = new DaemonCommandLine();
            var options = await commandLine.ResolveAsync(
                commandLine.Root.Parse(["--state-dir", directory.FullName, "--config-dir", directory.FullName, "--runtime-dir", directory.FullName]), _ => null, uid: 0, gid: 0);
            using var stop = new CancellationTokenSource();
            using var log = new DaemonLoggerFactory(new LogSettings(), TimeProvider.System);
            var running = new WherryDaemon(options, NullLoggerFactory.Instance, log, new SystemdNotifier(null), TimeProvider.System).RunAsync(stop.Token);
            var socket = Path.Combine(directory.FullName, "libvirt-sock");
            Assert.True(SpinWait.SpinUntil(() => File.Exists(socket) || running.IsCompleted, Deadline.Default));

            await using (var peer = await RpcMigrationPeer.ConnectAsync(
                $"qemu+unix:///system?socket={socket}", new ClientConnectionOptions(), TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken).Within())
                Assert.Equal(options.HostUuid, await peer.HostUuidAsync(TestContext.Current.CancellationToken).Within());

            await stop.CancelAsync();
            await running.Within();
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
