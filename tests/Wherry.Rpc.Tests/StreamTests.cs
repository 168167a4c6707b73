using System.Text;
using Wherry.Errors;
using Wherry.Testing;
using Wherry.Testing.Rpc;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Tests;

public class StreamTests
{
    private const uint Serial = 7;

    [Fact]
    public async Task Bytes_go_both_ways_until_the_client_is_done()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await using var guest = await OpenAsync(server, client);

        await guest.WriteAsync("login: "u8.ToArray());
        Assert.Equal((MessageStatus.Continue, "login: "), await ExpectPacketAsync(client));
        await client.SendAsync(Packet(MessageStatus.Continue, "root\n"));
        var typed = new byte[5];
        await guest.ReadExactlyAsync(typed).AsTask().Within();
        Assert.Equal("root\n", Encoding.ASCII.GetString(typed));

        await client.SendAsync(Packet(MessageStatus.Ok));
        Assert.Equal((MessageStatus.Ok, ""), await ExpectPacketAsync(client));
        await server.Program.ExpectBegunAsync(1);
        Assert.Equal(0, await guest.ReadAsync(typed).AsTask().Within());
    }

    [Fact]
    public async Task The_end_of_the_data_is_an_empty_packet_and_the_stream_waits_for_its_client()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        server.Program.Data.Enqueue(new MemoryStream("picture"u8.ToArray(), writable: false));
        await client.SendAsync(RawClient.Call(TestProgram.Open, Serial, 1));
        await client.ExpectNumberAsync(Serial, 1);

        Assert.Equal((MessageStatus.Continue, "picture"), await ExpectPacketAsync(client));
        Assert.Equal((MessageStatus.Continue, ""), await ExpectPacketAsync(client));
        await client.ExpectAliveAsync();
        await client.SendAsync(Packet(MessageStatus.Ok));
        Assert.Equal((MessageStatus.Ok, ""), await ExpectPacketAsync(client));
    }

    [Fact]
    public async Task An_aborted_stream_is_confirmed_and_what_comes_after_it_is_ignored()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await using var guest = await OpenAsync(server, client);

        await client.SendAsync(Packet(MessageStatus.Error));
        Assert.Equal((MessageStatus.Ok, ""), await ExpectPacketAsync(client));
        await client.SendAsync(Packet(MessageStatus.Continue, "late"));
        await client.ExpectAliveAsync();
    }

    [Fact]
    public async Task A_stream_that_fails_tells_its_client_why()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await using var guest = await OpenAsync(server, client);

        Assert.True(server.Program.Streams.TryDequeue(out var stream));
        stream.Fail(new WherryException(ErrorCode.OperationFailed, "taken away"));
        var (header, payload) = await client.ExpectAsync();
        Assert.Equal((MessageType.Stream, Serial, MessageStatus.Error), (header.Type, header.Serial, header.Status));
        Assert.Equal("operation failed: taken away", RawClient.Decode<RemoteError>(payload).Message);
        await server.Program.ExpectBegunAsync(1);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_one_packet_in_memory()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        var endless = new EndlessStream();
        server.Program.Data.Enqueue(endless);
        await client.SendAsync(RawClient.Call(TestProgram.Open, Serial, 1));
        await client.ExpectNumberAsync(Serial, 1);
        await client.ExpectBegunAsync();
        await using var other = server.Connect();
        await other.ExpectAliveAsync();
        // Each is read when the one before it is on the wire; the in-memory connection holds little more than one.
        Assert.InRange(endless.Packets, 1, 3);
    }

    [Fact]
    public async Task A_connection_that_ends_ends_its_streams()
    {
        await using var server = new TestServer();
        var client = server.Connect();
        await using var guest = await OpenAsync(server, client);
        await client.DisposeAsync();
        await server.Program.ExpectBegunAsync(1);
        Assert.Equal(0, await guest.ReadAsync(new byte[1]).AsTask().Within());
    }

    [Fact]
    public async Task A_client_cannot_open_streams_without_end()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        for (var i = 0; i < 17; i++) server.Program.Data.Enqueue(DuplexStream.CreatePair().A);
        for (uint i = 1; i <= 16; i++)
        {
            await client.SendAsync(RawClient.Call(TestProgram.Open, i, 1));
            await client.ExpectNumberAsync(i, 1);
        }

        await client.SendAsync(RawClient.Call(TestProgram.Open, 17, 1));
        Assert.Equal("more than 16 streams on one connection", (await client.ExpectErrorAsync(17)).Message);
    }

    private static async Task<Stream> OpenAsync(TestServer server, RawClient client)
    {
        var (ours, guests) = DuplexStream.CreatePair();
        server.Program.Data.Enqueue(ours);
        await client.SendAsync(RawClient.Call(TestProgram.Open, Serial, 1));
        await client.ExpectNumberAsync(Serial, 1);
        return guests;
    }

    private static byte[] Packet(MessageStatus status, string data = "") => RawClient.Frame(
        new MessageHeader(TestProgram.Number, TestProgram.Version, TestProgram.Open, MessageType.Stream, Serial, status), Encoding.ASCII.GetBytes(data));

    private static async Task<(MessageStatus Status, string Data)> ExpectPacketAsync(RawClient client)
    {
        var (header, payload) = await client.ExpectAsync();
        Assert.Equal((MessageType.Stream, TestProgram.Open, Serial), (header.Type, header.Procedure, header.Serial));
        return (header.Status, Encoding.ASCII.GetString(payload));
    }

    /// <summary>Has always more, and counts how often it was asked.</summary>
    private sealed class EndlessStream : MemoryStream
    {
        private int _packets;

        public int Packets => Volatile.Read(ref _packets);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _packets);
            return new(buffer.Length);
        }
    }
}
