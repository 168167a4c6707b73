using System.Text.Json.Serialization;

namespace Wherry.Qmp.Values;

/// <summary>The kind of a socket address (QAPI SocketAddressType).</summary>
[JsonConverter(typeof(OpenEnumConverter<SocketAddressType>))]
public readonly record struct SocketAddressType(string Value) : IOpenEnum<SocketAddressType>
{
    public static readonly SocketAddressType Inet = new("inet");
    public static readonly SocketAddressType Unix = new("unix");
    public static readonly SocketAddressType Vsock = new("vsock");
    public static readonly SocketAddressType Fd = new("fd");

    public static SocketAddressType From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>The family of a display's address (QAPI NetworkAddressFamily).</summary>
[JsonConverter(typeof(OpenEnumConverter<NetworkAddressFamily>))]
public readonly record struct NetworkAddressFamily(string Value) : IOpenEnum<NetworkAddressFamily>
{
    public static readonly NetworkAddressFamily Ipv4 = new("ipv4");
    public static readonly NetworkAddressFamily Ipv6 = new("ipv6");
    public static readonly NetworkAddressFamily Unix = new("unix");
    public static readonly NetworkAddressFamily Vsock = new("vsock");
    public static readonly NetworkAddressFamily Unknown = new("unknown");

    public static NetworkAddressFamily From(string value) => new(value);

    public override string ToString() => Value;
}
