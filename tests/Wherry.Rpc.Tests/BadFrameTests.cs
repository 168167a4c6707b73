using System.Buffers.Binary;
using Wherry.Rpc.Frames;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Tests;

/// <summary>Bad framing ends the connection that sent it, and nothing else. libvirtd 9.0.0 closes on the same lengths.</summary>
public class BadFrameTests
{
    [Theory]
    [InlineData(0u, "packet of 0 bytes too small")]
    [InlineData(3u, "packet of 3 bytes too small")]
    [InlineData(27u, "packet of 27 bytes too small")]
    [InlineData(33_554_437u, "packet of 33554437 bytes too large")]
    [InlineData(uint.MaxValue, "packet of 4294967295 bytes too large")]
    public async Task A_wrong_length_ends_that_connection_with_one_log_line(uint length, string logged)
    {
        var word = new byte[64];
        BinaryPrimitives.WriteUInt32BigEndian(word, length);
        await CheckClosedAsync(word, logged);
    }

    [Fact]
    public Task An_unknown_message_type_ends_the_connection() => CheckClosedAsync(
        RawClient.Frame(new MessageHeader(TestProgram.Number, 1, 1, (MessageType)7, 1, MessageStatus.Ok)), "unknown message type 7");

    [Fact]
    public Task An_unknown_status_ends_the_connection() => CheckClosedAsync(
        RawClient.Frame(new MessageHeader(TestProgram.Number, 1, 1, MessageType.Call, 1, (MessageStatus)9)), "unknown message status 9");

    [Fact]
    public Task A_call_with_file_descriptors_and_no_count_of_them_ends_the_connection() => CheckClosedAsync(
        RawClient.Frame(new MessageHeader(TestProgram.Number, 1, 1, MessageType.CallWithFds, 1, MessageStatus.Ok)), "message ends 4 bytes too early");

    [Fact]
    public Task A_call_with_a_file_descriptor_ends_the_connection() => CheckClosedAsync(
        RawClient.Frame(new MessageHeader(TestProgram.Number, 1, 1, MessageType.CallWithFds, 1, MessageStatus.Ok), RawClient.Int(1)),
        "packet with 1 file descriptors");

    [Fact]
    public async Task A_call_with_no_file_descriptors_after_all_is_answered()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Frame(
            new MessageHeader(TestProgram.Number, 1, TestProgram.Echo, MessageType.CallWithFds, 5, MessageStatus.Ok),
            [.. RawClient.Int(0), .. RawClient.Int(17)]));
        await client.ExpectNumberAsync(5, 17);
    }

    [Theory]
    [InlineData(2, "stream ended inside a length word, after 2 bytes")]
    [InlineData(4, "stream ended inside a packet, after 4 of 32 bytes")]
    [InlineData(31, "stream ended inside a packet, after 31 of 32 bytes")]
    public async Task A_stream_that_ends_inside_a_frame_is_told_from_an_orderly_end(int bytes, string expected)
    {
        var frame = RawClient.Call(TestProgram.Echo, 1, 1);
        using var stream = new MemoryStream(frame[..bytes]);
        using var reader = new FrameReader(stream, () => { });
        var thrown = await Assert.ThrowsAsync<ProtocolException>(() => reader.ReadAsync(default).AsTask());
        Assert.Equal(expected, thrown.Message);
    }

    [Fact]
    public async Task Frames_arrive_whole_however_their_bytes_are_cut()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var payloads = Enumerable.Range(0, 20).Select(_ => new byte[random.Next(4) switch { 0 => 0, 1 => 4, 2 => random.Next(9000), _ => random.Next(300_000) }]).ToList();
            foreach (var payload in payloads) random.NextBytes(payload);
            var header = new MessageHeader(1, 2, 3, MessageType.Call, 4, MessageStatus.Ok);
            using var stream = new CutStream([.. payloads.SelectMany(payload => RawClient.Frame(header, payload))], random);
            using var reader = new FrameReader(stream, () => { });
            foreach (var payload in payloads)
            {
                using var frame = await reader.ReadAsync(default);
                Assert.NotNull(frame);
                Assert.Equal(header, frame.Header);
                Assert.True(frame.Payload.Span.SequenceEqual(payload), $"seed {seed}");
            }

            Assert.Null(await reader.ReadAsync(default));
        }
    }

    [Fact]
    public async Task A_claim_of_32_MiB_costs_little_until_its_bytes_arrive()
    {
        var claim = new byte[14];
        BinaryPrimitives.WriteInt32BigEndian(claim, FrameLimits.MaxFrame);
        using var stream = new MeasuringStream(claim);
        using var reader = new FrameReader(stream, () => { });
        await Assert.ThrowsAsync<ProtocolException>(() => reader.ReadAsync(default).AsTask());
        Assert.InRange(stream.LargestBuffer, 1, 128 << 10);
    }

    [Fact]
    public async Task A_frame_of_the_largest_size_is_read()
    {
        var frame = RawClient.Frame(new MessageHeader(1, 2, 3, MessageType.Call, 4, MessageStatus.Ok), new byte[FrameLimits.MaxPayload]);
        Assert.Equal(FrameLimits.MaxFrame, frame.Length);
        using var stream = new MemoryStream(frame);
        using var reader = new FrameReader(stream, () => { });
        using var read = await reader.ReadAsync(default);
        Assert.Equal(FrameLimits.MaxPayload, read!.Payload.Length);
    }

    private static async Task CheckClosedAsync(byte[] bytes, string logged)
    {
        await using var server = new TestServer();
        await using var bad = server.Connect();
        await using var good = server.Connect();
        await good.ExpectAliveAsync();
        await bad.SendAsync(bytes);
        await bad.ExpectClosedAsync();
        await good.ExpectAliveAsync();
        await server.Logger.WaitForAsync(1002);
        Assert.Single(server.Logger.Lines, line => line.Text.Contains($"bad frame: {logged}", StringComparison.Ordinal));
    }

    /// <summary>Gives as few or as many bytes at a time as chance will have it.</summary>
    private sealed class CutStream(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 10_000))], cancellationToken);
    }

    /// <summary>Notes how large the buffers are that it is given to fill.</summary>
    private sealed class MeasuringStream(byte[] bytes) : MemoryStream(bytes)
    {
        public int LargestBuffer { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            LargestBuffer = Math.Max(LargestBuffer, buffer.Length);
            return base.ReadAsync(buffer, cancellationToken);
        }
    }
}
