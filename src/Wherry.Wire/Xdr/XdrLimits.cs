namespace Wherry.Wire.Xdr;

/// <summary>Limits that hold for every program.</summary>
public static class XdrLimits
{
    /// <summary>Bytes of any one string: 4 MiB, as libvirt's REMOTE_STRING_MAX and VIR_NET_MESSAGE_STRING_MAX.</summary>
    public const int String = 4 * 1024 * 1024;
}
