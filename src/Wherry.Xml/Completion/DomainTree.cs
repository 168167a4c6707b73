using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>A normalised domain element while it is being completed, with the questions that many steps ask.</summary>
internal sealed class DomainTree(XElement domain, QemuCatalog catalog)
{
    public XElement Domain { get; } = domain;

    public XElement Devices { get; } = domain.Element("devices")!;

    public QemuCatalog Catalog { get; } = catalog;

    public bool IsKvm => Domain.Get("type") == "kvm";

    public OsSpec Os => MachineReading.Os(Domain.Element("os"));

    public IEnumerable<XElement> Of(string kind) => Devices.Elements(kind);

    public IEnumerable<XElement> Controllers(string type) => Of("controller").Where(controller => controller.Get("type") == type);

    public XElement? Controller(string type, int index) =>
        Controllers(type).FirstOrDefault(controller => controller.Int("index") == index);

    /// <summary>Adds behind its kind; <see cref="Normalisation"/> later puts the kinds in order.</summary>
    public XElement Add(XElement device)
    {
        Devices.Add(device);
        return device;
    }

    public XElement AddController(string type, int index, string? model = null)
    {
        var controller = new XElement("controller", new XAttribute("type", type), new XAttribute("index", Text(index)));
        if (model is not null)
            controller.SetAttributeValue("model", model);
        return Add(controller);
    }

    public XElement EnsureController(string type, int index, string? model = null) => Controller(type, index) ?? AddController(type, index, model);

    public int UnusedIndex(string type)
    {
        var index = 0;
        while (Controller(type, index) is not null)
            index++;
        return index;
    }

    /// <summary>Puts the devices of one kind into another order.</summary>
    public void Reorder(string kind, IEnumerable<XElement> order)
    {
        var devices = order.ToList();
        Devices.Elements(kind).Remove();
        Devices.Add(devices);
    }

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    public static XElement Child(XElement element, string name)
    {
        if (element.Element(name) is { } child)
            return child;
        child = new XElement(name);
        element.Add(child);
        return child;
    }
}
