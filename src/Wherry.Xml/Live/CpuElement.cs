using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Puts a CPU into the <c>&lt;cpu&gt;</c> of a domain; topology, cache and what we do not interpret stay as they are.</summary>
internal static class CpuElement
{
    public static XElement? Find(XElement domain) => domain.Element("cpu");

    public static void Write(XElement element, CpuSpec cpu)
    {
        element.SetAttributeValue("mode", cpu.Mode switch
        {
            CpuMode.HostModel => "host-model",
            CpuMode.HostPassthrough => "host-passthrough",
            CpuMode.Maximum => "maximum",
            _ => "custom",
        });
        element.SetAttributeValue("match", cpu.Mode == CpuMode.Custom ? cpu.Match : null);
        element.SetAttributeValue("check", cpu.Check);
        element.SetAttributeValue("migratable", cpu.Migratable is { } migratable ? migratable ? "on" : "off" : null);
        foreach (var name in (string[])["model", "vendor", "feature"])
            element.Elements(name).Remove();
        if (cpu.Model is not null)
        {
            element.Add(new XElement(
                "model",
                cpu.Fallback is null ? null : new XAttribute("fallback", cpu.Fallback),
                cpu.VendorId is null ? null : new XAttribute("vendor_id", cpu.VendorId),
                cpu.Model));
        }
        if (cpu.Vendor is not null)
            element.Add(new XElement("vendor", cpu.Vendor));
        element.Add(cpu.Features.Select(feature => new XElement(
            "feature",
            new XAttribute("policy", feature.Policy.ToString().ToLowerInvariant()),
            new XAttribute("name", feature.Name))));
    }
}
