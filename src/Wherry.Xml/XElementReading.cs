using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Reading and naming nodes of a domain document. Attribute values are trimmed nowhere: libvirt does not either.</summary>
internal static class XElementReading
{
    public static string? Get(this XElement element, string attribute) => (string?)element.Attribute(attribute);

    /// <summary>An attribute of the first child of that name.</summary>
    public static string? Get(this XElement element, string child, string attribute) => (string?)element.Element(child)?.Attribute(attribute);

    /// <summary>The text of the first child of that name; null when absent or empty, which libvirt treats alike.</summary>
    public static string? Text(this XElement element, string child) => element.Element(child)?.Value is { Length: > 0 } text ? text : null;

    public static string Required(this XElement element, string attribute) =>
        element.Get(attribute) ?? throw DomainXmlException.Invalid(
            $"Missing required attribute '{attribute}' in element '{element.Name.LocalName}'", element);

    public static XElement RequiredChild(this XElement element, string child) =>
        element.Element(child) ?? throw DomainXmlException.Invalid($"Missing required element '{child}' in element '{element.Name.LocalName}'", element);

    public static int? Int(this XElement? element, string attribute)
    {
        if (element?.Get(attribute) is not { } text)
            return null;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw InvalidValue(element, attribute, text);
    }

    /// <summary>A number that may be written in decimal or, with 0x, in hexadecimal.</summary>
    public static uint? Number(this XElement? element, string attribute)
    {
        if (element?.Get(attribute) is not { } text)
            return null;
        return TryParseNumber(text, out var value) && value <= uint.MaxValue ? (uint)value : throw InvalidValue(element, attribute, text);
    }

    public static ulong? BigNumber(this XElement? element, string attribute)
    {
        if (element?.Get(attribute) is not { } text)
            return null;
        return TryParseNumber(text, out var value) ? value : throw InvalidValue(element, attribute, text);
    }

    public static bool? YesNo(this XElement? element, string attribute) => element.Either(attribute, "yes", "no");

    public static bool? OnOff(this XElement? element, string attribute) => element.Either(attribute, "on", "off");

    public static bool TryParseNumber(string text, out ulong value) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    public static DomainXmlException InvalidValue(XElement element, string attribute, string value) =>
        DomainXmlException.Invalid($"Invalid value for attribute '{attribute}' in element '{element.Name.LocalName}': '{value}'.", element);

    /// <summary>The element's place, with a 1-based number only where siblings share its name.</summary>
    public static string Path(this XElement element)
    {
        var name = element.Name.Namespace == XNamespace.None
            ? element.Name.LocalName
            : $"{element.GetPrefixOfNamespace(element.Name.Namespace) ?? "*"}:{element.Name.LocalName}";
        if (element.Parent is not { } parent)
            return "/" + name;
        var siblings = parent.Elements(element.Name).Take(2).Count();
        return siblings < 2 ? $"{parent.Path()}/{name}" : $"{parent.Path()}/{name}[{element.ElementsBeforeSelf(element.Name).Count() + 1}]";
    }

    private static bool? Either(this XElement? element, string attribute, string yes, string no)
    {
        var text = element?.Get(attribute);
        if (text is null)
            return null;
        return text == yes ? true : text == no ? false : throw InvalidValue(element!, attribute, text);
    }
}
