using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

// Where the threads of a guest may run, and how often it is asked for figures: what a running guest does not see.
public sealed partial class DomainDocument
{
    /// <summary>Host CPUs of one virtual CPU, as a list such as <c>0-3,^2</c>; null when the document does not say.</summary>
    public string? VcpuPin(int vcpu) => Pin("vcpupin", "vcpu", vcpu) ?? DefaultCpus;

    /// <summary>Host CPUs of QEMU's own threads.</summary>
    public string? EmulatorPin => Root.Element("cputune")?.Element("emulatorpin")?.Attribute("cpuset")?.Value ?? DefaultCpus;

    /// <summary>Host CPUs of one I/O thread.</summary>
    public string? IoThreadPin(int id) => Pin("iothreadpin", "iothread", id) ?? DefaultCpus;

    private string? DefaultCpus => Root.Element("vcpu")?.Attribute("cpuset")?.Value;

    /// <summary>With another period of the balloon's statistics, zero for none; null when there is no balloon.</summary>
    public DomainDocument? WithMemoryStatisticsPeriod(TimeSpan period)
    {
        if (Balloon(Root) is null)
            return null;
        return With(root =>
        {
            if (Balloon(root) is not { } balloon)
                return;
            balloon.Element("stats")?.Remove();
            if (period > TimeSpan.Zero)
                balloon.Add(new XElement("stats", new XAttribute("period", ((long)period.TotalSeconds).ToString(CultureInfo.InvariantCulture))));
        });
    }

    private static XElement? Balloon(XElement root) =>
        root.Element("devices")?.Element("memballoon") is { } balloon && balloon.Attribute("model")?.Value != "none" ? balloon : null;

    private string? Pin(string element, string attribute, int number) => Root.Element("cputune")?.Elements(element)
        .FirstOrDefault(pin => Number(pin.Attribute(attribute)?.Value) == number)?.Attribute("cpuset")?.Value;

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
