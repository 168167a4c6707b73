using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

// Which of a guest's virtual CPUs it has.
public sealed partial class DomainDocument
{
    /// <summary>With these CPUs.</summary>
    /// <param name="vcpus">All that the guest can have, by number.</param>
    /// <param name="oneByOne">Lists them; else only their count is written, and a list that is there goes.</param>
    public DomainDocument WithVcpus(IReadOnlyList<VcpuState> vcpus, bool oneByOne) => With(root =>
    {
        var vcpu = VcpuElement(root);
        vcpu.Value = Text(vcpus.Count);
        var current = vcpus.Count(one => one.IsEnabled);
        vcpu.SetAttributeValue("current", current == vcpus.Count ? null : Text(current));
        root.Elements("vcpus").Remove();
        if (oneByOne)
            root.Add(new XElement("vcpus", vcpus.Select(VcpuState.ToElement)));
    });

    private static XElement VcpuElement(XElement root)
    {
        if (root.Element("vcpu") is not { } vcpu)
            root.Add(vcpu = new XElement("vcpu", new XAttribute("placement", "static")));
        return vcpu;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
