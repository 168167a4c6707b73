using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Xdr;

/// <summary>Values to bytes and back, as one word each in tests.</summary>
internal static class Bytes
{
    public static byte[] Encode<T>(T value)
        where T : struct, IXdr<T> => Written(value.Encode);

    public static byte[] Written(Action<XdrWriter> write)
    {
        using var writer = new XdrWriter();
        write(writer);
        return writer.Written.ToArray();
    }

    /// <summary>Decodes the bytes as a whole message: nothing may follow.</summary>
    public static T Decode<T>(ReadOnlySpan<byte> bytes)
        where T : struct, IXdr<T>
    {
        var reader = new XdrReader(bytes);
        var value = T.Decode(ref reader);
        reader.ExpectEnd();
        return value;
    }

    /// <summary>Hexadecimal with spaces and line ends for the reader's eye.</summary>
    public static byte[] Hex(string text) => Convert.FromHexString(string.Concat(text.Where(char.IsAsciiHexDigit)));
}
