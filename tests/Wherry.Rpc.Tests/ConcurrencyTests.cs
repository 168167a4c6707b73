using Wherry.Testing;

namespace Wherry.Rpc.Tests;

public class ConcurrencyTests
{
    [Fact]
    public async Task Calls_of_one_client_run_side_by_side_and_answer_in_the_order_in_which_they_finish()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        for (var i = 1; i <= 5; i++) await client.SendAsync(RawClient.Call(TestProgram.Wait, (uint)i, argument: i));
        await server.Program.ExpectBegunAsync(1, 2, 3, 4, 5);
        foreach (var i in (int[])[3, 5, 1, 4, 2])
        {
            server.Program.Release(i);
            await client.ExpectNumberAsync((uint)i, i);
        }
    }

    [Fact]
    public async Task No_more_than_max_client_requests_run_and_the_next_starts_when_one_has_been_answered()
    {
        await using var server = new TestServer(new RpcServerOptions { MaxClientRequests = 2 });
        await using var client = server.Connect();
        for (var i = 1; i <= 4; i++) await client.SendAsync(RawClient.Call(TestProgram.Wait, (uint)i, argument: i));
        await server.Program.ExpectBegunAsync(1, 2);
        // A PING behind them has been answered, so all four have been read: the other two wait by decision, not by chance.
        await client.SendAsync(RawClient.Ping());
        await client.ExpectPongAsync();
        Assert.False(server.Program.Begun.TryPeek(out _));

        server.Program.Release(2);
        await client.ExpectNumberAsync(2, 2);
        await server.Program.ExpectBegunAsync(3);
        foreach (var i in (int[])[1, 3, 4]) server.Program.Release(i);
    }

    [Fact]
    public async Task Limits_are_per_client()
    {
        await using var server = new TestServer(new RpcServerOptions { MaxClientRequests = 1 });
        await using var busy = server.Connect();
        await using var other = server.Connect();
        await busy.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await server.Program.ExpectBegunAsync(1);
        await other.ExpectAliveAsync();
        server.Program.Release(1);
        await busy.ExpectNumberAsync(1, 1);
    }

    [Fact]
    [Trait("req", "S2.22")]
    public async Task A_ping_is_answered_while_all_places_are_busy_and_calls_wait_behind_them()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        for (var i = 1; i <= 5; i++) await client.SendAsync(RawClient.Call(TestProgram.Wait, (uint)i, argument: i));
        for (var i = 6; i <= 20; i++) await client.SendAsync(RawClient.Call(TestProgram.Echo, (uint)i, argument: i));
        await server.Program.ExpectBegunAsync(1, 2, 3, 4, 5);
        await client.SendAsync(RawClient.Ping());
        await client.ExpectPongAsync();
        for (var i = 1; i <= 5; i++) server.Program.Release(i);
        var serials = new SortedSet<uint>();
        for (var i = 1; i <= 20; i++) serials.Add((await client.ExpectAsync()).Header.Serial);
        Assert.Equal(20, serials.Count);
    }

    [Fact]
    public async Task A_priority_call_overtakes_busy_calls_and_those_that_wait()
    {
        await using var server = new TestServer(new RpcServerOptions { MaxClientRequests = 1 });
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 2, argument: 2));
        await client.SendAsync(RawClient.Call(TestProgram.Urgent, 3, argument: 3));
        await client.ExpectNumberAsync(3, 3);
        server.Program.Release(1);
        await client.ExpectNumberAsync(1, 1);
        server.Program.Release(2);
        await client.ExpectNumberAsync(2, 2);
    }

    [Fact]
    public async Task When_the_read_ahead_is_full_reading_pauses_and_nothing_is_lost()
    {
        await using var server = new TestServer(new RpcServerOptions { MaxClientRequests = 1, MaxReadAheadRequests = 2 });
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 1, argument: 1));
        for (var i = 2; i <= 50; i++) await client.SendAsync(RawClient.Call(TestProgram.Echo, (uint)i, argument: i));
        await server.Program.ExpectBegunAsync(1);
        server.Program.Release(1);
        for (var i = 1; i <= 50; i++) await client.ExpectNumberAsync((uint)i, i);
        Assert.Contains(server.Logger.Lines, line => line.Id == 1010);
    }

    [Fact]
    public async Task A_client_that_reads_no_replies_gets_no_further_calls_started()
    {
        const int bulk = 1 << 20;
        await using var server = new TestServer(new RpcServerOptions { MaxClientRequests = 1, MaxReadAheadRequests = 4 });
        await using var client = server.Connect();
        await using var other = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Bulk, 1, argument: bulk));
        await client.SendAsync(RawClient.Call(TestProgram.Wait, 2, argument: 2));
        await other.ExpectAliveAsync();
        Assert.False(server.Program.Begun.TryPeek(out _));

        Assert.Equal(bulk, (await client.ExpectAsync()).Payload.Length);
        await server.Program.ExpectBegunAsync(2);
        server.Program.Release(2);
        await client.ExpectNumberAsync(2, 2);
    }

    [Fact]
    public async Task Many_clients_with_many_calls_each_get_every_answer_once()
    {
        await using var server = new TestServer();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async number =>
        {
            await using var client = server.Connect();
            for (var i = 0; i < 100; i++) await client.SendAsync(RawClient.Call(TestProgram.Echo, (uint)i, argument: number));
            var serials = new HashSet<uint>();
            for (var i = 0; i < 100; i++)
            {
                var (header, payload) = await client.ExpectAsync();
                Assert.Equal(number, RawClient.Decode<TestNumber>(payload).Value);
                Assert.True(serials.Add(header.Serial));
            }
        })).Within(TimeSpan.FromSeconds(60));
    }
}
