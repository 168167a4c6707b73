using System.Xml.Linq;

namespace Wherry.Xml;

public sealed partial class DomainDocument
{
    /// <summary>
    /// The text a client gets: of a running domain (see <see cref="LiveOverlay"/>) the guest as it runs, or with
    /// <see cref="DomainXmlFlags.Inactive"/> the definition it was started with.
    /// </summary>
    /// <remarks>
    /// <see cref="DomainXmlFlags.UpdateCpu"/> changes nothing here: which CPU a host-model stands for is the host's knowledge, so the
    /// caller puts it into the document first.
    /// </remarks>
    public string ToXml(DomainXmlFlags flags = DomainXmlFlags.None)
    {
        var migratable = flags.HasFlag(DomainXmlFlags.Migratable);
        var domain = new XElement(
            migratable ? Travelling ?? Root : flags.HasFlag(DomainXmlFlags.Inactive) ? (Definition ?? this).Root : Root);
        if (!flags.HasFlag(DomainXmlFlags.Secure))
        {
            foreach (var graphics in domain.Elements("devices").Elements("graphics"))
                graphics.SetAttributeValue("passwd", null);
        }

        if (migratable)
            MigratableForm.Reduce(domain);
        return DomainXmlWriter.Write(domain);
    }

    public override string ToString() => ToXml();
}
