using Wherry.Errors;
using Wherry.Qemu.Migration;

namespace Wherry.Qemu.Tests.Migration;

public sealed class MigrationUriTests
{
    [Theory]
    [InlineData("tcp:bravo:49152", "bravo", 49152)]
    [InlineData("tcp:bravo", "bravo", 0)]
    [InlineData("tcp://bravo", "bravo", 0)]
    [InlineData("tcp://10.0.0.1/", "10.0.0.1", 0)]
    [InlineData("tcp:[::1]:7", "::1", 7)]
    [InlineData("tcp://[fe80::1]", "fe80::1", 0)]
    public void Both_spellings_are_read(string text, string host, int port)
    {
        var uri = MigrationUri.Parse(text);

        Assert.Equal((host, port), (uri.Host, uri.Port));
    }

    [Theory]
    [InlineData("tcp:bravo", "tcp:bravo:49152")]
    [InlineData("tcp://bravo", "tcp://bravo:49152")]
    [InlineData("tcp://[fe80::1]", "tcp://[fe80::1]:49152")]
    public void A_chosen_port_keeps_the_callers_spelling(string text, string expected) =>
        Assert.Equal(expected, MigrationUri.Parse(text).WithPort(49152).ToString());

    /// <summary>libvirt's own two readers differ in the code.</summary>
    [Theory]
    [InlineData("bravo", ErrorCode.InvalidArg, "missing scheme in disks URI")]
    [InlineData("rdma://bravo", ErrorCode.InvalidArg, "unsupported scheme rdma in disks URI")]
    [InlineData("tcp://:5", ErrorCode.InvalidArg, "missing host in disks URI")]
    [InlineData("tcp://[::1", ErrorCode.InvalidArg, "unable to parse disks URI")]
    [InlineData("tcp://bravo:70000", ErrorCode.InvalidArg, "invalid port '70000' in disks URI")]
    [InlineData("unix:relative", ErrorCode.InvalidArg, "missing socket path in disks URI")]
    public void A_bad_disks_uri_is_refused_as_what_it_is(string text, ErrorCode code, string expected)
    {
        var error = Assert.Throws<WherryException>(() => MigrationUri.ParseDisks(text));

        Assert.Equal(code, error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp:127.0.0.1:7", true)]
    [InlineData("tcp://127.8.9.10", true)]
    [InlineData("tcp:localhost:7", true)]
    [InlineData("tcp:LocalHost.localdomain:7", true)]
    [InlineData("tcp:[::1]:7", true)]
    [InlineData("tcp:[::ffff:127.0.0.2]:7", true)]
    [InlineData("tcp:0.0.0.0:7", true)]
    [InlineData("tcp:[::]:7", true)]
    [InlineData("unix:///run/bravo.sock", true)]
    [InlineData("tcp:bravo:7", false)]
    [InlineData("tcp:10.0.0.1:7", false)]
    [InlineData("tcp:[fd71::2]:7", false)]
    public void One_that_leads_its_dialer_to_himself_is_known(string text, bool expected) => Assert.Equal(expected, MigrationUri.Parse(text).IsOfDialer);

    [Theory]
    [InlineData("[fd71::2]", "fd71::2", "tcp:[fd71::2]:7")]
    [InlineData("fd71::2", "fd71::2", "tcp:[fd71::2]:7")]
    [InlineData("bravo", "bravo", "tcp:bravo:7")]
    [InlineData("[bravo]", "[bravo]", "tcp:[bravo]:7")] // no address: whoever dials it says so
    public void Brackets_belong_to_the_uri_and_not_to_the_address(string configured, string host, string uri)
    {
        Assert.Equal(host, MigrationUri.Unbracketed(configured));
        Assert.Equal(uri, new MigrationUri("tcp", MigrationUri.Unbracketed(configured), 7, "", WellFormed: false).ToString());
    }

    [Theory]
    [InlineData("bravo", ErrorCode.InvalidArg, "missing scheme")]
    [InlineData("rdma://bravo", ErrorCode.ArgumentUnsupported, "unsupported scheme rdma")]
    [InlineData("tcp://:5", ErrorCode.InvalidArg, "missing host")]
    [InlineData("tcp://bravo:0", ErrorCode.InvalidArg, "invalid port '0'")]
    [InlineData("tcp://bravo:70000", ErrorCode.InvalidArg, "invalid port '70000'")]
    [InlineData("unix:relative", ErrorCode.InvalidArg, "missing socket path")]
    public void Bad_uris_are_refused_by_name(string text, ErrorCode code, string expected)
    {
        var error = Assert.Throws<WherryException>(() => MigrationUri.Parse(text));

        Assert.Equal(code, error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }
}
