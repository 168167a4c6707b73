using System.Buffers.Binary;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;
using Wherry.Wire.Peer;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Testbed.Proxies;

/// <summary>One message on its way through an <see cref="RpcProxy"/>.</summary>
/// <param name="ToDaemon">From the client to the daemon; otherwise back.</param>
/// <param name="Header">What stands behind its length word.</param>
/// <param name="Bytes">All of it, its length word included.</param>
public sealed record RpcFrame(bool ToDaemon, MessageHeader Header, byte[] Bytes)
{
    public const int PayloadOffset = FrameLimits.LengthSize + FrameLimits.HeaderSize;

    public ReadOnlySpan<byte> Payload => Bytes.AsSpan(PayloadOffset);

    /// <summary>Reads the header of a whole frame.</summary>
    public static RpcFrame Parse(bool toDaemon, byte[] bytes)
    {
        var reader = new XdrReader(bytes.AsSpan(FrameLimits.LengthSize, FrameLimits.HeaderSize));
        return new RpcFrame(toDaemon, MessageHeader.Decode(ref reader), bytes);
    }

    /// <summary>The same message with another serial.</summary>
    public RpcFrame WithSerial(uint serial)
    {
        var bytes = (byte[])Bytes.Clone();
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(FrameLimits.LengthSize + 16), serial);
        return new RpcFrame(ToDaemon, Header with { Serial = serial }, bytes);
    }

    /// <summary>Calls of a procedure; of the remote program unless another is named.</summary>
    public static Func<RpcFrame, bool> Call(int procedure, uint program = RemoteProcedure.Program) =>
        frame => frame.ToDaemon && frame.Is(program, procedure) && frame.Header.Type == MessageType.Call;

    /// <summary>Replies to a procedure, errors included.</summary>
    public static Func<RpcFrame, bool> Reply(int procedure, uint program = RemoteProcedure.Program) =>
        frame => !frame.ToDaemon && frame.Is(program, procedure) && frame.Header.Type == MessageType.Reply;

    /// <summary>The Finish that asks the destination to run the guest, or with <paramref name="cancelled"/> the one that gives up.</summary>
    public static Func<RpcFrame, bool> FinishCall(bool cancelled = false)
    {
        var isFinish = Call(RemoteProcedure.DomainMigrateFinish3Params);
        // "cancelled" is the last of its arguments.
        return frame => isFinish(frame) && BinaryPrimitives.ReadInt32BigEndian(frame.Bytes.AsSpan(^4..)) == (cancelled ? 1 : 0);
    }

    public static Func<RpcFrame, bool> FinishReply => Reply(RemoteProcedure.DomainMigrateFinish3Params);

    /// <summary>What a wherry source asks when it does not know how a hand-over ended.</summary>
    public static Func<RpcFrame, bool> ResolveCall => Call(PeerProcedure.Resolve, PeerProcedure.Program);

    public static bool IsKeepAlive(RpcFrame frame) => frame.Header.Program == KeepAliveProcedure.Program;

    public override string ToString() =>
        $"{(ToDaemon ? "->" : "<-")} {Header.Program:x8}/{Header.Procedure} {Header.Type} serial {Header.Serial} {Header.Status}, {Bytes.Length} bytes";

    private bool Is(uint program, int procedure) => Header.Program == program && Header.Procedure == procedure;
}
