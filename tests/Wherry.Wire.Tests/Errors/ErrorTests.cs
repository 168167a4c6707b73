using Wherry.Errors;
using Wherry.Wire.Frames;

namespace Wherry.Wire.Tests.Errors;

public sealed class ErrorTests
{
    [Theory]
    [InlineData(ErrorCode.NoDomain, "x", "Domain not found: x")]
    [InlineData(ErrorCode.OperationInvalid, "domain is not running", "Requested operation is not valid: domain is not running")]
    [InlineData(ErrorCode.SystemError, "open: No such file", "open: No such file")]
    [InlineData(ErrorCode.Rpc, "unknown procedure: 999", "unknown procedure: 999")]
    [InlineData(ErrorCode.UnknownHost, "nowhere", "unknown host nowhere")]
    [InlineData(ErrorCode.NoConnect, "xen:///", "no connection driver available for xen:///")]
    [InlineData(ErrorCode.DomExist, "web1", "domain web1 exists already")]
    [InlineData(ErrorCode.NoDomain, null, "Domain not found")]
    [InlineData(ErrorCode.XmlError, null, "XML description is invalid or not well formed")]
    [InlineData((ErrorCode)999, "of the future", "error 999: of the future")]
    public void An_error_reads_as_libvirts(ErrorCode code, string? detail, string text) => Assert.Equal(text, ErrorTexts.Compose(code, detail));

    [Fact]
    public void Every_code_has_words() => Assert.All(
        Enum.GetValues<ErrorCode>().Where(code => code != ErrorCode.Ok),
        code => Assert.DoesNotContain("error " + (int)code, ErrorTexts.Compose(code, "x"), StringComparison.Ordinal));

    [Fact]
    public void An_error_of_another_daemon_passes_through_word_for_word()
    {
        var first = new WherryException(ErrorCode.InternalError, "guest is on fire", ErrorDomain.Domain);

        var second = RemoteError.From(first).ToException();
        var third = RemoteError.From(second).ToException();

        Assert.Equal("internal error: guest is on fire", third.Message);
        Assert.Equal((ErrorCode.InternalError, ErrorDomain.Domain, "guest is on fire"), (third.Code, third.Domain, third.Detail));
    }

    [Fact]
    public void A_failed_system_call_keeps_its_errno()
    {
        var error = RemoteError.From(WherryException.FromErrno(2, "cannot open disk")).ToException();

        Assert.Equal("cannot open disk: No such file or directory", error.Message);
        Assert.Equal(2, error.Errno);
    }
}
