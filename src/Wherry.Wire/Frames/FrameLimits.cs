namespace Wherry.Wire.Frames;

/// <summary>
/// Sizes of a frame, in bytes. The length word counts itself, and libvirt's limit is for what follows it.
/// <code>
///   0        4                                        28
///   | length | program version procedure type serial status | payload ...                  |
///            |&lt;------------- header, 24 -------------&gt;|&lt;-------- at most MaxPayload ------&gt;|
///   |&lt;------------------------- length: MinFrame to MaxFrame ---------------------------&gt;|
/// </code>
/// </summary>
public static class FrameLimits
{
    public const int LengthSize = 4;

    public const int HeaderSize = 24;

    /// <summary>Header and payload: 32 MiB, as libvirt's VIR_NET_MESSAGE_MAX.</summary>
    public const int MaxMessage = 32 * 1024 * 1024;

    public const int MaxPayload = MaxMessage - HeaderSize;

    /// <summary>The least valid value of the length word.</summary>
    public const int MinFrame = LengthSize + HeaderSize;

    /// <summary>The greatest valid value of the length word.</summary>
    public const int MaxFrame = LengthSize + MaxMessage;

    /// <summary>
    /// Payload of one stream packet, so that old peers accept it: libvirt's VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX.
    /// </summary>
    public const int StreamPayload = 262_120;

    /// <summary>File descriptors that may follow one message.</summary>
    public const int MaxFileDescriptors = 32;
}
