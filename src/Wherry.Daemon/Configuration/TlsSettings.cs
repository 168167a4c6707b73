using System.Collections.Immutable;
using Wherry.Rpc.Transports.Tls;

namespace Wherry.Daemon.Configuration;

/// <summary>The TLS part of libvirtd.conf. Paths are as given there, relative ones from the file's own directory; null: not given.</summary>
internal sealed record TlsSettings
{
    /// <summary><c>key_file</c>.</summary>
    public string? Key { get; init; }

    /// <summary><c>cert_file</c>.</summary>
    public string? Certificate { get; init; }

    /// <summary><c>ca_file</c>.</summary>
    public string? CaCertificates { get; init; }

    /// <summary><c>crl_file</c>.</summary>
    public string? RevocationList { get; init; }

    /// <summary><c>tls_no_sanity_certificate</c>: certificates are not looked over at the start.</summary>
    public bool SanityCheck { get; init; } = true;

    /// <summary><c>tls_no_verify_certificate</c>: whoever connects is served, whatever certificate it shows.</summary>
    public bool VerifyClient { get; init; } = true;

    /// <summary><c>tls_allowed_dn_list</c>; null: any name, empty: none.</summary>
    public ImmutableArray<string>? AllowedNames { get; init; }

    /// <summary><c>tls_priority</c>, a GnuTLS priority string of which the versions of TLS count.</summary>
    public string? Priority { get; init; }

    public static TlsSettings Read(ConfFile conf) => new()
    {
        Key = ReadPath(conf, "key_file"),
        Certificate = ReadPath(conf, "cert_file"),
        CaCertificates = ReadPath(conf, "ca_file"),
        RevocationList = ReadPath(conf, "crl_file"),
        SanityCheck = conf.Switch("tls_no_sanity_certificate") != true,
        VerifyClient = conf.Switch("tls_no_verify_certificate") != true,
        AllowedNames = conf.List("tls_allowed_dn_list"),
        Priority = conf.Text("tls_priority"),
    };

    /// <summary>The configured files, and the usual ones for what is not configured.</summary>
    public TlsFiles Over(TlsFiles usual) => new(
        CaCertificates ?? usual.CaCertificates, RevocationList ?? usual.RevocationList, Certificate ?? usual.Certificate, Key ?? usual.Key);

    private static string? ReadPath(ConfFile conf, string key) =>
        conf.Text(key) is { Length: > 0 } path ? Path.GetFullPath(path, Path.GetDirectoryName(Path.GetFullPath(conf.Name))!) : null;
}
