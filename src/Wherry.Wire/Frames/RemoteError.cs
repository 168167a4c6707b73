using Wherry.Errors;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Frames;

/// <summary>The payload of a reply with <see cref="MessageStatus.Error"/>, in every program (<c>remote_error</c>).</summary>
/// <param name="Message">The whole text that the client prints.</param>
/// <param name="Dom">Never set by libvirt since 0.8; kept because it is on the wire.</param>
/// <param name="Str1">The pattern behind the message: "Domain not found: %s".</param>
/// <param name="Str2">The detail that stands for %s.</param>
/// <param name="Int1">errno of a system error, otherwise -1.</param>
[XdrStruct]
public readonly partial record struct RemoteError(
    ErrorCode Code,
    ErrorDomain Domain,
    string? Message,
    ErrorLevel Level,
    NonnullDomain? Dom,
    string? Str1,
    string? Str2,
    string? Str3,
    int Int1,
    int Int2,
    NonnullNetwork? Net)
{
    /// <summary>What libvirt would send for this error.</summary>
    public static RemoteError From(WherryException error) => new(
        error.Code,
        error.Domain,
        error.Message,
        error.Level,
        Dom: null,
        Str1: error.RefusingFunction ?? ErrorTexts.Pattern(error.Code, error.Detail is not null),
        Str2: error.Detail,
        Str3: null,
        Int1: error.RefusingFunction is null ? error.Errno : 0,
        Int2: error.RefusingFunction is null ? -1 : 0,
        Net: null);

    /// <summary>The same error on the calling side.</summary>
    public WherryException ToException() => WherryException.FromPeer(Code, Domain, Level, Message, Str2, Int1);
}
