using Wherry.Testing;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Tests;

public class SessionTests
{
    [Fact]
    public async Task Events_come_in_order_and_before_the_reply_that_was_sent_after_them()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Emit, 5, argument: 100));
        for (var i = 0; i < 100; i++)
        {
            var (header, payload) = await client.ExpectAsync();
            Assert.Equal(new MessageHeader(TestProgram.Number, 1, TestProgram.Event, MessageType.Message, 0, MessageStatus.Ok), header);
            Assert.Equal(i, RawClient.Decode<TestNumber>(payload).Value);
        }

        await client.ExpectNumberAsync(5, 100);
    }

    [Theory]
    [InlineData(10, 1 << 20)]
    [InlineData(1 << 20, 320)]
    public async Task A_subscriber_that_does_not_read_is_cut_off_and_others_are_not(int maxEvents, int maxBytes)
    {
        await using var server = new TestServer(new RpcServerOptions { MaxQueuedEvents = maxEvents, MaxQueuedEventBytes = maxBytes });
        await using var slow = server.Connect();
        await using var other = server.Connect();
        await slow.ExpectAliveAsync();
        var session = server.Program.Sessions.Single();
        await slow.SendAsync(RawClient.Call(TestProgram.Bulk, 1, argument: 1 << 20)); // Fills its socket, so that events wait behind it.
        await other.ExpectAliveAsync();
        for (var i = 0; i <= 100_000 && !session.Closed.IsCancellationRequested; i++)
            session.SendEvent(TestProgram.Number, TestProgram.Version, TestProgram.Event, new TestNumber(i));
        Assert.True(session.Closed.IsCancellationRequested);
        Assert.Single(server.Logger.Lines, line => line.Id == 1011);
        await server.Logger.WaitForAsync(1002);
        await other.ExpectAliveAsync();
    }

    [Fact]
    public async Task Closed_callbacks_run_when_the_client_is_gone_and_a_failing_one_hurts_nobody()
    {
        await using var server = new TestServer();
        var client = server.Connect();
        await client.ExpectAliveAsync();
        var session = server.Program.Sessions.Single();
        var ran = new TaskCompletionSource();
        session.OnClosed(() => throw new InvalidOperationException("broken"));
        session.OnClosed(() =>
        {
            Assert.True(session.Closed.IsCancellationRequested);
            Assert.Empty(server.Server.Sessions);
            ran.SetResult();
            return Task.CompletedTask;
        });
        await client.DisposeAsync();
        await ran.Task.Within();
        await server.Logger.WaitForAsync(1012);
    }

    [Fact]
    public async Task A_callback_registered_by_a_call_that_outlives_its_client_runs_at_once()
    {
        await using var server = new TestServer();
        var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await server.Program.ExpectBegunAsync(1);
        await client.DisposeAsync();
        await server.Logger.WaitForAsync(1002);

        var ran = new TaskCompletionSource();
        server.Program.Sessions.Single().OnClosed(() =>
        {
            ran.SetResult();
            return Task.CompletedTask;
        });
        await ran.Task.Within();
        server.Program.Release(1);
    }

    [Fact]
    public async Task Events_for_a_client_that_is_gone_are_dropped()
    {
        await using var server = new TestServer();
        var client = server.Connect();
        await client.ExpectAliveAsync();
        await client.DisposeAsync();
        await server.Logger.WaitForAsync(1002);
        server.Program.Sessions.Single().SendEvent(TestProgram.Number, TestProgram.Version, TestProgram.Event, new TestNumber(1));
        Assert.DoesNotContain(server.Logger.Lines, line => line.Id == 1011);
    }

    [Fact]
    public async Task Close_after_replies_sends_the_reply_of_the_call_that_asked_for_it_and_of_those_in_progress()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await server.Program.ExpectBegunAsync(1);
        await client.SendAsync(RawClient.Frame(new MessageHeader(
            TestProgram.Number, TestProgram.Version, TestProgram.Close, MessageType.Call, 2, MessageStatus.Ok)));
        Assert.Equal(2u, (await client.ExpectAsync()).Header.Serial);
        server.Program.Release(1);
        await client.ExpectNumberAsync(1, 1);
        await client.ExpectClosedAsync();
    }

    [Fact]
    public async Task State_is_made_once_for_each_session()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.ExpectAliveAsync();
        var session = server.Program.Sessions.Single();
        var first = session.State(_ => new List<int>());
        Assert.Same(first, session.State<List<int>>(_ => throw new InvalidOperationException("made twice")));
    }
}
