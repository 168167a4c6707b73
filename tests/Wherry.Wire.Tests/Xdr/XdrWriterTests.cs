using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Xdr;

public sealed class XdrWriterTests
{
    [Fact]
    public void Padding_never_carries_bytes_of_an_earlier_message()
    {
        using var writer = new XdrWriter();
        writer.WriteUHyper(ulong.MaxValue);
        writer.Clear();

        writer.WriteString("x", 4);

        Assert.Equal(Bytes.Hex("00000001 78000000"), writer.Written.ToArray());
    }

    [Fact]
    public void Growing_keeps_what_was_written()
    {
        using var writer = new XdrWriter(capacity: 16);
        for (var i = 0; i < 10_000; i++)
            writer.WriteInt(i);

        var reader = new XdrReader(writer.Written.Span);
        for (var i = 0; i < 10_000; i++)
            Assert.Equal(i, reader.ReadInt());
        reader.ExpectEnd();
    }

    [Fact]
    public void A_message_over_its_limit_is_refused()
    {
        using var writer = new XdrWriter(capacity: 16, maxLength: 16);
        writer.WriteFixedOpaque(new byte[12]);

        Assert.Equal("message exceeds its limit of 16 bytes", Assert.Throws<XdrException>(() => writer.WriteHyper(0)).Message);
        writer.WriteInt(7);
        Assert.Equal(16, writer.Length);
    }

    [Fact]
    public void A_value_over_its_limit_is_refused_here_too()
    {
        using var writer = new XdrWriter();

        Assert.Throws<XdrException>(() => writer.WriteString("ää", 3));
        Assert.Throws<XdrException>(() => writer.WriteOpaque(new byte[2], 1));
        Assert.Throws<XdrException>(() => writer.WriteIntList([1, 2], 1));
        Assert.Throws<XdrException>(() => writer.WriteFixedChars("abc", 3));
        Assert.Throws<XdrException>(() => writer.WriteChars("abc", 3));
    }

    [Fact]
    public void A_length_in_front_can_be_filled_in_at_the_end()
    {
        using var writer = new XdrWriter();
        writer.WriteUInt(0);
        writer.WriteInt(1);

        writer.PatchUInt(0, (uint)writer.Length);

        Assert.Equal(Bytes.Hex("00000008 00000001"), writer.Written.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.PatchUInt(6, 0));
    }

    [Fact]
    public void A_list_that_was_never_set_is_empty() =>
        Assert.Equal(Bytes.Hex("00000000 00000000"), Bytes.Written(writer =>
        {
            writer.WriteIntList(default, 1);
            writer.WriteOpaque(default(System.Collections.Immutable.ImmutableArray<byte>), 1);
        }));
}
