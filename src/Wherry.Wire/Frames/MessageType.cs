namespace Wherry.Wire.Frames;

/// <summary>What a frame is (<c>virNetMessageType</c>).</summary>
public enum MessageType
{
    /// <summary>Client to server: arguments of a call.</summary>
    Call = 0,

    /// <summary>Server to client: result of a call, or its error, with the call's serial.</summary>
    Reply = 1,

    /// <summary>Either way, nobody answers: an event, a keepalive. Serial 0.</summary>
    Message = 2,

    /// <summary>Either way: a packet of the stream that the call with this serial opened.</summary>
    Stream = 3,

    /// <summary>A call followed by a count and as many file descriptors.</summary>
    CallWithFds = 4,

    /// <summary>A reply followed by a count and as many file descriptors.</summary>
    ReplyWithFds = 5,

    /// <summary>A hole in a sparse stream.</summary>
    StreamHole = 6,
}
