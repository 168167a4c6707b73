using System.Buffers;
using System.Buffers.Binary;
using Wherry.Wire.Frames;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc.Frames;

/// <summary>
/// Cuts a byte stream into frames. One reader, one loop.
/// <code>
///   stream -&gt; window (8 KiB, many small frames per read) -&gt; a frame's own buffer (grows only as its bytes arrive)
/// </code>
/// A length word is a claim: a peer that claims 32 MiB and sends ten bytes costs one <see cref="FirstBufferBytes"/> buffer.
/// </summary>
internal sealed class FrameReader(Stream stream, Action received) : IDisposable
{
    private const int WindowBytes = 8 << 10;
    private const int FirstBufferBytes = 64 << 10;

    private readonly byte[] _window = ArrayPool<byte>.Shared.Rent(WindowBytes);
    private int _start;
    private int _end;

    private int Buffered => _end - _start;

    /// <summary>The next frame, which the caller disposes of, or null when the peer ended the stream between two frames.</summary>
    /// <exception cref="ProtocolException">The bytes are no frame, or end inside one.</exception>
    public async ValueTask<IncomingFrame?> ReadAsync(CancellationToken ct)
    {
        while (Buffered < FrameLimits.LengthSize)
        {
            if (await FillWindowAsync(ct).ConfigureAwait(false)) continue;
            return Buffered == 0 ? null : throw new ProtocolException($"stream ended inside a length word, after {Buffered} bytes");
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(_window.AsSpan(_start));
        if (length < FrameLimits.MinFrame) throw new ProtocolException($"packet of {length} bytes too small, want {FrameLimits.MinFrame}");
        if (length > FrameLimits.MaxFrame) throw new ProtocolException($"packet of {length} bytes too large, want {FrameLimits.MaxFrame}");
        return await ReadFrameAsync((int)length, ct).ConfigureAwait(false);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_window);

    private async ValueTask<IncomingFrame> ReadFrameAsync(int length, CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(length, FirstBufferBytes));
        try
        {
            var have = TakeFromWindow(buffer, length);
            while (have < length)
            {
                if (have == buffer.Length) buffer = Enlarge(buffer, Math.Min(length, 2 * have));
                var wanted = Math.Min(length, buffer.Length) - have;
                var count = await stream.ReadAsync(buffer.AsMemory(have, wanted), ct).ConfigureAwait(false);
                if (count == 0) throw new ProtocolException($"stream ended inside a packet, after {have} of {length} bytes");
                received();
                have += count;
            }

            return Decode(buffer, length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static IncomingFrame Decode(byte[] buffer, int length)
    {
        try
        {
            var reader = new XdrReader(buffer.AsSpan(FrameLimits.LengthSize, length - FrameLimits.LengthSize));
            var header = MessageHeader.Decode(ref reader);
            // These begin with a count, and each descriptor then travels with a byte of its own that we would take for a frame.
            if (header.Type is MessageType.CallWithFds or MessageType.ReplyWithFds && reader.ReadUInt() is var count and not 0)
                throw new ProtocolException($"packet with {count} file descriptors, which this connection does not carry");
            return new IncomingFrame(header, buffer, payloadOffset: length - reader.Remaining, length);
        }
        catch (XdrException e)
        {
            throw new ProtocolException(e.Detail ?? e.Message, e);
        }
    }

    private int TakeFromWindow(byte[] destination, int length)
    {
        var count = Math.Min(Buffered, length);
        _window.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    private async ValueTask<bool> FillWindowAsync(CancellationToken ct)
    {
        _window.AsSpan(_start, Buffered).CopyTo(_window);
        (_start, _end) = (0, Buffered);
        var count = await stream.ReadAsync(_window.AsMemory(_end), ct).ConfigureAwait(false);
        if (count == 0) return false;
        received();
        _end += count;
        return true;
    }

    private static byte[] Enlarge(byte[] buffer, int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(size);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
