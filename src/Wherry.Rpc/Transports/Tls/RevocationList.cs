using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>
/// Certificate revocation lists from a file (<c>crl_file</c>): the serial numbers that each issuer has taken back. The file is trusted as it
/// is, like the CA's beside it. .NET can make such lists but not ask them; hence the few lines of ASN.1. Source: RFC 5280, 5.1.
/// </summary>
internal sealed class RevocationList
{
    private readonly HashSet<(string Issuer, string Serial)> _revoked = [];

    private RevocationList()
    {
    }

    public static RevocationList Empty { get; } = new();

    /// <param name="pem">One list or several.</param>
    /// <exception cref="CryptographicException">There is none, or one is not a revocation list.</exception>
    public static RevocationList Parse(string pem)
    {
        var lists = new RevocationList();
        var found = false;
        var rest = pem.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label] is "X509 CRL")
            {
                found = true;
                lists.Add(Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            }

            rest = rest[fields.Location.End..];
        }

        return found ? lists : throw new CryptographicException("no X509 CRL in the file");
    }

    public bool Contains(X509Certificate2 certificate) =>
        _revoked.Contains((Convert.ToHexString(certificate.IssuerName.RawData), Number(certificate.SerialNumberBytes.Span)));

    private void Add(byte[] encoded)
    {
        try
        {
            // CertificateList ::= SEQUENCE { tbsCertList SEQUENCE { version? algorithm issuer thisUpdate nextUpdate? revoked? [0]? } ... }
            var list = new AsnReader(encoded, AsnEncodingRules.DER).ReadSequence().ReadSequence();
            if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer)) list.ReadInteger();
            list.ReadSequence();
            var issuer = Convert.ToHexString(list.ReadEncodedValue().Span);
            while (list.HasData && list.PeekTag() is { TagClass: TagClass.Universal, TagValue: (int)UniversalTagNumber.UtcTime or (int)UniversalTagNumber.GeneralizedTime })
                list.ReadEncodedValue();
            if (!list.HasData || !list.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence)) return;
            for (var revoked = list.ReadSequence(); revoked.HasData;)
                _revoked.Add((issuer, Number(revoked.ReadSequence().ReadIntegerBytes().Span)));
        }
        catch (AsnContentException e)
        {
            throw new CryptographicException("not a certificate revocation list", e);
        }
    }

    /// <summary>Without leading zeros: a positive number may or may not have one.</summary>
    private static string Number(ReadOnlySpan<byte> bigEndian) => Convert.ToHexString(bigEndian.TrimStart((byte)0));
}
