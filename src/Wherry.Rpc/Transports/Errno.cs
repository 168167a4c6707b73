using System.Net.Sockets;

namespace Wherry.Rpc.Transports;

/// <summary>errno values we report ourselves (Linux, all architectures we run on).</summary>
internal static class Errno
{
    public const int NoEntry = 2;
    public const int FileExists = 17;
    public const int NameTooLong = 36;
    public const int AddressInUse = 98;
    public const int TimedOut = 110;

    /// <summary>
    /// errno of a failed bind or connect of a unix socket. .NET reports a path that does not exist as "address not available", which
    /// the system itself never says of a unix socket.
    /// </summary>
    public static int OfUnixSocket(SocketException e) =>
        e.SocketErrorCode == SocketError.AddressNotAvailable ? NoEntry : e.NativeErrorCode;
}
