namespace Wherry.Rpc;

/// <summary>Who is at the other end of a connection, as the kernel and TLS tell it.</summary>
/// <param name="Address">
/// In libvirt's words: "127.0.0.1:0" for any unix socket (as virt-admin prints it), "192.0.2.7:41872" or "[2001:db8::1]:41872" for TCP.
/// </param>
/// <param name="Pid">Process id, from SO_PEERCRED when the peer connected; null over TCP.</param>
/// <param name="Uid">Effective user id at that moment; null over TCP.</param>
/// <param name="Gid">Effective group id at that moment; null over TCP.</param>
public sealed record PeerIdentity(string Address, int? Pid = null, uint? Uid = null, uint? Gid = null)
{
    public bool IsLocal => Pid is not null;

    /// <summary>Over TLS.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>
    /// The subject of the certificate that the peer showed, as <c>tls_allowed_dn_list</c> has it: "C=GB,O=Example,CN=host1". Null when it
    /// showed none.
    /// </summary>
    public string? CertificateName { get; init; }

    public override string ToString() =>
        IsLocal ? $"pid {Pid} uid {Uid} gid {Gid}" : CertificateName is null ? Address : $"{Address} '{CertificateName}'";
}
