using Wherry.Daemon.Migration;

namespace Wherry.Daemon.Tests.Migration;

public sealed class LocalPeerTests
{
    [Theory]
    [InlineData("127.0.0.1:16509", true)]
    [InlineData("[::ffff:127.0.0.1]:16509", true)] // as a socket of both IP versions tells it
    [InlineData("[::1]:16514", true)]
    [InlineData("localhost", true)]
    [InlineData("root@localhost:2222", true)]
    [InlineData("root@127.0.0.1:22", true)]
    [InlineData("root@[::1]:22", true)]
    [InlineData("[::ffff:10.71.1.2]:16509", false)]
    [InlineData("[fd71::2]:16509", false)]
    [InlineData("root@bravo:22", false)]
    [InlineData("bravo", false)]
    public void A_peer_is_on_this_host_if_its_connection_is(string address, bool local) => Assert.Equal(local, RpcMigrationPeer.IsLocalAddress(address));
}
