using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

// Where the threads of a guest are to run.
public sealed partial class DomainDocument
{
    /// <summary>With other host CPUs for one virtual CPU.</summary>
    public DomainDocument WithVcpuPin(int vcpu, ImmutableSortedSet<int> cpus) => With(root =>
    {
        var tune = CpuTune(root);
        var number = vcpu.ToString(CultureInfo.InvariantCulture);
        tune.Elements("vcpupin").Where(pin => pin.Get("vcpu") == number).Remove();
        var pins = tune.Elements("vcpupin").Append(new XElement("vcpupin", new XAttribute("vcpu", number), new XAttribute("cpuset", CpuList.Write(cpus))))
            .OrderBy(pin => pin.Int("vcpu")).Select(pin => new XElement(pin)).ToList();
        tune.Elements("vcpupin").Remove();
        tune.Add(pins);
    });

    /// <summary>With other host CPUs for QEMU's own threads.</summary>
    public DomainDocument WithEmulatorPin(ImmutableSortedSet<int> cpus) => With(root =>
    {
        var tune = CpuTune(root);
        tune.Elements("emulatorpin").Remove();
        tune.Add(new XElement("emulatorpin", new XAttribute("cpuset", CpuList.Write(cpus))));
    });

    private static XElement CpuTune(XElement root)
    {
        if (root.Element("cputune") is not { } tune)
            root.Add(tune = new XElement("cputune"));
        return tune;
    }
}
