using System.Security.Authentication;
using Wherry.Errors;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>
/// The part of a GnuTLS priority string (<c>tls_priority</c>, <c>?tls_priority=</c>) that .NET can follow: which versions of TLS. Ciphers and
/// groups are the system's OpenSSL policy here.
/// </summary>
internal static class TlsPriority
{
    private static readonly (string Name, SslProtocols Protocol)[] Versions =
        [("VERS-TLS1.2", SslProtocols.Tls12), ("VERS-TLS1.3", SslProtocols.Tls13)];

    /// <returns><see cref="SslProtocols.None"/>, the system's choice, when the text says nothing of versions.</returns>
    /// <exception cref="WherryException">CONF_SYNTAX: it leaves no version that we have.</exception>
    public static SslProtocols Read(string? priority)
    {
        var allowed = SslProtocols.Tls12 | SslProtocols.Tls13;
        var mentioned = false;
        foreach (var token in (priority ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (adds, name) = token[0] switch { '+' => (true, token[1..]), '-' or '!' => (false, token[1..]), _ => (true, token) };
            if (!name.StartsWith("VERS-", StringComparison.Ordinal)) continue;
            mentioned = true;
            var versions = name is "VERS-ALL" or "VERS-TLS-ALL"
                ? SslProtocols.Tls12 | SslProtocols.Tls13
                : Versions.FirstOrDefault(version => version.Name == name).Protocol; // older ones are never spoken, so naming them changes nothing
            allowed = adds ? allowed | versions : allowed & ~versions;
        }

        if (allowed == SslProtocols.None)
            throw new WherryException(ErrorCode.ConfSyntax, $"tls_priority: '{priority}' leaves neither TLS 1.2 nor TLS 1.3", ErrorDomain.Rpc);
        return mentioned ? allowed : SslProtocols.None;
    }
}
