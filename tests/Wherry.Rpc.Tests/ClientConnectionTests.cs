using Wherry.Errors;
using Wherry.Rpc.Client;
using Wherry.Rpc.Transports;
using Wherry.Testing;
using Wherry.Testing.Rpc;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;

namespace Wherry.Rpc.Tests;

public class ClientConnectionTests
{
    private readonly ListLogger _logger = new();

    [Fact]
    public async Task Calls_side_by_side_each_get_their_own_answer()
    {
        await using var server = new TestServer();
        await using var client = Attach(server.Listener.Connect());
        var calls = Enumerable.Range(1, 5).Select(i => CallAsync(client, TestProgram.Wait, i)).ToList();
        await server.Program.ExpectBegunAsync(1, 2, 3, 4, 5);
        foreach (var i in (int[])[4, 2, 5, 1, 3])
        {
            server.Program.Release(i);
            Assert.Equal(i, await calls[i - 1].Within());
        }
    }

    [Fact]
    public async Task A_refusal_is_the_servers_error_word_for_word()
    {
        await using var server = new TestServer();
        await using var client = Attach(server.Listener.Connect());
        var thrown = await Assert.ThrowsAsync<RemoteCallException>(() => CallAsync(client, TestProgram.Fail, 17)).Within();
        Assert.Equal((ErrorCode.NoDomain, ErrorDomain.Qemu), (thrown.Code, thrown.Domain));
        Assert.Equal("Domain not found: no domain with matching name '17'", thrown.Message);
        Assert.Equal("no domain with matching name '17'", thrown.Detail);
    }

    [Fact]
    public async Task Cancelling_stops_waiting_the_call_goes_on_and_its_late_reply_is_dropped()
    {
        await using var server = new TestServer();
        await using var client = Attach(server.Listener.Connect());
        using var cancel = new CancellationTokenSource();
        var cancelled = CallAsync(client, TestProgram.Wait, 1, cancel.Token);
        await server.Program.ExpectBegunAsync(1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled).Within();
        server.Program.Release(1);
        Assert.Equal(2, await CallAsync(client, TestProgram.Echo, 2).Within());
        Assert.False(client.Closed.IsCompleted);
    }

