using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Wherry.Rpc.Transports;

/// <summary>SO_PEERCRED: who connected to a unix socket, as the kernel recorded it then. Source: unix(7).</summary>
internal static partial class PeerCredentials
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    /// <summary>The effective user of this process.</summary>
    public static uint OwnUid { get; } = GetEffectiveUserId();

    /// <exception cref="SocketException">The peer has already gone.</exception>
    public static PeerIdentity Read(Socket socket)
    {
        Span<byte> ucred = stackalloc byte[12]; // struct ucred: pid, uid, gid
        socket.GetRawSocketOption(SolSocket, SoPeerCred, ucred);
        var pid = MemoryMarshal.Read<int>(ucred);
        var uid = MemoryMarshal.Read<uint>(ucred[4..]);
        var gid = MemoryMarshal.Read<uint>(ucred[8..]);
        return new PeerIdentity("127.0.0.1:0", pid, uid, gid);
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
