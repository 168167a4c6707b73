using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Sets of host CPUs in a definition.</summary>
internal static class CpuSetText
{
    public static string Canonical(string text, XElement at)
    {
        var cpus = CpuList.TryParse(text) ?? throw DomainXmlException.InvalidArgument($"Failed to parse bitmap '{text}'", at);
        return cpus.IsEmpty ? throw DomainXmlException.Unsupported($"Invalid value of 'cpuset': {text}", at) : CpuList.Write(cpus);
    }
}
