namespace Wherry.Wire.Frames;

/// <summary>How a frame's call or stream stands (<c>virNetMessageStatus</c>).</summary>
public enum MessageStatus
{
    /// <summary>A call, a message, or a result; in a stream: its orderly end.</summary>
    Ok = 0,

    /// <summary>The payload is a <see cref="RemoteError"/>.</summary>
    Error = 1,

    /// <summary>Stream only: more follows.</summary>
    Continue = 2,
}
