using Wherry.Errors;

namespace Wherry.Rpc.Client;

/// <summary>
/// Where another daemon listens, as a libvirt URI says it.
/// <code>
///   qemu+tcp://host[:16509]/system               TCP
///   qemu+tcp://[2001:db8::7]/system              TCP, IPv6
///   qemu+unix:///system?socket=/path             unix socket
///   qemu:///system, qemu:///session              unix socket at libvirt's place
/// </code>
/// </summary>
public abstract record RpcEndpoint
{
    /// <summary>libvirt's port for plain TCP (LIBVIRTD_TCP_PORT).</summary>
    public const int DefaultTcpPort = 16509;

    private RpcEndpoint(string driverUri) => DriverUri = driverUri;

    /// <summary>What the daemon there is asked to open: the URI without transport, host and our parameters, as in "qemu:///system".</summary>
    public string DriverUri { get; }

    /// <exception cref="WherryException">INVALID_ARG: not such a URI. CONFIG_UNSUPPORTED: a transport that we do not speak.</exception>
    public static RpcEndpoint Parse(string uri)
    {
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed)) throw Invalid(uri, "not a URI");
        var (driver, transport) = SplitScheme(parsed.Scheme);
        var driverUri = $"{driver}://{parsed.AbsolutePath}";
        return transport switch
        {
            "tcp" when parsed.Host.Length == 0 => throw Invalid(uri, "transport tcp needs a host"),
            "tcp" => new Tcp(parsed.IdnHost, parsed.Port < 0 ? DefaultTcpPort : parsed.Port, driverUri),
            "unix" or "" when parsed.Host.Length > 0 => throw Invalid(uri, "a unix socket has no host; write qemu+tcp:// to reach another one"),
            "unix" or "" => new Unix(SocketParameter(parsed) ?? DefaultSocket(uri, parsed.AbsolutePath), driverUri),
            _ => throw new WherryException(
                ErrorCode.ConfigUnsupported, $"transport '{transport}' in '{uri}' (tcp and unix are)", ErrorDomain.Rpc),
        };
    }

    private static (string Driver, string Transport) SplitScheme(string scheme) =>
        scheme.IndexOf('+', StringComparison.Ordinal) is var plus and >= 0 ? (scheme[..plus], scheme[(plus + 1)..]) : (scheme, "");

    private static string? SocketParameter(Uri uri)
    {
        foreach (var parameter in uri.Query.TrimStart('?').Split('&', ';'))
        {
            if (parameter.StartsWith("socket=", StringComparison.Ordinal)) return Uri.UnescapeDataString(parameter["socket=".Length..]);
        }

        return null;
    }

    private static string DefaultSocket(string uri, string path) => path switch
    {
        "/system" => "/run/libvirt/libvirt-sock",
        "/session" when Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } directory =>
            $"{directory}/libvirt/libvirt-sock",
        _ => throw Invalid(uri, "no socket is given, and its place is only known for /system and, with XDG_RUNTIME_DIR, /session"),
    };

    private static WherryException Invalid(string uri, string why) => new(ErrorCode.InvalidArg, $"URI '{uri}': {why}", ErrorDomain.Rpc);

    /// <summary>A TCP host and port.</summary>
    public sealed record Tcp(string Host, int Port, string DriverUri) : RpcEndpoint(DriverUri)
    {
        public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
    }

    /// <summary>A unix socket's path.</summary>
    public sealed record Unix(string Path, string DriverUri) : RpcEndpoint(DriverUri)
    {
        public override string ToString() => Path;
    }
}
