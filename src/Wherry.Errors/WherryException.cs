using System.Runtime.InteropServices;

namespace Wherry.Errors;

/// <summary>
/// An expected failure, told to the caller with libvirt's code and words. Thrown where it is known, translated once, in the
/// dispatcher, to the <c>remote_error</c> of the reply.
/// </summary>
/// <remarks>
/// <see cref="Exception.Message"/> is always the whole text that a client prints; <see cref="Detail"/> is our part of it. Keeping
/// both is what lets an error of another daemon pass through us without its prefix being added twice.
/// </remarks>
public class WherryException : Exception
{
    /// <param name="code">Decides the fixed words in front; see <see cref="ErrorTexts"/>.</param>
    /// <param name="detail">A short sentence naming the object and the numbers, without those words.</param>
    public WherryException(ErrorCode code, string detail, ErrorDomain domain = ErrorDomain.Qemu, Exception? inner = null)
        : this(code, domain, ErrorTexts.Compose(code, detail), detail, inner)
    {
    }

    /// <param name="message">The whole text, the code's fixed words included.</param>
    protected WherryException(ErrorCode code, ErrorDomain domain, string message, string? detail, Exception? inner)
        : base(message, inner)
    {
        Code = code;
        Domain = domain;
        Detail = detail;
    }

    public ErrorCode Code { get; }

    public ErrorDomain Domain { get; }

    public ErrorLevel Level { get; init; } = ErrorLevel.Error;

    /// <summary>The message without the code's fixed words; null when a peer sent none.</summary>
    public string? Detail { get; }

    /// <summary>errno for <see cref="ErrorCode.SystemError"/> (libvirt's <c>int1</c>), otherwise -1 as in libvirt.</summary>
    public int Errno { get; init; } = -1;

    /// <summary>libvirt's function that refused an argument, <see cref="Detail"/> being the argument's name; null for all other errors.
    /// These two travel in the places of pattern and detail.</summary>
    public string? RefusingFunction { get; private init; }

    /// <summary>An argument that no caller may give. Unlike <see cref="ErrorCode.InvalidArg"/> with a detail it has no fixed words in front.</summary>
    /// <param name="message">The whole text; names the function.</param>
    public static WherryException RefusedArgument(string function, string argument, string message, ErrorDomain domain = ErrorDomain.Qemu) =>
        new(ErrorCode.InvalidArg, domain, message, argument, inner: null) { RefusingFunction = function };

    /// <summary>A failed system call: "what: the system's words for errno".</summary>
    public static WherryException FromErrno(int errno, string what, ErrorDomain domain = ErrorDomain.Qemu) =>
        new(ErrorCode.SystemError, $"{what}: {Marshal.GetPInvokeErrorMessage(errno)}", domain) { Errno = errno };

    /// <summary>An error that another daemon reported: its message is already complete and is kept word for word.</summary>
    public static WherryException FromPeer(ErrorCode code, ErrorDomain domain, ErrorLevel level, string? message, string? detail, int errno = -1) =>
        new(code, domain, message ?? ErrorTexts.Compose(code, detail: null), detail, inner: null) { Level = level, Errno = errno };
}
