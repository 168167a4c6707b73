using System.Xml.Linq;

namespace Wherry.Xml;

public sealed partial class DomainDocument
{
    /// <summary>
    /// The <c>&lt;cpu&gt;</c> that a running guest has, where it is another than the one that the migratable form tells of. Destinations that
    /// know what to do with it are sent it beside that form. null where both are the same.
    /// </summary>
    public string? GuestCpuXml => Travelling is not null && CpuText(Root) is { } guest && guest != CpuText(Travelling) ? guest : null;

    /// <summary>Reads such a <c>&lt;cpu&gt;</c>.</summary>
    /// <exception cref="DomainXmlException">It is none.</exception>
    public static CpuSpec ParseCpu(string xml) => MachineReading.Cpu(Read(xml, "cpu"));

    private static string? CpuText(XElement domain) =>
        CpuElement.Find(domain) is { } cpu ? DomainXmlWriter.Write(Normalisation.Normalise(new XElement(domain.Name, cpu), DomainShape.Domain).Element("cpu")!) : null;
}
