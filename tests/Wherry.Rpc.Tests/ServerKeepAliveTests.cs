using Wherry.Testing;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;

namespace Wherry.Rpc.Tests;

public class ServerKeepAliveTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    [Trait("req", "S2.26")]
    [Trait("req", "S2.27")]
    [Trait("req", "S2.28")]
    public async Task A_silent_client_is_asked_five_times_and_closed_after_thirty_seconds_with_libvirts_log_lines()
    {
        await using var server = new TestServer(time: _time);
        await using var client = server.Connect();
        await StartKeepAliveAsync(client);
        for (var i = 0; i < 5; i++)
        {
            _time.Advance(Interval);
            await ExpectPingAsync(client);
        }

        _time.Advance(Interval);
        await client.ExpectClosedAsync();

        var id = server.Program.Sessions.Single().Id;
        var lines = server.Logger.Lines.Where(line => line.Id is >= 1033 and <= 1035).Select(line => line.Text).ToList();
        Assert.Equal(
            [
                $"RPC_KEEPALIVE_TIMEOUT: ka={id} client={id} countToDeath=5 idle=5",
                $"RPC_KEEPALIVE_TIMEOUT: ka={id} client={id} countToDeath=4 idle=10",
                $"RPC_KEEPALIVE_TIMEOUT: ka={id} client={id} countToDeath=3 idle=15",
                $"RPC_KEEPALIVE_TIMEOUT: ka={id} client={id} countToDeath=2 idle=20",
                $"RPC_KEEPALIVE_TIMEOUT: ka={id} client={id} countToDeath=1 idle=25",
                $"RPC_KEEPALIVE_TIMEOUT: ka={id} client={id} countToDeath=0 idle=30",
                $"No response from client={id} after 5 keepalive messages in 30 seconds",
                $"internal error: connection closed due to keepalive timeout: client={id}",
            ],
            lines);
        Assert.All(
            server.Logger.Lines.Where(line => line.Id is > 1000 and not 1003),
            line => Assert.Contains($"client={id}", line.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_answers_lives_for_ever()
    {
        await using var server = new TestServer(time: _time);
        await using var client = server.Connect();
        await StartKeepAliveAsync(client);
        for (var i = 0; i < 50; i++)
        {
            _time.Advance(Interval);
            await ExpectPingAsync(client);
            await client.SendAsync(RawClient.Pong());
            await client.ExpectAliveAsync();
        }
    }

    [Fact]
    public async Task A_client_that_has_not_said_that_it_can_answer_is_never_asked()
    {
        await using var server = new TestServer(time: _time);
        await using var client = server.Connect();
        await client.ExpectAliveAsync();
        _time.Advance(TimeSpan.FromDays(1));
        await client.ExpectAliveAsync();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [Trait("req", "S2.24")]
    public async Task With_interval_minus_one_or_zero_the_server_never_asks_and_still_answers(int seconds)
    {
        await using var server = new TestServer(new RpcServerOptions { KeepAliveInterval = TimeSpan.FromSeconds(seconds) }, _time);
        await using var client = server.Connect();
        await StartKeepAliveAsync(client);
        _time.Advance(TimeSpan.FromDays(1));
        await client.SendAsync(RawClient.Ping());
        await client.ExpectPongAsync();
        await client.ExpectAliveAsync();
    }

    [Fact]
    [Trait("req", "S2.24")]
    public async Task With_count_zero_a_silent_client_is_closed_after_one_interval()
    {
        await using var server = new TestServer(new RpcServerOptions { KeepAliveCount = 0 }, _time);
        await using var client = server.Connect();
        await StartKeepAliveAsync(client);
        _time.Advance(Interval);
        await client.ExpectClosedAsync();
    }

    [Fact]
    public async Task A_pong_has_the_form_of_libvirts()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Ping());
        var (header, payload) = await client.ExpectAsync();
        Assert.Equal(new MessageHeader(0x6b65_6570, 1, 2, MessageType.Message, 0, MessageStatus.Ok), header);
        Assert.Empty(payload);
    }

    [Fact]
    public async Task A_client_we_do_not_read_from_is_not_given_up_for_its_silence()
    {
        await using var server = new TestServer(new RpcServerOptions { MaxClientRequests = 1, MaxReadAheadRequests = 1 }, _time);
        await using var client = server.Connect();
        await StartKeepAliveAsync(client);
        for (var i = 1; i <= 3; i++) await client.SendAsync(RawClient.Call(TestProgram.Wait, (uint)i, argument: i));
        await server.Program.ExpectBegunAsync(1);
        await server.Logger.WaitForAsync(1010);
        _time.Advance(TimeSpan.FromHours(1));
        for (var i = 1; i <= 3; i++) server.Program.Release(i);
        for (var i = 1; i <= 3; i++) await client.ExpectNumberAsync((uint)i, i);
    }

    [Fact]
    public async Task A_client_that_pings_without_reading_costs_a_bounded_queue()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await using var other = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Bulk, 1, argument: 1 << 20));
        await client.ExpectBegunAsync(); // The reply is larger than any buffer on the way: from here on the server cannot write.
        for (var i = 0; i < 10_000; i++) await client.SendAsync(RawClient.Ping());
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 2, argument: 2));
        await server.Program.ExpectBegunAsync(2);
        server.Program.Release(2);
        var pongs = 0;
        while ((await client.ExpectAsync()).Header is var header && header.Serial != 2)
        {
            if (header.Program == KeepAliveProcedure.Program) pongs++;
        }

        Assert.InRange(pongs, 1, 100);
    }

    [Fact]
    public async Task A_ping_is_answered_by_its_own_pong_and_by_no_earlier_one()
    {
        await using var server = new TestServer(time: _time);
        await using var client = server.Connect();
        await StartKeepAliveAsync(client);
        await client.SendAsync(RawClient.Pong()); // to no question
        await client.ExpectAliveAsync();
        _time.Advance(Interval);
        await ExpectPingAsync(client);
        await client.ExpectAliveAsync();

        var session = server.Program.Sessions.Single();
        var alive = session.PingAsync(TestContext.Current.CancellationToken);
        await ExpectPingAsync(client);
        await client.SendAsync(RawClient.Pong()); // to the one of the timer
        await client.ExpectAliveAsync();
        Assert.False(alive.IsCompleted);
        await client.SendAsync(RawClient.Pong());
        Assert.True(await alive.Within());
    }

    [Fact]
    public async Task A_ping_that_is_not_answered_ends_with_the_patience_of_its_caller_or_with_the_connection()
    {
        await using var server = new TestServer(time: _time);
        await using var client = server.Connect();
        await StartKeepAliveAsync(client);
        var session = server.Program.Sessions.Single();
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1), _time))
        {
            var impatient = session.PingAsync(patience.Token);
            await ExpectPingAsync(client);
            _time.Advance(TimeSpan.FromSeconds(1));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.Within());
        }

        var patient = session.PingAsync(TestContext.Current.CancellationToken);
        await ExpectPingAsync(client);
        await client.DisposeAsync();
        Assert.False(await patient.Within());
    }

    [Fact]
    public async Task A_client_that_has_not_said_that_it_can_answer_is_alive_as_long_as_its_connection_is()
    {
        await using var server = new TestServer(time: _time);
        await using var client = server.Connect();
        await client.ExpectAliveAsync();
        var session = server.Program.Sessions.Single();
        Assert.True(await session.PingAsync(TestContext.Current.CancellationToken).Within());
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        session.OnClosed(() =>
        {
            gone.SetResult();
            return Task.CompletedTask;
        });
        await client.DisposeAsync();
        await gone.Task.Within();
        Assert.False(await session.PingAsync(TestContext.Current.CancellationToken).Within());
    }

    private static async Task StartKeepAliveAsync(RawClient client)
    {
        await client.SendAsync(RawClient.Frame(new MessageHeader(
            TestProgram.Number, TestProgram.Version, TestProgram.StartKeepAlive, MessageType.Call, 1, MessageStatus.Ok)));
        Assert.Equal(MessageStatus.Ok, (await client.ExpectAsync()).Header.Status);
    }

    private static async Task ExpectPingAsync(RawClient client)
    {
        var (header, payload) = await client.ExpectAsync();
        Assert.Equal(new MessageHeader(0x6b65_6570, 1, 1, MessageType.Message, 0, MessageStatus.Ok), header);
        Assert.Empty(payload);
    }
}
