using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

namespace Wherry.Wire.Xdr;

/// <summary>
/// Reads XDR (RFC 4506) from a span: big-endian, everything in multiples of four bytes.
/// <code>
///   int, unsigned, bool, enum,      | 4 |
///   char, short
///   hyper, double                   |   8   |
///   string&lt;max&gt;, opaque&lt;max&gt;        | 4 length | bytes | 0-3 padding |
///   T x&lt;max&gt;                        | 4 count | T | T | ...
///   T *x                            | 4 present? | T if so |
/// </code>
/// Every length is checked against its limit and against the bytes that are there before anything is allocated.
/// </summary>
public ref struct XdrReader
{
    // Why: strict, because a byte sequence that is no text cannot be a name, a path or XML, and a replaced character would make
    // two different names equal.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest;

    public XdrReader(ReadOnlySpan<byte> bytes) => _rest = bytes;

    /// <summary>Bytes not read yet.</summary>
    public readonly int Remaining => _rest.Length;

    public int ReadInt() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public uint ReadUInt() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public long ReadHyper() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public ulong ReadUHyper() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>XDR's <c>unsigned char</c>: a whole word on the wire.</summary>
    public byte ReadByte() => ReadUInt() switch
    {
        <= byte.MaxValue and var value => (byte)value,
        var value => throw new XdrException($"{value} is no unsigned char"),
    };

    /// <summary>XDR's <c>unsigned short</c>: a whole word on the wire.</summary>
    public ushort ReadUShort() => ReadUInt() switch
    {
        <= ushort.MaxValue and var value => (ushort)value,
        var value => throw new XdrException($"{value} is no unsigned short"),
    };

    public bool ReadBool() => ReadUInt() switch
    {
        0 => false,
        1 => true,
        var value => throw new XdrException($"{value} is no boolean"),
    };

    /// <param name="maxBytes">Limit of the encoded length, in bytes of UTF-8.</param>
    public string ReadString(int maxBytes)
    {
        var bytes = TakePadded(ReadLength(maxBytes, "string"));
        if (bytes.Contains((byte)0))
            // Why: C peers would see a shorter string than we do, so the two could act on different names.
            throw new XdrException("string contains a NUL byte");
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new XdrException("string is not UTF-8", e);
        }
    }

    public string? ReadNullableString(int maxBytes) => ReadBool() ? ReadString(maxBytes) : null;

    public ImmutableArray<byte> ReadOpaque(int maxBytes) => [.. TakePadded(ReadLength(maxBytes, "opaque"))];

    /// <summary>Bytes whose number is part of the declaration, so that no length is on the wire. The result points into the input.</summary>
    public ReadOnlySpan<byte> ReadFixedOpaque(int length) => TakePadded(length);

    /// <summary>A UUID as libvirt sends it: 16 bytes in the order in which they are printed.</summary>
    public Guid ReadUuid() => new(ReadFixedOpaque(16), bigEndian: true);

    /// <summary>
    /// <c>char x[count]</c>: text up to the first NUL. XDR has no char, so rpcgen sends each as a word: 32 characters are 128 bytes.
    /// </summary>
    public string ReadFixedChars(int count) => ReadCharWords(count);

    /// <summary><c>char x&lt;max&gt;</c>: a count, then a word for each character, the terminating NUL included.</summary>
    public string ReadChars(int maxCount) => ReadCharWords(ReadCount(maxCount));

    /// <summary>The element count of a list, which the bytes that are there can hold (no element is shorter than a word).</summary>
    public int ReadCount(int maxCount)
    {
        var count = ReadUInt();
        if (count > (uint)maxCount)
            throw new XdrException($"list of {count} elements exceeds its limit {maxCount}");
        if (count > (uint)(Remaining / 4))
            throw new XdrException($"list of {count} elements in the remaining {Remaining} bytes");
        return (int)count;
    }

    public ImmutableArray<T> ReadList<T>(int maxCount)
        where T : struct, IXdr<T>
    {
        var items = new T[ReadCount(maxCount)];
        for (var i = 0; i < items.Length; i++)
            items[i] = T.Decode(ref this);
        return ImmutableCollectionsMarshal.AsImmutableArray(items);
    }

    public T? ReadOptional<T>()
        where T : struct, IXdr<T> => ReadBool() ? T.Decode(ref this) : null;

    public ImmutableArray<string> ReadStringList(int maxCount, int maxBytes)
    {
        var items = new string[ReadCount(maxCount)];
        for (var i = 0; i < items.Length; i++)
            items[i] = ReadString(maxBytes);
        return ImmutableCollectionsMarshal.AsImmutableArray(items);
    }

    public ImmutableArray<int> ReadIntList(int maxCount)
    {
        var items = new int[ReadCount(maxCount)];
        for (var i = 0; i < items.Length; i++)
            items[i] = ReadInt();
        return ImmutableCollectionsMarshal.AsImmutableArray(items);
    }

    public ImmutableArray<uint> ReadUIntList(int maxCount)
    {
        var items = new uint[ReadCount(maxCount)];
        for (var i = 0; i < items.Length; i++)
            items[i] = ReadUInt();
        return ImmutableCollectionsMarshal.AsImmutableArray(items);
    }

    public ImmutableArray<ulong> ReadUHyperList(int maxCount)
    {
        var items = new ulong[ReadCount(maxCount)];
        for (var i = 0; i < items.Length; i++)
            items[i] = ReadUHyper();
        return ImmutableCollectionsMarshal.AsImmutableArray(items);
    }

    /// <typeparam name="T">An enum over int; a number it does not name survives.</typeparam>
    public ImmutableArray<T> ReadEnumList<T>(int maxCount)
        where T : struct, Enum => [.. MemoryMarshal.Cast<int, T>(ReadIntList(maxCount).AsSpan())];

    /// <summary>To be called after the last field of a message.</summary>
    /// <exception cref="XdrException">There are bytes left: the peer meant something else than we read.</exception>
    public readonly void ExpectEnd()
    {
        if (Remaining != 0)
            throw new XdrException($"{Remaining} bytes follow the end of the message");
    }

    private string ReadCharWords(int count)
    {
        var words = Take(checked(count * 4));
        var bytes = new byte[count];
        for (var i = 0; i < count; i++)
            // Why: a char is signed on most C compilers, so a byte over 127 arrives sign-extended; its low byte is the character.
            bytes[i] = words[(i * 4) + 3];
        var end = Array.IndexOf(bytes, (byte)0);
        return Encoding.UTF8.GetString(bytes.AsSpan(0, end < 0 ? count : end));
    }

    private int ReadLength(int maxBytes, string what)
    {
        var length = ReadUInt();
        return length <= (uint)maxBytes
            ? (int)length
            : throw new XdrException($"{what} of {length} bytes exceeds its limit {maxBytes}");
    }

    // Why: the padding's content is not checked. RFC 4506 wants zeros, but libvirt accepts anything, and so its clients may send it.
    private ReadOnlySpan<byte> TakePadded(int length) => Take((length + 3) & ~3)[..length];

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw new XdrException($"message ends {count - _rest.Length} bytes too early");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
