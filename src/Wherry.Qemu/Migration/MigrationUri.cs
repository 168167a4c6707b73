using System.Globalization;
using System.Net;

namespace Wherry.Qemu.Migration;

/// <summary>
/// Where the memory stream goes: <c>tcp:HOST:PORT</c> (libvirt's historical spelling without slashes), <c>tcp://HOST[:PORT]</c>
/// or <c>unix:///path</c>.
/// </summary>
/// <param name="Scheme"><c>tcp</c> or <c>unix</c>.</param>
/// <param name="Host">Host name or address without brackets; empty for unix.</param>
/// <param name="Port">TCP port; 0 when the destination chooses it.</param>
/// <param name="Path">Socket path for unix, otherwise empty.</param>
/// <param name="WellFormed">True for the spelling with slashes: the answer keeps the caller's spelling.</param>
public sealed record MigrationUri(string Scheme, string Host, int Port, string Path, bool WellFormed)
{
    /// <summary>Whether it leads whoever dials it to himself.</summary>
    public bool IsOfDialer => Scheme == "unix" || IsLocalHost(Host);

    /// <exception cref="WherryException">InvalidArg or ArgumentUnsupported naming the URI, as libvirt.</exception>
    public static MigrationUri Parse(string text) => Parse(text, "migration URI", ErrorCode.ArgumentUnsupported);

    /// <summary>The parameter <c>disks_uri</c>, which is written in the same way.</summary>
    /// <exception cref="WherryException">InvalidArg naming the URI, as libvirt.</exception>
    public static MigrationUri ParseDisks(string text) => Parse(text, "disks URI", ErrorCode.InvalidArg);

    /// <summary>Without the brackets that an IPv6 address has in a URI, and may have where there is no need for them.</summary>
    public static string Unbracketed(string host) => host is ['[', .. var address, ']'] && address.Contains(':', StringComparison.Ordinal) ? address : host;

    /// <summary>By its name, or as an address of the loopback interface or of no host in particular, which dials the same.</summary>
    public static bool IsLocalHost(string host)
    {
        if (!IPAddress.TryParse(host, out var address))
            return host.StartsWith("localhost", StringComparison.OrdinalIgnoreCase);

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
    }

    private static MigrationUri Parse(string text, string what, ErrorCode unsupported)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            throw new WherryException(ErrorCode.InvalidArg, $"missing scheme in {what}: {text}");

        var scheme = text[..colon];
        var rest = text[(colon + 1)..];
        var wellFormed = rest.StartsWith("//", StringComparison.Ordinal);
        if (wellFormed)
            rest = rest[2..];

        return scheme switch
        {
            "unix" => new MigrationUri("unix", "", 0, SocketPath(rest, text, what), wellFormed),
            "tcp" => ParseTcp(rest.TrimEnd('/'), text, what, wellFormed),
            _ => throw new WherryException(unsupported, $"unsupported scheme {scheme} in {what} {text}"),
        };
    }

    /// <summary>The same URI with the port filled in, in the caller's spelling.</summary>
    public MigrationUri WithPort(int port) => this with { Port = port };

    /// <summary>The spelling that QEMU's own commands take.</summary>
    public string ToQemu() => Scheme == "unix" ? $"unix:{Path}" : (this with { WellFormed = false }).ToString();

    public override string ToString()
    {
        if (Scheme == "unix")
            return "unix://" + Path;

        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        var port = Port == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $":{Port}");
        return $"tcp:{(WellFormed ? "//" : "")}{host}{port}";
    }

    private static string SocketPath(string path, string text, string what) =>
        path.StartsWith('/') ? path : throw new WherryException(ErrorCode.InvalidArg, $"missing socket path in {what}: {text}");

    private static MigrationUri ParseTcp(string authority, string text, string what, bool wellFormed)
    {
        string host;
        string portText;
        if (authority.StartsWith('['))
        {
            var end = authority.IndexOf(']', StringComparison.Ordinal);
            if (end < 0)
                throw new WherryException(ErrorCode.InvalidArg, $"unable to parse {what}: {text}");

            host = authority[1..end];
            portText = authority[(end + 1)..].TrimStart(':');
        }
        else
        {
            var colon = authority.LastIndexOf(':');
            host = colon < 0 ? authority : authority[..colon];
            portText = colon < 0 ? "" : authority[(colon + 1)..];
        }

        if (host.Length == 0)
            throw new WherryException(ErrorCode.InvalidArg, $"missing host in {what}: {text}");

        ushort port = 0;
        if (portText.Length > 0 && (!ushort.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port == 0))
            throw new WherryException(ErrorCode.InvalidArg, $"invalid port '{portText}' in {what}: {text}");

        return new MigrationUri("tcp", host, port, "", wellFormed);
    }
}
