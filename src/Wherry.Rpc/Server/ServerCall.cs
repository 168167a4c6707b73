using Wherry.Errors;
using Wherry.Rpc.Frames;
using Wherry.Wire.Frames;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc;

/// <summary>One call while it is being answered: its arguments in, its reply out.</summary>
public sealed class ServerCall
{
    private OutgoingFrame? _reply;
    private ServerStream? _stream;

    internal ServerCall(ServerSession session, in MessageHeader header, ReadOnlyMemory<byte> payload)
    {
        Session = session;
        Header = header;
        Payload = payload;
    }

    public ServerSession Session { get; }

    public MessageHeader Header { get; }

    /// <summary>The encoded arguments. Valid until the call has been answered; keep decoded values, not this.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>Decodes the arguments completely.</summary>
    /// <exception cref="WherryException">RPC: too short, over a limit, or followed by bytes that belong to nothing.</exception>
    public T ReadArgs<T>()
        where T : struct, IXdr<T>
    {
        try
        {
            var reader = new XdrReader(Payload.Span);
            var args = T.Decode(ref reader);
            reader.ExpectEnd();
            return args;
        }
        catch (XdrException e)
        {
            throw new WherryException(ErrorCode.Rpc, "Unable to decode message payload", ErrorDomain.Rpc, e);
        }
    }

    /// <summary>For procedures without arguments.</summary>
    /// <exception cref="WherryException">RPC: there are some.</exception>
    public void ReadNoArgs()
    {
        if (!Payload.IsEmpty) throw new WherryException(ErrorCode.Rpc, "Unable to decode message payload", ErrorDomain.Rpc);
    }

    /// <summary>Encodes the reply; it is sent when the handler has returned.</summary>
    /// <exception cref="WherryException">RPC: the reply is larger than a message may be.</exception>
    public void Reply<T>(in T value)
        where T : struct, IXdr<T> =>
        SetReply(OutgoingFrame.Reply(Header, value));

    /// <summary>The reply of a procedure that returns nothing.</summary>
    public void ReplyEmpty() => SetReply(OutgoingFrame.EmptyReply(Header));

    /// <summary>
    /// Opens the stream that this call's reply announces. The last thing a handler does: nothing may fail after it.
    /// </summary>
    /// <param name="data">What the client reads and writes; the stream's from now on, disposed of when it ends.</param>
    /// <param name="closed">Called once, when the stream has ended and before its client is told.</param>
    /// <exception cref="WherryException">RPC: the client has too many streams; <paramref name="data"/> is then still the caller's.</exception>
    public ServerStream OpenStream(Stream data, Action? closed = null) => _stream = Session.OpenStream(Header, data, closed);

    /// <summary>What the handler answered.</summary>
    /// <exception cref="InvalidOperationException">It did not: a mistake of ours, told to the peer as an internal error.</exception>
    internal OutgoingFrame TakeReply()
    {
        var reply = _reply ?? throw new InvalidOperationException($"procedure {Header.Procedure} of program {Header.Program:x} returned without a reply");
        if (_stream is { } stream) reply.Queued = stream.Start;
        return reply;
    }

    private void SetReply(OutgoingFrame reply)
    {
        if (_reply is not null) throw new InvalidOperationException($"procedure {Header.Procedure} replied twice");
        _reply = reply;
    }
}
