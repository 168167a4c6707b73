using System.Buffers;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Frames;

/// <summary>
/// One received frame in a buffer of the shared pool. It belongs to whoever took it from the <see cref="FrameReader"/> last; dispose
/// once, after which <see cref="Payload"/> must not be used.
/// </summary>
internal sealed class IncomingFrame(MessageHeader header, byte[] buffer, int payloadOffset, int length) : IDisposable
{
    private byte[]? _buffer = buffer;

    public MessageHeader Header { get; } = header;

    /// <summary>Whole frame in bytes, with its length word.</summary>
    public int Length { get; } = length;

    public ReadOnlyMemory<byte> Payload => _buffer.AsMemory(payloadOffset, Length - payloadOffset);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
    }
}
