using System.Globalization;
using Wherry.Errors;

namespace Wherry.Rpc.Client;

/// <summary>
/// Where another daemon listens, as a libvirt URI says it.
/// <code>
///   qemu+tcp://host[:16509]/system               TCP
///   qemu+tcp://[2001:db8::7]/system              TCP, IPv6
///   qemu+tls://host[:16514]/system, qemu://host/system?pkipath=/dir&amp;no_verify=1&amp;no_sanity=1&amp;tls_priority=NORMAL
///                                                TLS; the server's certificate must be for that host
///   qemu+ssh://[user@]host[:22]/system?command=ssh&amp;keyfile=/key&amp;no_verify=1&amp;no_tty=1&amp;proxy=auto|netcat|native&amp;netcat=nc&amp;socket=/path
///                                                the user's own ssh program, and what it runs there
///   qemu+unix:///system?socket=/path             unix socket
///   qemu:///system, qemu:///session              unix socket at libvirt's place
/// </code>
/// </summary>
public abstract record RpcEndpoint
{
    /// <summary>libvirt's port for plain TCP (LIBVIRTD_TCP_PORT).</summary>
    public const int DefaultTcpPort = 16509;

    /// <summary>libvirt's port for TLS (LIBVIRTD_TLS_PORT).</summary>
    public const int DefaultTlsPort = 16514;

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
            "tls" when parsed.Host.Length == 0 => throw Invalid(uri, "transport tls needs a host"),
            "tls" => ParseTls(uri, parsed, driverUri),
            "" when parsed.Host.Length > 0 => ParseTls(uri, parsed, driverUri), // libvirt's default for another host
            "ssh" when parsed.Host.Length == 0 => throw Invalid(uri, "transport ssh needs a host"),
            "ssh" => ParseSsh(uri, parsed, driverUri),
            "unix" when parsed.Host.Length > 0 => throw Invalid(uri, "a unix socket has no host; write qemu+tls:// to reach another one"),
            "unix" or "" => new Unix(Parameter(parsed, "socket") ?? DefaultSocket(uri, parsed.AbsolutePath), driverUri),
            _ => throw new WherryException(
                ErrorCode.ConfigUnsupported, $"transport '{transport}' in '{uri}' (tcp, tls, ssh and unix are)", ErrorDomain.Rpc),
        };
    }

    private static (string Driver, string Transport) SplitScheme(string scheme) =>
        scheme.IndexOf('+', StringComparison.Ordinal) is var plus and >= 0 ? (scheme[..plus], scheme[(plus + 1)..]) : (scheme, "");

    private static Tls ParseTls(string text, Uri uri, string driverUri) =>
        new(uri.IdnHost, uri.Port < 0 ? DefaultTlsPort : uri.Port, driverUri)
        {
            PkiDirectory = Parameter(uri, "pkipath"),
            Verify = !Switch(text, uri, "no_verify"),
            SanityCheck = !Switch(text, uri, "no_sanity"),
            Priority = Parameter(uri, "tls_priority"),
        };

    /// <summary>
    /// As libvirt chooses when the URI does not: a socket's path is for netcat, which alone takes one; a user's daemon listens where only its own host
    /// knows, so it is for the helper.
    /// </summary>
    private static Ssh ParseSsh(string text, Uri uri, string driverUri)
    {
        var (netcat, socket) = (Parameter(uri, "netcat"), Parameter(uri, "socket"));
        var proxy = Parameter(uri, "proxy") switch
        {
            null when socket is not null => RemoteProxy.Netcat,
            null when uri.AbsolutePath == "/session" && netcat is not null => throw Invalid(text, "netcat path not valid with native proxy mode"),
            null when uri.AbsolutePath == "/session" => RemoteProxy.Native,
            null or "auto" when netcat is not null => RemoteProxy.Netcat,
            null or "auto" => RemoteProxy.Auto,
            "netcat" when socket is null && uri.AbsolutePath == "/session" => throw Invalid(text, "proxy=netcat needs a socket: where that user's is only his own host knows"),
            "netcat" => RemoteProxy.Netcat,
            "native" when netcat is not null => throw Invalid(text, "netcat path not valid with native proxy mode"),
            "native" when socket is not null => throw Invalid(text, "virt-ssh-helper takes no socket; leave proxy=native or the socket out"),
            "native" => RemoteProxy.Native,
            var unknown => throw Invalid(text, $"Unknown proxy type '{unknown}' (auto, netcat and native are known)"),
        };
        if (Parameter(uri, "command") is "") throw Invalid(text, "command is empty");
        return new Ssh(AsWritten(text, uri.IdnHost), driverUri)
        {
            Port = uri.Port < 0 ? null : uri.Port,
            User = uri.UserInfo is { Length: > 0 } user ? Uri.UnescapeDataString(user) : null,
            Command = Parameter(uri, "command") ?? "ssh",
            KeyFile = Parameter(uri, "keyfile"),
            Verify = !Switch(text, uri, "no_verify"),
            IsUnattended = Switch(text, uri, "no_tty"),
            Proxy = proxy,
            Netcat = netcat,
            Socket = socket,
        };
    }

    /// <summary>With its capitals: ssh looks its own configuration up by what the user typed, and Uri makes hosts small.</summary>
    private static string AsWritten(string text, string host)
    {
        var authority = text.AsSpan(text.IndexOf("://", StringComparison.Ordinal) + 3);
        authority = authority[..(authority.IndexOfAny('/', '?') is var end and >= 0 ? end : authority.Length)];
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        return authority.StartsWith(host, StringComparison.OrdinalIgnoreCase) ? authority[..host.Length].ToString() : host;
    }

    private static string? Parameter(Uri uri, string name)
    {
        foreach (var parameter in uri.Query.TrimStart('?').Split('&', ';'))
        {
            if (parameter.StartsWith($"{name}=", StringComparison.Ordinal)) return Uri.UnescapeDataString(parameter[(name.Length + 1)..]);
        }

        return null;
    }

    /// <summary>A number, as libvirt takes it: 0 is off, any other on.</summary>
    private static bool Switch(string text, Uri uri, string name) => Parameter(uri, name) switch
    {
        null => false,
        var value when int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number != 0,
        var value => throw Invalid(text, $"failed to parse value of URI component {name}: '{value}'"),
    };

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

    /// <summary>A host and port with TLS.</summary>
    public sealed record Tls(string Host, int Port, string DriverUri) : RpcEndpoint(DriverUri)
    {
        /// <summary>Where our certificates are; null for the usual place.</summary>
        public string? PkiDirectory { get; init; }

        /// <summary>The server's certificate must be signed by one whom we trust, and be for <see cref="Host"/>.</summary>
        public bool Verify { get; init; } = true;

        /// <summary>Our own certificates are looked over before they are used.</summary>
        public bool SanityCheck { get; init; } = true;

        /// <summary>A GnuTLS priority string; null for the system's policy.</summary>
        public string? Priority { get; init; }

        public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
    }

    /// <summary>A host that an ssh program reaches.</summary>
    public sealed record Ssh(string Host, string DriverUri) : RpcEndpoint(DriverUri)
    {
        /// <summary>Null for what ssh's own configuration says.</summary>
        public int? Port { get; init; }

        /// <summary>Who we are there; null for what ssh's own configuration says.</summary>
        public string? User { get; init; }

        /// <summary>The ssh program: a name that is looked for in PATH and nowhere else, or a path.</summary>
        public string Command { get; init; } = "ssh";

        /// <summary>Our private key; null for what ssh's own configuration says.</summary>
        public string? KeyFile { get; init; }

        /// <summary>The host's key must be one that ssh knows.</summary>
        public bool Verify { get; init; } = true;

        /// <summary>ssh asks nobody for a password.</summary>
        public bool IsUnattended { get; init; }

        public RemoteProxy Proxy { get; init; }

        /// <summary>netcat's name or path there; null for "nc".</summary>
        public string? Netcat { get; init; }

        /// <summary>The daemon's socket there; null for the usual place.</summary>
        public string? Socket { get; init; }

        public override string ToString()
        {
            var host = Host.Contains(':', StringComparison.Ordinal) && Port is not null ? $"[{Host}]" : Host;
            return $"{(User is null ? "" : $"{User}@")}{host}{(Port is null ? "" : string.Create(CultureInfo.InvariantCulture, $":{Port}"))}";
        }
    }

    /// <summary>A unix socket's path.</summary>
    public sealed record Unix(string Path, string DriverUri) : RpcEndpoint(DriverUri)
    {
        public override string ToString() => Path;
    }
}
