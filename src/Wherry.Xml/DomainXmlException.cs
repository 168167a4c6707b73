using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>Domain XML that cannot be accepted. <see cref="Path"/> says where, in the form <c>/domain/devices/disk[2]/@type</c>.</summary>
public sealed class DomainXmlException : WherryException
{
    private DomainXmlException(ErrorCode code, string detail, string? path, Exception? inner = null, ErrorDomain domain = ErrorDomain.Domain)
        : base(code, detail, domain, inner) => Path = path;

    public string? Path { get; }

    /// <summary>Not XML at all, or XML beyond our limits.</summary>
    internal static DomainXmlException NotWellFormed(string detail, Exception? inner = null) => new(ErrorCode.XmlDetail, detail, "/", inner);

    /// <summary>XML of something else. libvirt's XML reader says that, not its reader of domains.</summary>
    internal static DomainXmlException WrongRoot(string expected, string found) =>
        new(ErrorCode.XmlError, $"expecting root element of '{expected}', not '{found}'", "/", domain: ErrorDomain.Xml);

    /// <summary>Something the schema of libvirt's domain XML does not allow.</summary>
    internal static DomainXmlException Invalid(string detail, XElement? at = null) => new(ErrorCode.XmlError, detail, at?.Path());

    /// <summary>Valid, but it would change the guest in a way this daemon cannot bring about; or QEMU cannot.</summary>
    internal static DomainXmlException Unsupported(string detail, XElement? at = null) => new(ErrorCode.ConfigUnsupported, detail, at?.Path());

    /// <summary>As <see cref="Unsupported(string, XElement?)"/>, for one element or attribute whose path is the message.</summary>
    internal static DomainXmlException NotImplemented(string path, string what) =>
        new(ErrorCode.ConfigUnsupported, $"{path}: {what} is not supported by this daemon", path);

    /// <summary>As <see cref="Unsupported(string, XElement?)"/>, where it is libvirt's QEMU driver that refuses.</summary>
    internal static DomainXmlException UnsupportedByQemu(string detail) => new(ErrorCode.ConfigUnsupported, detail, null, domain: ErrorDomain.Qemu);

    internal static DomainXmlException Overflow(string detail, XElement? at = null) => new(ErrorCode.Overflow, detail, at?.Path());

    internal static DomainXmlException InvalidArgument(string detail, XElement? at = null) => new(ErrorCode.InvalidArg, detail, at?.Path());

    internal static DomainXmlException Of(ErrorCode code, string detail, XElement? at = null) => new(code, detail, at?.Path());

    /// <summary>An error whose code says it all.</summary>
    internal static DomainXmlException Of(ErrorCode code, XElement? at = null) => new(code, null!, at?.Path()); // null: no detail

    internal static DomainXmlException Internal(string detail, XElement? at = null) => new(ErrorCode.InternalError, detail, at?.Path());
}
