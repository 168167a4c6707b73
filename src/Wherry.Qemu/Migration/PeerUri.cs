namespace Wherry.Qemu.Migration;

/// <summary>What is to be known of another daemon's URI before it is dialled.</summary>
internal static class PeerUri
{
    /// <summary>
    /// Whether a daemon may name itself by this. Such a URI comes from the other host and is dialled as root: it must not choose a program, as
    /// qemu+ssh does, nor our certificates. Those are for the caller's URI, who may do as much here anyway.
    /// </summary>
    public static bool MayComeFromPeer(string uri) => Uri.TryCreate(uri, UriKind.Absolute, out var parsed) && parsed.UserInfo.Length == 0 && parsed.Fragment.Length == 0
        && parsed.Scheme switch
        {
            "qemu+tcp" or "qemu+tls" => parsed.Host.Length > 0 && parsed.Query.Length == 0,
            "qemu+unix" => parsed.Host.Length == 0 && parsed.Query.StartsWith("?socket=", StringComparison.Ordinal) && !parsed.Query.Contains('&', StringComparison.Ordinal),
            _ => false,
        };

    /// <summary>How long to wait for an answer there: a login takes longer than a connection.</summary>
    /// <param name="uri">Whom.</param>
    /// <param name="connection">How long over TCP.</param>
    public static TimeSpan Patience(string uri, TimeSpan connection) => uri.Contains("+ssh:", StringComparison.OrdinalIgnoreCase) ? 5 * connection : connection;
}
