using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Wherry.Errors;
using Wherry.Rpc.Transports.Tls;

namespace Wherry.Rpc.Tests.Tls;

public class DistinguishedNameTests
{
    // The right-hand sides are what virt-pki-query-dn 9.0 prints of such certificates.
    [Theory]
    [InlineData("C=GB,ST=London,L=London,O=Red Hat,CN=host1")]
    [InlineData("C=GB,O=Red\\, \\\"Hat\\\",CN=client one,EMAIL=a@b,UID=u1,DC=x")]
    [InlineData("OU=Büro")]
    public void A_subject_reads_as_the_list_of_allowed_names_is_written(string expected)
    {
        var builder = new X500DistinguishedNameBuilder();
        foreach (var part in Split(expected).Reverse()) Add(builder, part);
        Assert.Equal(expected, DistinguishedName.Format(builder.Build()));
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("*", "CN=a", true)]
    [InlineData("CN=a", "CN=a", true)]
    [InlineData("CN=a", "CN=ab", false)]
    [InlineData("C=GB,*,CN=*", "C=GB,O=Example,CN=host1", true)]
    [InlineData("C=GB,*,CN=*", "C=GB,CN=host1", false)]
    [InlineData("CN=host?", "CN=host1", true)]
    [InlineData("CN=host?", "CN=host", false)]
    [InlineData("*CN=a*b", "CN=a,CN=ab", true)]
    [InlineData("[ab]", "a", false)]
    public void Patterns_match_as_libvirts_do(string pattern, string text, bool expected) => Assert.Equal(expected, Wildcard.Matches(pattern, text));

    [Fact]
    public void A_pattern_of_many_stars_is_matched_quickly() =>
        Assert.False(Wildcard.Matches(string.Concat(Enumerable.Repeat("*a", 200)) + "b", new string('a', 10_000)));

    [Theory]
    [InlineData(null, SslProtocols.None)]
    [InlineData("NORMAL", SslProtocols.None)]
    [InlineData("NORMAL:-VERS-TLS1.0:-VERS-TLS1.1", SslProtocols.Tls12 | SslProtocols.Tls13)]
    [InlineData("NORMAL:-VERS-ALL:+VERS-TLS1.3", SslProtocols.Tls13)]
    [InlineData("SECURE256:-VERS-TLS1.3", SslProtocols.Tls12)]
    public void A_priority_string_chooses_the_versions_of_TLS(string? priority, SslProtocols expected) =>
        Assert.Equal(expected, TlsPriority.Read(priority));

    [Fact]
    public void A_priority_string_that_leaves_no_version_is_refused() =>
        Assert.Equal(ErrorCode.ConfSyntax, Assert.Throws<WherryException>(() => TlsPriority.Read("NORMAL:-VERS-ALL:+VERS-TLS1.0")).Code);

    private static IEnumerable<string> Split(string name) => name.Replace("\\,", "\u0001", StringComparison.Ordinal).Split(',')
        .Select(part => part.Replace('\u0001', ',').Replace("\\", "", StringComparison.Ordinal));

    private static void Add(X500DistinguishedNameBuilder builder, string part)
    {
        var (key, value) = part.Split('=', 2) is [var k, var v] ? (k, v) : throw new ArgumentException(part);
        switch (key)
        {
            case "EMAIL": builder.AddEmailAddress(value); break;
            case "DC": builder.AddDomainComponent(value); break;
            case "UID": builder.Add("0.9.2342.19200300.100.1.1", value); break;
            case "C": builder.AddCountryOrRegion(value); break;
            case "ST": builder.AddStateOrProvinceName(value); break;
            case "L": builder.AddLocalityName(value); break;
            case "O": builder.AddOrganizationName(value); break;
            case "OU": builder.AddOrganizationalUnitName(value); break;
            default: builder.AddCommonName(value); break;
        }
    }
}
