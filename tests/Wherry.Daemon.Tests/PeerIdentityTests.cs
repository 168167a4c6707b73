using Microsoft.Extensions.Logging.Abstractions;
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
        using var daemon = new InProcessDaemon(NullLoggerFactory.Instance);
        await using var peer = await RpcMigrationPeer.ConnectAsync(
            $"qemu+unix:///system?socket={daemon.PathOf("libvirt-sock")}",
            new ClientConnectionOptions(),
            TimeProvider.System,
            NullLogger.Instance,
            TestContext.Current.CancellationToken).Within();
        Assert.Equal(daemon.HostUuid, await peer.HostUuidAsync(TestContext.Current.CancellationToken).Within());
    }
}
