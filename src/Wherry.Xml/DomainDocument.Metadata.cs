using System.Xml;
using System.Xml.Linq;

namespace Wherry.Xml;

// Title, description and the clients' own elements under <metadata>, one per namespace. They change nothing about the guest,
// so they may be set while it runs.
public sealed partial class DomainDocument
{
    public string? Title => Root.Element("title")?.Value;

    public string? Description => Root.Element("description")?.Value;

    /// <summary>The client's element of a namespace, without that namespace's prefix; null when there is none.</summary>
    public string? GetMetadata(string uri)
    {
        if (FindMetadata(Root, uri) is not { } found)
            return null;
        var plain = WithoutNamespace(found, uri);
        return MetadataWriter.ToText(plain);
    }

    /// <summary>With another title; null or empty removes it.</summary>
    public DomainDocument WithTitle(string? title) => With(root => SetText(root, "title", title));

    /// <summary>With another description; null or empty removes it.</summary>
    public DomainDocument WithDescription(string? description) => With(root => SetText(root, "description", description));

    /// <summary>With another element for a namespace; null removes it.</summary>
    /// <param name="xml">The element, without the namespace: it and its children get it, under the prefix <paramref name="key"/>.</param>
    /// <exception cref="DomainXmlException">Not well-formed, or the prefix is no XML name.</exception>
    public DomainDocument WithMetadata(string uri, string? key, string? xml)
    {
        var element = xml is null ? null : InNamespace(xml, uri, key ?? "");
        return With(root =>
        {
            while (FindMetadata(root, uri) is { } old)
                old.Remove();
            if (element is null)
                return;
            if (root.Element("metadata") is not { } metadata)
                root.Add(metadata = new XElement("metadata"));
            metadata.Add(element);
        });
    }

    /// <summary>A running domain's three documents change together: the guest's owner sees one description.</summary>
    private DomainDocument With(Action<XElement> change)
    {
        XElement Changed(XElement from)
        {
            var root = new XElement(from);
            change(root);
            return Normalisation.Normalise(root, DomainShape.Domain);
        }

        return new DomainDocument(Changed(Root))
        {
            Definition = Definition is null ? null : new DomainDocument(Changed(Definition.Root)),
            Travelling = Travelling is null ? null : Changed(Travelling),
        };
    }

    private static void SetText(XElement root, string name, string? text) => root.SetElementValue(name, string.IsNullOrEmpty(text) ? null : text);

    private static XElement? FindMetadata(XElement root, string uri) =>
        root.Element("metadata")?.Elements().FirstOrDefault(element => element.Name.NamespaceName == uri);

    private static XElement InNamespace(string xml, string uri, string key)
    {
        try
        {
            XmlConvert.VerifyNCName(key);
        }
        catch (Exception e) when (e is XmlException or ArgumentNullException)
        {
            throw DomainXmlException.Internal("failed to validate prefix for a new XML namespace");
        }
        var element = ReadAny(xml, "metadata_xml");
        foreach (var within in element.DescendantsAndSelf().Where(within => within.Name.Namespace == XNamespace.None))
            within.Name = XName.Get(within.Name.LocalName, uri);
        element.SetAttributeValue(XNamespace.Xmlns + key, uri);
        return element;
    }

    private static XElement WithoutNamespace(XElement element, string uri)
    {
        var plain = new XElement(element);
        foreach (var within in plain.DescendantsAndSelf().Where(within => within.Name.NamespaceName == uri))
            within.Name = within.Name.LocalName;
        plain.Attributes().Where(attribute => attribute.IsNamespaceDeclaration && attribute.Value == uri).Remove();
        return plain;
    }
}
