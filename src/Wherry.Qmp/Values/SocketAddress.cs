namespace Wherry.Qmp.Values;

/// <summary>Where QEMU listens or connects (QAPI SocketAddress).</summary>
/// <param name="Host">inet: a name or a literal, IPv6 without brackets.</param>
/// <param name="Port">inet: the port as text, as QEMU wants it.</param>
/// <param name="Path">unix.</param>
public sealed record SocketAddress(SocketAddressType Type, string? Host = null, string? Port = null, string? Path = null)
{
    public static SocketAddress Inet(string host, int port) => new(SocketAddressType.Inet, host, port.ToString());

    public static SocketAddress Unix(string path) => new(SocketAddressType.Unix, Path: path);
}

/// <summary>The older form of the same, which <c>nbd-server-start</c> takes: the members stand in a box named "data".</summary>
public sealed record SocketAddressLegacy(SocketAddressType Type, SocketAddressMembers Data)
{
    public static SocketAddressLegacy From(SocketAddress address) => new(address.Type, new(address.Host, address.Port, address.Path));
}

public sealed record SocketAddressMembers(string? Host, string? Port, string? Path);
