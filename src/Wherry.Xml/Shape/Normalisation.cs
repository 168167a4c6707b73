using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Rewrites a domain element into the form libvirt gives it: known attributes and children only, in libvirt's order, values in
/// canonical spelling. Idempotent, so it also puts elements that completion has added into their place.
/// </summary>
internal static class Normalisation
{
    /// <exception cref="DomainXmlException">A value that is not allowed there, or something that <see cref="Verdict.Refused"/> says cannot be done.</exception>
    public static XElement Normalise(XElement element, ElementShape shape) =>
        Rewrite(element, shape) ?? new XElement(shape.Name);

    private static XElement? Rewrite(XElement element, ElementShape shape)
    {
        if (shape.Verdict == Verdict.Refused)
            throw DomainXmlException.NotImplemented(element.Path(), $"<{element.Name.LocalName}>");
        if (shape.Verbatim)
            return new XElement(element);
        if (shape.Custom is { } custom)
            return custom(element);

        var result = new XElement(shape.Name);
        foreach (var attribute in shape.Attributes)
            Rewrite(element, attribute, result);
        if (shape.TextRule is { } rule && element.Value is { Length: > 0 } text)
        {
            var value = rule(text) ?? throw DomainXmlException.Invalid(Complaint(element, text), element);
            if (value.Length > 0)
                result.Add(new XText(value));
        }

        foreach (var child in shape.Children)
        {
            var found = element.Elements(child.Name);
            foreach (var one in child.Repeats ? found : found.Take(1))
                result.Add(Rewrite(one, child));
        }

        return shape.DropWhenEmpty && !result.HasAttributes && result.IsEmpty ? null : result;
    }

    private static string Complaint(XElement element, string text) => element.Name.LocalName switch
    {
        "vcpu" => "maximum vcpus count must be an integer",
        "iothreads" => $"invalid iothreads count '{text}'",
        var field when element.Parent?.Name == "iotune" => $"disk iotune field '{field}' must be an integer",
        var value when element.Parent?.Name == "cputune" => $"can't parse cputune {value.Replace('_', ' ')} value",
        var name => $"Invalid value '{text}' for element '{name}'",
    };

    private static DomainXmlException Invalid(XElement element, AttributeShape shape, string text) => shape.Complaint is { } complaint
        ? DomainXmlException.Unsupported(complaint.Replace("{0}", text, StringComparison.Ordinal), element)
        : shape.Rule == Values.Nonzero && Values.Uint(text) == "0"
            ? DomainXmlException.Invalid($"Invalid value for attribute '{shape.Name}' in element '{element.Name.LocalName}': Zero is not permitted", element)
        : shape.Rule == Values.Nonnegative && Values.Int(text) is not null
            ? DomainXmlException.Invalid($"Invalid value for attribute '{shape.Name}' in element '{element.Name.LocalName}': '{text}'. Expected non-negative value", element)
        : XElementReading.InvalidValue(element, shape.Name, text);

    private static void Rewrite(XElement element, AttributeShape shape, XElement result)
    {
        if (element.Get(shape.Name) is not { } text)
        {
            if (shape.Default is { } value)
                result.SetAttributeValue(shape.Name, value);
            return;
        }

        if (shape.Verdict == Verdict.Refused || shape.RefusedValues.Contains(text))
            throw DomainXmlException.NotImplemented($"{element.Path()}/@{shape.Name}", $"{shape.Name}='{text}'");
        var canonical = shape.Rule(text) ?? throw Invalid(element, shape, text);
        if (canonical.Length > 0 || shape.KeepsEmpty)
            result.SetAttributeValue(shape.Name, canonical);
    }
}