    [Fact]
    public async Task A_call_cancelled_beforehand_is_never_sent()
    {
        var (peer, client) = Pair();
        await using var _ = client;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CallAsync(client, TestProgram.Echo, 1, new CancellationToken(true)));
        var sent = CallAsync(client, TestProgram.Echo, 2);
        var (header, payload) = await peer.ExpectAsync();
        Assert.Equal(2, RawClient.Decode<TestNumber>(payload).Value);
        await peer.SendAsync(RawClient.Frame(header with { Type = MessageType.Reply }, payload));
        Assert.Equal(2, await sent.Within());
    }

    [Fact]
    [Trait("req", "S2.20")]
    public async Task When_the_server_goes_all_waiting_calls_fail_with_the_same_cause_and_later_ones_too()
    {
        var (peer, client) = Pair();
        await using var _ = client;
        var calls = Enumerable.Range(0, 10).Select(i => CallAsync(client, TestProgram.Echo, i)).ToList();
        for (var i = 0; i < 10; i++) await peer.ExpectAsync();
        await peer.DisposeAsync();
        Assert.Equal("End of file while reading data", await client.Closed.Within());
        foreach (var call in calls.Append(CallAsync(client, TestProgram.Echo, 11)))
            Assert.Equal("End of file while reading data", (await Assert.ThrowsAsync<ConnectionLostException>(() => call).Within()).Reason);
        Assert.True(client.Events.Completion.IsCompleted);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(5u)]
    public async Task A_frame_that_breaks_the_protocol_ends_the_connection(uint length)
    {
        var (peer, client) = Pair();
        await using var _ = client;
        var call = CallAsync(client, TestProgram.Echo, 1);
        await peer.SendAsync([0, 0, 0, (byte)length]);
        var thrown = await Assert.ThrowsAsync<ConnectionLostException>(() => call).Within();
        Assert.Equal($"packet of {length} bytes too small, want 28", thrown.Reason);
    }

    [Fact]
    public async Task A_reply_to_nothing_ends_the_connection()
    {
        var (peer, client) = Pair();
        await using var _ = client;
        await peer.SendAsync(Reply(serial: 99, RawClient.Int(1)));
        Assert.Equal("reply with serial 99, to which there is no call", await client.Closed.Within());
    }

    [Fact]
    public async Task A_reply_that_cannot_be_read_is_no_verdict()
    {
        var (peer, client) = Pair();
        await using var _ = client;
        var call = CallAsync(client, TestProgram.Echo, 1);
        var (header, _) = await peer.ExpectAsync();
        await peer.SendAsync(Reply(header.Serial, [1, 2, 3, 4, 5, 6, 7, 8]));
        var thrown = await Assert.ThrowsAsync<ConnectionLostException>(() => call).Within();
        Assert.Contains("cannot be decoded", thrown.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_arrive_in_order_beside_replies()
    {
        await using var server = new TestServer();
        await using var client = Attach(server.Listener.Connect());
        Assert.Equal(50, await CallAsync(client, TestProgram.Emit, 50).Within());
        for (var i = 0; i < 50; i++)
        {
            var message = await client.Events.ReadAsync().AsTask().Within();
            Assert.Equal((TestProgram.Event, i), (message.Header.Procedure, message.Read<TestNumber>().Value));
        }
    }

    [Fact]
    public async Task Events_that_nobody_reads_end_the_connection_rather_than_be_lost()
    {
        await using var server = new TestServer();
        await using var client = Attach(server.Listener.Connect(), options: new ClientConnectionOptions { MaxQueuedEvents = 10 });
        await Assert.ThrowsAsync<ConnectionLostException>(() => CallAsync(client, TestProgram.Emit, 11)).Within();
        Assert.Equal("events are not read: no more of them can wait", await client.Closed);
    }

    [Fact]
    [Trait("req", "S2.22")]
    public async Task A_ping_of_the_server_is_answered()
    {
        var (peer, client) = Pair();
        await using var _ = client;
        await peer.SendAsync(RawClient.Ping());
        await peer.ExpectPongAsync();
    }

    [Fact]
    [Trait("req", "S2.20")]
    [Trait("req", "S2.26")]
    [Trait("req", "S2.28")]
    public async Task A_server_that_answers_nothing_is_given_up_and_the_log_names_the_connection()
    {
        var time = new ManualTimeProvider();
        var (peer, client) = Pair(time);
        await using var _ = client;
        client.SetKeepAlive(TimeSpan.FromSeconds(5), count: 5);
        var call = CallAsync(client, TestProgram.Echo, 1);
        await peer.ExpectAsync();
        for (var i = 0; i < 5; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(KeepAliveProcedure.Ping, (await peer.ExpectAsync()).Header.Procedure);
        }

        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));
        var thrown = await Assert.ThrowsAsync<ConnectionLostException>(() => call).Within();
        Assert.Equal("connection closed due to keepalive timeout", thrown.Reason);
        Assert.Contains(_logger.Lines, line => line.Text == $"No response from client={client.Id} after 5 keepalive messages in 30 seconds");
        Assert.Contains(_logger.Lines, line => line.Text.StartsWith($"client={client.Id} (to test): gone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Disposing_fails_what_waits_and_ends_both_sides()
    {
        var (peer, client) = Pair();
        var call = CallAsync(client, TestProgram.Echo, 1);
        await peer.ExpectAsync();
        await client.DisposeAsync().AsTask().Within();
        Assert.Equal("closed by us", (await Assert.ThrowsAsync<ConnectionLostException>(() => call).Within()).Reason);
        await peer.ExpectClosedAsync();
    }

    [Fact]
    public async Task A_server_that_never_reads_does_not_stop_a_caller_from_giving_up()
    {
        var (_, client) = Pair();
        await using var __ = client;
        using var cancel = new CancellationTokenSource();
        var call = client.CallAsync<TestBytes, TestNumber>(
            TestProgram.Number, TestProgram.Version, TestProgram.Bulk, new TestBytes(1 << 20), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call).Within();
    }

    [Fact]
    public async Task Whatever_a_stream_throws_ends_the_connection_and_leaves_nobody_waiting()
    {
        await using var client = ClientConnection.Attach(
            "test", new RpcTransport(new BrokenStream(), new PeerIdentity("memory")), new ClientConnectionOptions(), TimeProvider.System, _logger);
        Assert.Equal("this stream is broken", await client.Closed.Within());
        var thrown = await Assert.ThrowsAsync<ConnectionLostException>(() => CallAsync(client, TestProgram.Echo, 1)).Within();
        Assert.IsType<NotSupportedException>(thrown.InnerException);
    }

    private (RawClient Peer, ClientConnection Client) Pair(TimeProvider? time = null)
    {
        var (peer, client) = DuplexStream.CreatePair();
        return (new RawClient(peer), Attach(client, time));
    }

    private ClientConnection Attach(DuplexStream stream, TimeProvider? time = null, ClientConnectionOptions? options = null) =>
        ClientConnection.Attach(
            "test", new RpcTransport(stream, new PeerIdentity("memory")), options ?? new ClientConnectionOptions(), time ?? TimeProvider.System, _logger);

    private static async Task<int> CallAsync(ClientConnection client, int procedure, int argument, CancellationToken ct = default) =>
        (await client.CallAsync<TestNumber, TestNumber>(
            TestProgram.Number, TestProgram.Version, procedure, new TestNumber(argument), ct)).Value;

    private static byte[] Reply(uint serial, byte[] payload) => RawClient.Frame(
        new MessageHeader(TestProgram.Number, TestProgram.Version, TestProgram.Echo, MessageType.Reply, serial, MessageStatus.Ok), payload);

    private sealed class BrokenStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("this stream is broken");
    }
}
