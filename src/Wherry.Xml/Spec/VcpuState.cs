using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>One virtual CPU that a guest can have.</summary>
/// <param name="IsEnabled">The guest has it; of a definition, boots with it.</param>
/// <param name="IsHotpluggable">It can be taken out, or is not there yet.</param>
/// <param name="Order">When it was plugged, from 1; 0 when that is not known or it is not there.</param>
public sealed record VcpuState(int Id, bool IsEnabled, bool IsHotpluggable, int Order)
{
    internal static XElement ToElement(VcpuState vcpu)
    {
        var element = new XElement(
            "vcpu",
            new XAttribute("id", vcpu.Id),
            new XAttribute("enabled", vcpu.IsEnabled ? "yes" : "no"),
            new XAttribute("hotpluggable", vcpu.IsHotpluggable ? "yes" : "no"));
        if (vcpu.Order != 0)
            element.SetAttributeValue("order", vcpu.Order.ToString(CultureInfo.InvariantCulture));
        return element;
    }

    /// <exception cref="DomainXmlException">A number beyond the maximum, or a CPU that is neither there nor can come.</exception>
    internal static VcpuState From(XElement vcpu, int maximum)
    {
        var id = vcpu.Number("id") ?? throw DomainXmlException.Invalid("Missing required attribute 'id' in element 'vcpu'", vcpu);
        if (id >= maximum)
            throw DomainXmlException.Invalid($"vcpu id '{id}' is out of range of maximum vcpu count", vcpu);
        var isEnabled = vcpu.YesNo("enabled") ?? throw DomainXmlException.Invalid("Missing required attribute 'enabled' in element 'vcpu'", vcpu);
        var isHotpluggable = vcpu.YesNo("hotpluggable") ?? !isEnabled;
        if (!isEnabled && !isHotpluggable)
            throw DomainXmlException.Unsupported($"vcpu '{id}' is both offline and not hotpluggable", vcpu);
        return new VcpuState((int)id, isEnabled, isHotpluggable, (int)(vcpu.Number("order") ?? 0));
    }
}
