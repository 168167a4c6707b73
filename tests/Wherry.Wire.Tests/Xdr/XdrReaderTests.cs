using Wherry.Errors;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Xdr;

public sealed class XdrReaderTests
{
    private delegate T Read<out T>(ref XdrReader reader);

    private static T From<T>(string hex, Read<T> read)
    {
        var reader = new XdrReader(Bytes.Hex(hex));
        var value = read(ref reader);
        reader.ExpectEnd();
        return value;
    }

    private static string Refusal<T>(string hex, Read<T> read) => Assert.Throws<XdrException>(() => From(hex, read)).Message;

    [Fact]
    public void Numbers_are_big_endian_words()
    {
        Assert.Equal(-2, From("fffffffe", (ref r) => r.ReadInt()));
        Assert.Equal(0x8000_0000u, From("80000000", (ref r) => r.ReadUInt()));
        Assert.Equal(-1L, From("ffffffff ffffffff", (ref r) => r.ReadHyper()));
        Assert.Equal(0x0102_0304_0506_0708ul, From("01020304 05060708", (ref r) => r.ReadUHyper()));
        Assert.Equal(-2.0, From("c0000000 00000000", (ref r) => r.ReadDouble()));
        Assert.Equal((byte)255, From("000000ff", (ref r) => r.ReadByte()));
        Assert.Equal((ushort)65535, From("0000ffff", (ref r) => r.ReadUShort()));
    }

    [Fact]
    public void A_word_too_large_for_its_type_is_refused()
    {
        Assert.Equal("256 is no unsigned char", Refusal("00000100", (ref r) => r.ReadByte()));
        Assert.Equal("65536 is no unsigned short", Refusal("00010000", (ref r) => r.ReadUShort()));
        Assert.Equal("2 is no boolean", Refusal("00000002", (ref r) => r.ReadBool()));
    }

    [Fact]
    public void Strings_are_padded_and_the_padding_is_not_looked_at()
    {
        Assert.Equal("vdä", From("00000004 7664c3a4", (ref r) => r.ReadString(4)));
        Assert.Equal("vda", From("00000003 76646100", (ref r) => r.ReadString(4)));
        Assert.Equal("vda", From("00000003 766461ff", (ref r) => r.ReadString(4)));
        Assert.Null(From("00000000", (ref r) => r.ReadNullableString(4)));
        Assert.Equal("", From("00000001 00000000", (ref r) => r.ReadNullableString(4)));
    }

    [Fact]
    public void What_is_no_text_for_every_peer_is_refused()
    {
        Assert.Equal("string contains a NUL byte", Refusal("00000003 76006100", (ref r) => r.ReadString(9)));
        Assert.Equal("string is not UTF-8", Refusal("00000002 c3280000", (ref r) => r.ReadString(9)));
    }

    [Fact]
    public void A_length_over_its_limit_is_refused_before_the_bytes_are_looked_for()
    {
        Assert.Equal("string of 5 bytes exceeds its limit 4", Refusal("00000005", (ref r) => r.ReadString(4)));
        Assert.Equal("opaque of 4294967295 bytes exceeds its limit 4", Refusal("ffffffff", (ref r) => r.ReadOpaque(4)));
        Assert.Equal("list of 2147483648 elements exceeds its limit 7", Refusal("80000000", (ref r) => r.ReadCount(7)));
    }

    [Fact]
    public void A_length_within_its_limit_but_past_the_end_allocates_nothing()
    {
        var frame = Bytes.Hex("00400000 00000000");
        _ = Refusals();
        var before = GC.GetAllocatedBytesForCurrentThread();

        var refusals = Refusals();

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(3, refusals);
        Assert.True(allocated < 64 * 1024, $"{allocated} bytes for lists and texts that were never there");

        int Refusals()
        {
            var refused = 0;
            Try((ref r) => r.ReadString(XdrLimits.String));
            Try((ref r) => r.ReadOpaque(XdrLimits.String));
            Try((ref r) => r.ReadIntList(XdrLimits.String));
            return refused;

            void Try<T>(Read<T> read)
            {
                var reader = new XdrReader(frame);
                try
                {
                    read(ref reader);
                }
                catch (XdrException)
                {
                    refused++;
                }
            }
        }
    }

    [Fact]
    public void Characters_are_a_word_each_and_end_at_the_first_NUL()
    {
        Assert.Equal("ab", From("00000003 00000061 00000062 00000000", (ref r) => r.ReadChars(3)));
        Assert.Equal("a", From("00000061 00000000 00000062", (ref r) => r.ReadFixedChars(3)));
        Assert.Equal("abc", From("00000061 00000062 00000063", (ref r) => r.ReadFixedChars(3)));
        // A C char is signed: é, c3 a9, arrives sign-extended.
        Assert.Equal("é", From("ffffffc3 ffffffa9", (ref r) => r.ReadFixedChars(2)));
    }

    [Fact]
    public void A_uuid_reads_as_printed() => Assert.Equal(
        Guid.Parse("c7a5fdbd-edaf-9455-926a-d65c16db1809"),
        From("c7a5fdbdedaf9455926ad65c16db1809", (ref r) => r.ReadUuid()));

    [Fact]
    public void Bytes_after_the_message_are_refused() =>
        Assert.Equal("4 bytes follow the end of the message", Refusal("00000001 00000000", (ref r) => r.ReadInt()));

    [Fact]
    public void A_refusal_is_an_rpc_error_for_the_caller()
    {
        var refusal = Assert.Throws<XdrException>(() => From("", (ref r) => r.ReadInt()));

        Assert.Equal((ErrorCode.Rpc, ErrorDomain.Rpc), (refusal.Code, refusal.Domain));
        Assert.Equal("message ends 4 bytes too early", refusal.Message);
    }
}
