using Wherry.Wire.Frames;
using Wherry.Wire.Tests.Xdr;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Frames;

public sealed class MessageHeaderTests
{
    private const string Header = "20008086 00000001 000000d4 00000001 00000007 00000000";

    [Fact]
    public void A_header_is_six_words() => Assert.Equal(
        new MessageHeader(0x2000_8086, 1, 212, MessageType.Reply, 7, MessageStatus.Ok),
        Bytes.Decode<MessageHeader>(Bytes.Hex(Header)));

    [Theory]
    [InlineData("00000007", "00000000", "unknown message type 7")]
    [InlineData("ffffffff", "00000000", "unknown message type -1")]
    [InlineData("00000001", "00000003", "unknown message status 3")]
    public void Frames_out_of_step_are_noticed(string type, string status, string message)
    {
        var bytes = Bytes.Hex($"20008086 00000001 000000d4 {type} 00000007 {status}");

        Assert.Equal(message, Assert.Throws<XdrException>(() => Bytes.Decode<MessageHeader>(bytes)).Message);
    }

    [Fact]
    public void The_limits_are_libvirts()
    {
        Assert.Equal(33_554_432, FrameLimits.MaxMessage);
        Assert.Equal(33_554_408, FrameLimits.MaxPayload);
        Assert.Equal(28, FrameLimits.MinFrame);
        Assert.Equal(33_554_436, FrameLimits.MaxFrame);
    }
}
