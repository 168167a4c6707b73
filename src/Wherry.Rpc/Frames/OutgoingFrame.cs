using Wherry.Errors;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc.Frames;

/// <summary>
/// One encoded frame on its way out, in a pooled buffer. It belongs to the <see cref="FrameWriter"/> once queued there, which disposes of
/// it when it is written; one that is never written is left to the garbage collector.
/// </summary>
internal sealed class OutgoingFrame : IDisposable
{
    private readonly XdrWriter _writer;

    private OutgoingFrame(OutgoingKind kind, XdrWriter writer)
    {
        Kind = kind;
        _writer = writer;
    }

    public OutgoingKind Kind { get; }

    /// <summary>The lane of the call that a reply belongs to: its place is free again when the reply is written.</summary>
    public bool IsPriority { get; set; }

    /// <summary>Starts what begins with this reply; called once it is queued, so that nothing of it overtakes the reply.</summary>
    public Action? Queued { get; set; }

    /// <summary>Called when the frame is on the wire.</summary>
    public Action? Written { get; set; }

    public int Length => _writer.Length;

    public ReadOnlyMemory<byte> Bytes => _writer.Written;

    public void Dispose() => _writer.Dispose();

    public static OutgoingFrame Call<T>(uint program, uint version, int procedure, uint serial, in T args)
        where T : struct, IXdr<T> =>
        Encode(OutgoingKind.Call, new MessageHeader(program, version, procedure, MessageType.Call, serial, MessageStatus.Ok), args);

    public static OutgoingFrame Event<T>(uint program, uint version, int procedure, in T body)
        where T : struct, IXdr<T> =>
        Encode(OutgoingKind.Event, new MessageHeader(program, version, procedure, MessageType.Message, Serial: 0, MessageStatus.Ok), body);

    public static OutgoingFrame KeepAlive(int procedure) =>
        Encode(
            OutgoingKind.KeepAlive,
            new MessageHeader(KeepAliveProcedure.Program, KeepAliveProcedure.Version, procedure, MessageType.Message, Serial: 0, MessageStatus.Ok),
            default(Nothing));

    public static OutgoingFrame Reply<T>(in MessageHeader call, in T value)
        where T : struct, IXdr<T> =>
        Encode(OutgoingKind.Reply, call with { Type = MessageType.Reply, Status = MessageStatus.Ok }, value);

    public static OutgoingFrame EmptyReply(in MessageHeader call) => Reply(call, default(Nothing));

    /// <summary>Bytes of a stream, or with none of them its end in this direction.</summary>
    /// <param name="call">The call that opened the stream.</param>
    public static OutgoingFrame StreamPacket(in MessageHeader call, ReadOnlySpan<byte> data)
    {
        var writer = Begin(call with { Type = MessageType.Stream, Status = MessageStatus.Continue });
        writer.WriteRaw(data);
        return End(OutgoingKind.Stream, writer);
    }

    /// <summary>Says that the stream has ended as its client asked.</summary>
    public static OutgoingFrame StreamConfirmation(in MessageHeader call) =>
        Encode(OutgoingKind.Stream, call with { Type = MessageType.Stream, Status = MessageStatus.Ok }, default(Nothing));

    /// <summary>Says that the stream has failed.</summary>
    public static OutgoingFrame StreamError(in MessageHeader call, WherryException error) =>
        Encode(OutgoingKind.Stream, call with { Type = MessageType.Stream, Status = MessageStatus.Error }, RemoteError.From(error));

    /// <summary>An error keeps program, version, procedure and serial of the call, also when those are what was wrong.</summary>
    public static OutgoingFrame ErrorReply(in MessageHeader call, WherryException error) =>
        Encode(OutgoingKind.Reply, call with { Type = MessageType.Reply, Status = MessageStatus.Error }, RemoteError.From(error));

    private static OutgoingFrame Encode<T>(OutgoingKind kind, in MessageHeader header, in T body)
        where T : struct, IXdr<T>
    {
        var writer = Begin(header);
        body.Encode(writer);
        return End(kind, writer);
    }

    private static XdrWriter Begin(in MessageHeader header)
    {
        var writer = new XdrWriter();
        writer.WriteUInt(0);
        header.Encode(writer);
        return writer;
    }

    private static OutgoingFrame End(OutgoingKind kind, XdrWriter writer)
    {
        writer.PatchUInt(0, (uint)writer.Length);
        return new OutgoingFrame(kind, writer);
    }
}

/// <summary>What a frame counts against while it waits.</summary>
internal enum OutgoingKind
{
    /// <summary>Bounded by the calls in progress.</summary>
    Reply,

    /// <summary>A client's own call: its caller waits for room.</summary>
    Call,

    /// <summary>Bounded by number and bytes; what does not fit ends the connection.</summary>
    Event,

    /// <summary>Bounded by the number of streams: each waits until its last packet is written.</summary>
    Stream,

    /// <summary>Bounded by number; what does not fit is dropped, since those before it say the same.</summary>
    KeepAlive,
}
