using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using Wherry.Wire.Frames;

namespace Wherry.Wire.Xdr;

/// <summary>
/// Writes XDR into a growing buffer of the shared pool; see <see cref="XdrReader"/> for the layout. Dispose returns the buffer, after
/// which <see cref="Written"/> must not be used. Limits are enforced here too: what a peer would refuse is better refused
/// by us, with a name on it.
/// </summary>
public sealed class XdrWriter : IDisposable
{
    private readonly int _maxLength;
    private byte[] _buffer;
    private int _length;

    /// <param name="maxLength">Limit in bytes; at it, writing throws. A whole frame fits by default.</param>
    public XdrWriter(int capacity = 512, int maxLength = FrameLimits.MaxFrame)
    {
        _maxLength = maxLength;
        _buffer = ArrayPool<byte>.Shared.Rent(capacity);
    }

    public int Length => _length;

    /// <summary>What was written so far; valid until the next write.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    /// <summary>Forgets what was written and keeps the buffer.</summary>
    public void Clear() => _length = 0;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _length = 0;
    }

    /// <summary>Overwrites a word written earlier, such as the length in front of a frame that is now complete.</summary>
    public void PatchUInt(int offset, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(0, _length)[offset..], value);

    public void WriteInt(int value) => BinaryPrimitives.WriteInt32BigEndian(Grow(4), value);

    public void WriteUInt(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Grow(4), value);

    public void WriteHyper(long value) => BinaryPrimitives.WriteInt64BigEndian(Grow(8), value);

    public void WriteUHyper(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Grow(8), value);

    public void WriteDouble(double value) => BinaryPrimitives.WriteDoubleBigEndian(Grow(8), value);

    public void WriteByte(byte value) => WriteUInt(value);

    public void WriteUShort(ushort value) => WriteUInt(value);

    public void WriteBool(bool value) => WriteUInt(value ? 1u : 0u);

    public void WriteString(string value, int maxBytes)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        WriteLength(length, maxBytes, "string");
        Encoding.UTF8.GetBytes(value, GrowPadded(length));
    }

    public void WriteNullableString(string? value, int maxBytes)
    {
        WriteBool(value is not null);
        if (value is not null)
            WriteString(value, maxBytes);
    }

    public void WriteOpaque(ReadOnlySpan<byte> value, int maxBytes)
    {
        WriteLength(value.Length, maxBytes, "opaque");
        value.CopyTo(GrowPadded(value.Length));
    }

    /// <inheritdoc cref="WriteOpaque(ReadOnlySpan{byte}, int)"/>
    public void WriteOpaque(ImmutableArray<byte> value, int maxBytes) => WriteOpaque(value.AsSpan(), maxBytes);

    public void WriteFixedOpaque(ReadOnlySpan<byte> value) => value.CopyTo(GrowPadded(value.Length));

    /// <summary>Bytes that are no XDR: what a stream's packet carries. Not padded, so nothing may follow.</summary>
    public void WriteRaw(ReadOnlySpan<byte> value) => value.CopyTo(Grow(value.Length));

    public void WriteUuid(Guid value) => value.TryWriteBytes(GrowPadded(16), bigEndian: true, out _);

    /// <inheritdoc cref="XdrReader.ReadFixedChars"/>
    public void WriteFixedChars(string value, int count)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        if (length >= count)
            throw new XdrException($"text of {length} bytes does not fit {count} characters with the terminating NUL");
        WriteCharWords(value, count);
    }

    /// <inheritdoc cref="XdrReader.ReadChars"/>
    public void WriteChars(string value, int maxCount)
    {
        var count = Encoding.UTF8.GetByteCount(value) + 1;
        WriteCount(count, maxCount);
        WriteCharWords(value, count);
    }

    public void WriteCount(int count, int maxCount)
    {
        if (count > maxCount)
            throw new XdrException($"list of {count} elements exceeds its limit {maxCount}");
        WriteInt(count);
    }

    public void WriteList<T>(ImmutableArray<T> items, int maxCount)
        where T : struct, IXdr<T>
    {
        var span = items.AsSpan();
        WriteCount(span.Length, maxCount);
        foreach (ref readonly var item in span)
            item.Encode(this);
    }

    public void WriteOptional<T>(T? value)
        where T : struct, IXdr<T>
    {
        WriteBool(value.HasValue);
        value?.Encode(this);
    }

    public void WriteStringList(ImmutableArray<string> items, int maxCount, int maxBytes)
    {
        var span = items.AsSpan();
        WriteCount(span.Length, maxCount);
        foreach (var item in span)
            WriteString(item, maxBytes);
    }

    public void WriteIntList(ImmutableArray<int> items, int maxCount) => WriteIntList(items.AsSpan(), maxCount);

    public void WriteEnumList<T>(ImmutableArray<T> items, int maxCount)
        where T : struct, Enum => WriteIntList(MemoryMarshal.Cast<T, int>(items.AsSpan()), maxCount);

    public void WriteUIntList(ImmutableArray<uint> items, int maxCount)
    {
        var span = items.AsSpan();
        WriteCount(span.Length, maxCount);
        foreach (var item in span)
            WriteUInt(item);
    }

    public void WriteUHyperList(ImmutableArray<ulong> items, int maxCount)
    {
        var span = items.AsSpan();
        WriteCount(span.Length, maxCount);
        foreach (var item in span)
            WriteUHyper(item);
    }

    private void WriteIntList(ReadOnlySpan<int> items, int maxCount)
    {
        WriteCount(items.Length, maxCount);
        foreach (var item in items)
            WriteInt(item);
    }

    private void WriteCharWords(string value, int count)
    {
        var words = Grow(checked(count * 4));
        words.Clear();
        var i = 3;
        foreach (var character in Encoding.UTF8.GetBytes(value))
        {
            words[i] = character;
            i += 4;
        }
    }

    private void WriteLength(int length, int maxBytes, string what)
    {
        if (length > maxBytes)
            throw new XdrException($"{what} of {length} bytes exceeds its limit {maxBytes}");
        WriteInt(length);
    }

    private Span<byte> GrowPadded(int length)
    {
        var padded = Grow((length + 3) & ~3);
        // Why: the buffer is reused, and the padding must not carry bytes of an earlier message to another client.
        padded[length..].Clear();
        return padded[..length];
    }

    private Span<byte> Grow(int count)
    {
        if (count > _maxLength - _length)
            throw new XdrException($"message exceeds its limit of {_maxLength} bytes");
        if (count > _buffer.Length - _length)
            Enlarge(count);
        var grown = _buffer.AsSpan(_length, count);
        _length += count;
        return grown;
    }

    private void Enlarge(int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + count, Math.Min(_buffer.Length * 2, _maxLength)));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
