using System.Xml.Linq;

namespace Wherry.Xml;

// A running domain is three documents: what clients see, what it was started from, and what a migration's destination is told.
// The second and third cannot be worked out from the first (was this port given or chosen?), so a daemon that restarts needs all.
public sealed partial class DomainDocument
{
    private const string StatusRoot = "running";

    /// <summary>A running domain in full, passwords included, for <see cref="ParseStatus"/> to read back.</summary>
    public string ToStatusXml() =>
        DomainXmlWriter.Write(new XElement(StatusRoot, Root, (Definition ?? this).Root, Travelling ?? Root));

    /// <exception cref="DomainXmlException">Not what <see cref="ToStatusXml"/> wrote.</exception>
    public static DomainDocument ParseStatus(string xml)
    {
        var parts = Read(xml, StatusRoot).Elements("domain").Select(part => new XElement(part)).ToList();
        return parts is [var live, var definition, var travelling]
            ? new DomainDocument(live) { Definition = new DomainDocument(definition), Travelling = travelling }
            : throw DomainXmlException.Invalid($"<{StatusRoot}> with {parts.Count} domains, expecting 3");
    }
}
