using System.Buffers.Binary;
using Wherry.Testing;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc.Tests;

/// <summary>A client that writes frames by hand, so that it can also write wrong ones. Its reader shares no code with the product's.</summary>
internal sealed class RawClient(Stream stream) : IAsyncDisposable
{
    public static byte[] Frame(MessageHeader header, ReadOnlySpan<byte> payload = default)
    {
        using var writer = new XdrWriter();
        writer.WriteInt(28 + payload.Length);
        header.Encode(writer);
        return [.. writer.Written.Span, .. payload];
    }

    public static byte[] Call(int procedure, uint serial, int argument) =>
        Frame(new MessageHeader(TestProgram.Number, TestProgram.Version, procedure, MessageType.Call, serial, MessageStatus.Ok), Int(argument));

    public static byte[] Ping() => KeepAlive(KeepAliveProcedure.Ping);

    public static byte[] Pong() => KeepAlive(KeepAliveProcedure.Pong);

    public static byte[] Int(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    public async Task SendAsync(params byte[] bytes) => await stream.WriteAsync(bytes).AsTask().Within();

    private byte[]? _begun;

    /// <summary>Waits until the server has begun to send a frame, and leaves the frame for the next receive.</summary>
    public async Task ExpectBegunAsync()
    {
        _begun = new byte[4];
        await stream.ReadExactlyAsync(_begun).AsTask().Within();
    }

    /// <summary>The next frame, or null at the end of the stream.</summary>
    public async Task<(MessageHeader Header, byte[] Payload)?> ReceiveAsync() => await ReceiveCoreAsync().Within();

    public async Task<(MessageHeader Header, byte[] Payload)> ExpectAsync() =>
        await ReceiveAsync() ?? throw new InvalidOperationException("the server closed the connection");

    public async Task<RemoteError> ExpectErrorAsync(uint serial)
    {
        var (header, payload) = await ExpectAsync();
        Assert.Equal((MessageType.Reply, serial, MessageStatus.Error), (header.Type, header.Serial, header.Status));
        return Decode<RemoteError>(payload);
    }

    public async Task ExpectNumberAsync(uint serial, int value)
    {
        var (header, payload) = await ExpectAsync();
        Assert.Equal((MessageType.Reply, serial, MessageStatus.Ok), (header.Type, header.Serial, header.Status));
        Assert.Equal(value, Decode<TestNumber>(payload).Value);
    }

    public async Task ExpectPongAsync() =>
        Assert.Equal((KeepAliveProcedure.Program, KeepAliveProcedure.Pong), ((await ExpectAsync()).Header is var h ? (h.Program, h.Procedure) : default));

    /// <summary>The connection still works: a call is answered.</summary>
    public async Task ExpectAliveAsync()
    {
        await SendAsync(Call(TestProgram.Echo, serial: 4_000_000_000, argument: 1));
        await ExpectNumberAsync(4_000_000_000, 1);
    }

    public async Task ExpectClosedAsync() => Assert.Null(await ReceiveAsync());

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    public static T Decode<T>(byte[] payload)
        where T : struct, IXdr<T>
    {
        var reader = new XdrReader(payload);
        var value = T.Decode(ref reader);
        reader.ExpectEnd();
        return value;
    }

    private static byte[] KeepAlive(int procedure) => Frame(new MessageHeader(
        KeepAliveProcedure.Program, KeepAliveProcedure.Version, procedure, MessageType.Message, 0, MessageStatus.Ok));

    private async Task<(MessageHeader, byte[])?> ReceiveCoreAsync()
    {
        var length = _begun ?? new byte[4];
        try
        {
            if (_begun is null && await stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false) == 0) return null;
            _begun = null;
            var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(length) - 4];
            await stream.ReadExactlyAsync(rest);
            var reader = new XdrReader(rest);
            return (MessageHeader.Decode(ref reader), rest[24..]);
        }
        catch (IOException)
        {
            return null; // A reset is an end too: a server that closes with our bytes unread causes one.
        }
    }
}

/// <summary>What a client compares of an error: number, domain and text.</summary>
internal static class RemoteErrors
{
    public static (int Code, int Domain, string? Text) Brief(this RemoteError error) => ((int)error.Code, (int)error.Domain, error.Message);
}
