using System.Globalization;

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
    /// <exception cref="WherryException">InvalidArg or ArgumentUnsupported naming the URI, as libvirt.</exception>
    public static MigrationUri Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            throw new WherryException(ErrorCode.InvalidArg, $"missing scheme in migration URI: {text}");

        var scheme = text[..colon];
        var rest = text[(colon + 1)..];
        var wellFormed = rest.StartsWith("//", StringComparison.Ordinal);
        if (wellFormed)
            rest = rest[2..];

        return scheme switch
        {
            "unix" => new MigrationUri("unix", "", 0, SocketPath(rest, text), wellFormed),
            "tcp" => ParseTcp(rest.TrimEnd('/'), text, wellFormed),
            _ => throw new WherryException(ErrorCode.ArgumentUnsupported, $"unsupported scheme {scheme} in migration URI {text}"),
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

    private static string SocketPath(string path, string text) =>
        path.StartsWith('/') ? path : throw new WherryException(ErrorCode.InvalidArg, $"missing socket path in migration URI: {text}");

    private static MigrationUri ParseTcp(string authority, string text, bool wellFormed)
    {
        string host;
        string portText;
        if (authority.StartsWith('['))
        {
            var end = authority.IndexOf(']', StringComparison.Ordinal);
            if (end < 0)
                throw new WherryException(ErrorCode.InvalidArg, $"unable to parse URI: {text}");

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
            throw new WherryException(ErrorCode.InvalidArg, $"missing host in migration URI: {text}");

        ushort port = 0;
        if (portText.Length > 0 && (!ushort.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port == 0))
            throw new WherryException(ErrorCode.InvalidArg, $"invalid port '{portText}' in migration URI: {text}");

        return new MigrationUri("tcp", host, port, "", wellFormed);
    }
}
