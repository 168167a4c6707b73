using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Wherry.Qemu.Launch;

/// <summary>
/// The few ioctls on network devices that a tap needs. Each takes a <c>struct ifreq</c> (linux/if.h): a name of 16 bytes and a union of 24,
/// and goes to any socket (netdevice(7)), or for TUNSETIFF to an open /dev/net/tun.
/// </summary>
internal static partial class NetDevice
{
    private const uint TunSetIff = 0x400454CA;
    private const uint SiocGIfFlags = 0x8913;
    private const uint SiocSIfFlags = 0x8914;
    private const uint SiocGIfMtu = 0x8921;
    private const uint SiocSIfMtu = 0x8922;
    private const uint SiocSIfHwAddr = 0x8924;
    private const uint SiocGIfIndex = 0x8933;
    private const uint SiocBrAddIf = 0x89A2;
    private const uint SiocBrDelIf = 0x89A3;
    private const short Up = 0x1;
    private const ushort Ethernet = 1; // ARPHRD_ETHER
    private const int NameBytes = 16;
    private const int InvalidArgument = 22;

    /// <summary>Attaches an open /dev/net/tun to a tap device of this name, or to a new one when the name is a pattern such as <c>vnet%d</c>.</summary>
    /// <returns>The device's name.</returns>
    public static string SetTap(SafeFileHandle tun, string name, TapFlags flags)
    {
        var request = NewRequest(name);
        MemoryMarshal.Write(request.AsSpan(NameBytes), (short)flags);
        Check(Ioctl(tun, TunSetIff, request), $"Unable to create tap device {name}");
        return Encoding.ASCII.GetString(request.AsSpan(0, NameBytes)).TrimEnd('\0');
    }

    public static int Mtu(string name) =>
        MemoryMarshal.Read<int>(Call(SiocGIfMtu, NewRequest(name), $"Cannot get interface MTU on '{name}'").AsSpan(NameBytes));

    public static void SetMtu(string name, int mtu) => Call(SiocSIfMtu, NewRequest(name, mtu), $"Cannot set interface MTU on '{name}'");

    /// <param name="mac">Colon-separated.</param>
    public static void SetMac(string name, string mac)
    {
        var request = NewRequest(name);
        MemoryMarshal.Write(request.AsSpan(NameBytes), Ethernet);
        Convert.FromHexString(mac.Replace(":", "", StringComparison.Ordinal)).CopyTo(request.AsSpan(NameBytes + 2));
        Call(SiocSIfHwAddr, request, $"Cannot set interface MAC to {mac} on '{name}'");
    }

    public static bool Exists(string name)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        return Ioctl(socket.SafeHandle, SiocGIfIndex, NewRequest(name)) >= 0;
    }

    public static void RemoveFromBridge(string bridge, string name)
    {
        var index = MemoryMarshal.Read<int>(Call(SiocGIfIndex, NewRequest(name), $"Unable to get index for interface {name}").AsSpan(NameBytes));
        Call(SiocBrDelIf, NewRequest(bridge, index), $"Unable to remove bridge {bridge} port {name}");
    }

    public static void AddToBridge(string bridge, string name)
    {
        var index = MemoryMarshal.Read<int>(Call(SiocGIfIndex, NewRequest(name), $"Unable to get index for interface {name}").AsSpan(NameBytes));
        Call(SiocBrAddIf, NewRequest(bridge, index), $"Unable to add bridge {bridge} port {name}");
    }

    public static void SetUp(string name)
    {
        var message = $"Cannot set interface flags on '{name}'";
        var request = Call(SiocGIfFlags, NewRequest(name), message);
        var flags = MemoryMarshal.Read<short>(request.AsSpan(NameBytes));
        MemoryMarshal.Write(request.AsSpan(NameBytes), (short)(flags | Up));
        Call(SiocSIfFlags, request, message);
    }

    private static byte[] NewRequest(string name, int value = 0)
    {
        var request = new byte[40];
        if (name.Length >= NameBytes)
            throw WherryException.FromErrno(InvalidArgument, $"interface name '{name}' is longer than {NameBytes - 1} characters", ErrorDomain.None);
        Encoding.ASCII.GetBytes(name, request);
        MemoryMarshal.Write(request.AsSpan(NameBytes), value);
        return request;
    }

    private static byte[] Call(uint operation, byte[] request, string message)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Check(Ioctl(socket.SafeHandle, operation, request), message);
        return request;
    }

    private static void Check(int result, string message)
    {
        if (result < 0)
            throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), message, ErrorDomain.None);
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(SafeHandle fd, nuint operation, byte[] request);
}

/// <summary>Flags of TUNSETIFF (linux/if_tun.h).</summary>
[Flags]
internal enum TapFlags : short
{
    None = 0,

    /// <summary>Ethernet frames.</summary>
    Tap = 0x0002,

    /// <summary>More than one queue may be attached.</summary>
    MultiQueue = 0x0100,

    /// <summary>No protocol header before each frame.</summary>
    NoPacketInformation = 0x1000,

    /// <summary>A virtio header before each frame: checksums and segmentation are left to whoever must really do them.</summary>
    VnetHeader = 0x4000,
}
