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
