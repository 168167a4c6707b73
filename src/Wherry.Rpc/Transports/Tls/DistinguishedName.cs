using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>
/// A certificate's subject as text, in the form that <c>tls_allowed_dn_list</c> is written in and <c>virt-pki-query-dn</c> prints:
/// "C=GB,L=London,O=Example,CN=host1". The order is the certificate's own, which RFC 4514 would reverse.
/// Source: gnutls_x509_crt_get_dn, compared with virt-pki-query-dn 9.0.
/// </summary>
internal static class DistinguishedName
{
    /// <summary>Attributes with a name of their own; any other is written as its number and its bytes.</summary>
    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        ["2.5.4.3"] = "CN",
        ["2.5.4.4"] = "surName",
        ["2.5.4.5"] = "serialNumber",
        ["2.5.4.6"] = "C",
        ["2.5.4.7"] = "L",
        ["2.5.4.8"] = "ST",
        ["2.5.4.9"] = "street",
        ["2.5.4.10"] = "O",
        ["2.5.4.11"] = "OU",
        ["2.5.4.12"] = "title",
        ["2.5.4.42"] = "givenName",
        ["0.9.2342.19200300.100.1.1"] = "UID",
        ["0.9.2342.19200300.100.1.25"] = "DC",
        ["1.2.840.113549.1.9.1"] = "EMAIL",
    };

    public static string Format(X500DistinguishedName name)
    {
        var text = new StringBuilder();
        foreach (var part in Attributes(name))
        {
            if (text.Length > 0) text.Append(part.StartsPart ? ',' : '+');
            text.Append(Names.GetValueOrDefault(part.Oid, part.Oid)).Append('=');
            if (part.Text is { } value) AppendEscaped(text, value);
            else text.Append('#').Append(Convert.ToHexStringLower(part.Encoded.Span));
        }

        return text.ToString();
    }

    private static IEnumerable<(string Oid, string? Text, ReadOnlyMemory<byte> Encoded, bool StartsPart)> Attributes(X500DistinguishedName name)
    {
        // RDNSequence ::= SEQUENCE OF SET OF SEQUENCE { type OID, value ANY }
        var sequence = new AsnReader(name.RawData, AsnEncodingRules.BER).ReadSequence();
        while (sequence.HasData)
        {
            var startsPart = true;
            for (var set = sequence.ReadSetOf(skipSortOrderValidation: true); set.HasData; startsPart = false)
            {
                var attribute = set.ReadSequence();
                var oid = attribute.ReadObjectIdentifier();
                var encoded = attribute.ReadEncodedValue();
                yield return (oid, Names.ContainsKey(oid) ? ReadText(encoded) : null, encoded, startsPart);
            }
        }
    }

    private static string? ReadText(ReadOnlyMemory<byte> encoded)
    {
        var reader = new AsnReader(encoded, AsnEncodingRules.BER);
        var tag = reader.PeekTag();
        if (tag.TagClass != TagClass.Universal) return null;
        var type = (UniversalTagNumber)tag.TagValue;
        return type is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String
            or UniversalTagNumber.BMPString or UniversalTagNumber.T61String or UniversalTagNumber.NumericString
            ? reader.ReadCharacterString(type)
            : null;
    }

    /// <summary>RFC 4514, 2.4.</summary>
    private static void AppendEscaped(StringBuilder text, string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            var needsEscape = value[i] is ',' or '+' or '"' or '\\' or '<' or '>' or ';'
                || (i == 0 && value[i] is ' ' or '#')
                || (i == value.Length - 1 && value[i] == ' ');
            if (needsEscape) text.Append('\\');
            text.Append(value[i]);
        }
    }
}
