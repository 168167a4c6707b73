using Wherry.Errors;
using Wherry.Testing;
using Wherry.Testing.Rpc;

namespace Wherry.Rpc.Tests;

public class ServerLifetimeTests
{
    [Fact]
    public async Task Stopping_finishes_calls_in_progress_and_then_closes()
    {
        var server = new TestServer();
        await using var idle = server.Connect();
        await using var busy = server.Connect();
        await idle.ExpectAliveAsync();
        await busy.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await server.Program.ExpectBegunAsync(1);

        var stopped = server.StopAsync();
        await idle.ExpectClosedAsync();
        await busy.SendAsync(RawClient.Call(TestProgram.Wait, 2, argument: 2)); // Too late: dropped.
        await busy.SendAsync(RawClient.Ping());
        await busy.ExpectPongAsync();
        Assert.False(stopped.IsCompleted);
        server.Program.Release(1);
        await busy.ExpectNumberAsync(1, 1);
        await busy.ExpectClosedAsync();
        await stopped.Within();
        Assert.False(server.Program.Begun.TryPeek(out _));
    }

    [Fact]
    public async Task Who_calls_before_the_server_is_ready_waits_for_it_and_is_pinged_meanwhile()
    {
        var ready = new TaskCompletionSource();
        await using var server = new TestServer(ready: ready.Task);
        await using var early = server.Connect();
        await early.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await early.SendAsync(RawClient.Ping());
        await early.ExpectPongAsync();
        Assert.False(server.Program.Begun.TryPeek(out _));

        ready.SetResult();
        await server.Program.ExpectBegunAsync(1);
        server.Program.Release(1);
        await early.ExpectNumberAsync(1, 1);
    }

    [Fact]
    public async Task Who_waits_for_a_server_that_never_gets_ready_is_told_so_at_once()
    {
        var ready = new TaskCompletionSource();
        var server = new TestServer(ready: ready.Task);
        await using var early = server.Connect();
        await early.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await early.SendAsync(RawClient.Ping());
        await early.ExpectPongAsync();

        ready.SetCanceled(TestContext.Current.CancellationToken);
        Assert.Equal((78, 7, "operation aborted: the daemon ends"), (await early.ExpectErrorAsync(1)).Brief());
        await server.StopAsync().Within();
    }

    [Fact]
    public async Task Calls_that_do_not_finish_within_the_deadline_are_cancelled_and_say_so()
    {
        var time = new ManualTimeProvider();
        var server = new TestServer(time: time);
        await using var busy = server.Connect();
        await busy.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await server.Program.ExpectBegunAsync(1);
        var stopped = server.StopAsync();
        await time.WaitForTimerAsync(TestServer.StopDeadline);
        time.Advance(TestServer.StopDeadline);
        Assert.Equal((78, 7, "operation aborted: the daemon ends"), (await busy.ExpectErrorAsync(1)).Brief());
        await busy.ExpectClosedAsync();
        await stopped.Within();
    }

    [Fact]
    public async Task A_client_that_reads_nothing_does_not_hold_up_the_stop()
    {
        var time = new ManualTimeProvider();
        var server = new TestServer(time: time);
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Bulk, 1, argument: 1 << 20));
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 2, argument: 1));
        await server.Program.ExpectBegunAsync(1);
        server.Program.Release(1);
        var stopped = server.StopAsync();
        await time.WaitForTimerAsync(TestServer.StopDeadline);
        time.Advance(TestServer.StopDeadline);
        await time.WaitForTimerAsync(TimeSpan.FromSeconds(1));
        time.Advance(TimeSpan.FromSeconds(1));
        await stopped.Within();
    }

    [Fact]
    public async Task A_listener_that_fails_stops_the_server_loudly()
    {
        var server = new TestServer(more: new InMemoryListener());
        await using var client = server.Connect();
        await client.ExpectAliveAsync();
        server.Listener.Fail(new InvalidOperationException("the socket is gone"));
        var thrown = await Assert.ThrowsAsync<IOException>(() => server.Running).Within();
        Assert.Equal("the socket is gone", thrown.Message);
        await client.ExpectClosedAsync();
        Assert.Contains(server.Logger.Lines, line => line.Id == 1005);
    }

    [Fact]
    public async Task At_max_clients_a_new_client_waits_until_another_leaves()
    {
        await using var server = new TestServer(new RpcServerOptions { MaxClients = 1 });
        var first = server.Connect();
        await first.ExpectAliveAsync();
        await using var second = server.Connect();
        await second.SendAsync(RawClient.Call(TestProgram.Echo, 1, argument: 1));
        await server.Logger.WaitForAsync(1003);
        Assert.Single(server.Server.Sessions);
        await first.DisposeAsync();
        await second.ExpectNumberAsync(1, 1);
    }

    [Fact]
    public async Task A_raised_limit_lets_in_who_waits_and_a_lowered_one_disturbs_nobody()
    {
        await using var server = new TestServer(new RpcServerOptions { MaxClients = 1, MaxAnonymousClients = 1 });
        await using var first = server.Connect();
        await first.ExpectAliveAsync();
        await using var second = server.Connect();
        await server.Logger.WaitForAsync(1003);
        server.Server.SetClientLimits(maxClients: 2, maxAnonymousClients: null);
        await second.ExpectAliveAsync();

        server.Server.SetClientLimits(maxClients: 1, maxAnonymousClients: 0);
        Assert.Equal(new ClientCounts(Max: 1, Connected: 2, MaxAnonymous: 0, Anonymous: 0), server.Server.Clients);
        await first.ExpectAliveAsync();
        Assert.Equal(
            ErrorCode.InvalidArg, Assert.Throws<WherryException>(() => server.Server.SetClientLimits(null, maxAnonymousClients: 2)).Code);
    }

    [Fact]
    public async Task Anonymous_clients_have_a_limit_of_their_own()
    {
        var stranger = new PeerIdentity("192.0.2.1:1234");
        var listener = new InMemoryListener { Auth = Transports.AuthScheme.PeerCredentials, Peer = stranger };
        var open = new InMemoryListener();
        await using var server = new TestServer(new RpcServerOptions { MaxAnonymousClients = 1 }, listener: listener, more: open);
        var first = server.Connect();
        await using var second = server.Connect();
        await using var known = new RawClient(open.Connect());
        await first.SendAsync(RawClient.Call(TestProgram.Greet, 1, argument: 1));
        await first.ExpectNumberAsync(1, 1);
        await second.SendAsync(RawClient.Call(TestProgram.Greet, 1, argument: 1));
        await server.Logger.WaitForAsync(1003);
        await known.ExpectAliveAsync();
        await first.DisposeAsync();
        await second.ExpectNumberAsync(1, 1);
    }
}
