namespace Wherry.Rpc.Transports.Tls;

/// <summary>Where the PEM files of one end are. Names and places are libvirt's, which administrators' tools already fill.</summary>
/// <param name="CaCertificates">Who may have signed the other end's certificate; up to 16 certificates in one file.</param>
/// <param name="RevocationList">Need not exist.</param>
/// <param name="Certificate">Our own, followed by intermediate ones. A client may do without, a server may not.</param>
/// <param name="Key">The key of that certificate, without a passphrase.</param>
public sealed record TlsFiles(string CaCertificates, string RevocationList, string Certificate, string Key)
{
    /// <summary>
    /// The system's layout: CA/cacert.pem, CA/cacrl.pem, libvirt/servercert.pem and libvirt/private/serverkey.pem under
    /// <paramref name="root"/>, which is usually /etc/pki.
    /// </summary>
    public static TlsFiles InSystemLayout(string root, TlsRole role) => new(
        Path.Combine(root, "CA", "cacert.pem"),
        Path.Combine(root, "CA", "cacrl.pem"),
        Path.Combine(root, "libvirt", $"{Prefix(role)}cert.pem"),
        Path.Combine(root, "libvirt", "private", $"{Prefix(role)}key.pem"));

    /// <summary>A user's layout (~/.pki/libvirt, and a URI's <c>pkipath</c>): all in one directory.</summary>
    public static TlsFiles InOneDirectory(string directory, TlsRole role) => new(
        Path.Combine(directory, "cacert.pem"),
        Path.Combine(directory, "cacrl.pem"),
        Path.Combine(directory, $"{Prefix(role)}cert.pem"),
        Path.Combine(directory, $"{Prefix(role)}key.pem"));

    /// <summary>
    /// What libvirt takes when nothing is configured: a user's own files as far as they exist, certificate and key only together, and the
    /// system's otherwise.
    /// </summary>
    /// <param name="home">A plain user's home directory; null for root, who has the system's only.</param>
    public static TlsFiles Usual(string systemRoot, string? home, TlsRole role)
    {
        var system = InSystemLayout(systemRoot, role);
        if (home is null) return system;
        var user = InOneDirectory(Path.Combine(home, ".pki", "libvirt"), role);
        var hasPair = File.Exists(user.Certificate) && File.Exists(user.Key);
        return new TlsFiles(
            File.Exists(user.CaCertificates) ? user.CaCertificates : system.CaCertificates,
            File.Exists(user.RevocationList) ? user.RevocationList : system.RevocationList,
            hasPair ? user.Certificate : system.Certificate,
            hasPair ? user.Key : system.Key);
    }

    private static string Prefix(TlsRole role) => role == TlsRole.Server ? "server" : "client";
}

/// <summary>Which end of a TLS connection.</summary>
public enum TlsRole
{
    Server,
    Client,
}
