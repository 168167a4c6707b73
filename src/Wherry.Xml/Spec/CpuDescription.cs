using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>A CPU by itself, as capabilities and domain capabilities show it and as calls that compare CPUs take it.</summary>
/// <param name="Arch">Null where the description leaves it open.</param>
public sealed record CpuDescription(string? Arch, CpuSpec Cpu)
{
    /// <exception cref="WherryException">XmlDetail or XmlError, of the CPU domain: it is no description of a CPU.</exception>
    public static CpuDescription Parse(string xml)
    {
        System.Xml.Linq.XElement root;
        try
        {
            root = DomainDocument.ReadAny(xml, "CPU_definition");
        }
        catch (DomainXmlException e)
        {
            throw new WherryException(e.Code, e.Detail ?? "", ErrorDomain.Cpu, e);
        }
        return root.Name == "cpu"
            ? new CpuDescription(root.Text("arch"), MachineReading.Cpu(root))
            : throw new WherryException(ErrorCode.XmlError, "XML does not contain expected 'cpu' element", ErrorDomain.Cpu);
    }
}
