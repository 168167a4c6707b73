using Wherry.Wire.Xdr;

namespace Wherry.Wire.Frames;

/// <summary>The 24 bytes behind a frame's length word; see <see cref="FrameLimits"/> for the picture.</summary>
/// <param name="Program">Which set of procedures: remote, qemu, keepalive.</param>
/// <param name="Procedure">Number within the program; also of an event.</param>
/// <param name="Serial">Chosen by the caller and repeated in the reply; 0 in messages.</param>
public readonly record struct MessageHeader(
    uint Program, uint Version, int Procedure, MessageType Type, uint Serial, MessageStatus Status) : IXdr<MessageHeader>
{
    public static MessageHeader Decode(ref XdrReader reader) => new(
        reader.ReadUInt(),
        reader.ReadUInt(),
        reader.ReadInt(),
        Known((MessageType)reader.ReadInt()),
        reader.ReadUInt(),
        Known((MessageStatus)reader.ReadInt()));

    public void Encode(XdrWriter writer)
    {
        writer.WriteUInt(Program);
        writer.WriteUInt(Version);
        writer.WriteInt(Procedure);
        writer.WriteInt((int)Type);
        writer.WriteUInt(Serial);
        writer.WriteInt((int)Status);
    }

    // Why: these two decide how the payload is read, so an unknown value means that the frames are out of step.
    private static MessageType Known(MessageType type) => type is >= MessageType.Call and <= MessageType.StreamHole
        ? type
        : throw new XdrException($"unknown message type {(int)type}");

    private static MessageStatus Known(MessageStatus status) => status is >= MessageStatus.Ok and <= MessageStatus.Continue
        ? status
        : throw new XdrException($"unknown message status {(int)status}");
}
