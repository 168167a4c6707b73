using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Completes controllers: their order, their numbers, and the model each type defaults to.</summary>
internal static class ControllerCompletion
{
    private const int MaxXhciPorts = 15;

    private static readonly Dictionary<string, string[]> Models = new(StringComparer.Ordinal)
    {
        ["pci"] = [
            "pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge", "pcie-root-port",
            "pcie-switch-upstream-port", "pcie-switch-downstream-port"],
        ["usb"] = [
            "piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", "vt82c686b-uhci", "pci-ohci",
            "nec-xhci", "qemu-xhci", "none"],
        ["scsi"] = ["lsilogic", "virtio-scsi", "virtio-transitional", "virtio-non-transitional"],
        ["virtio-serial"] = ["virtio", "virtio-transitional", "virtio-non-transitional"],
    };

    /// <summary>
    /// Controllers of one type stand together, where the first of that type stood, in the order of their numbers; one without a
    /// number goes last.
    /// </summary>
    public static void GroupByType(XElement devices)
    {
        var sorted = new List<XElement>();
        foreach (var controller in devices.Elements("controller"))
        {
            controller.SetAttributeValue("type", controller.Get("type") ?? "ide");
            var index = controller.Int("index");
            var place = -1;
            for (var i = sorted.Count - 1; i >= 0; i--)
            {
                var other = sorted[i];
                if (other.Get("type") != controller.Get("type"))
                    continue;
                if (index is null)
                {
                    place = i + 1;
                    break;
                }

                var companionBehind = controller.Element("master") is null && other.Element("master") is not null && other.Int("index") == index;
                if ((other.Int("index") ?? -1) > index || companionBehind)
                    place = i;
                else if (place == -1)
                    place = i + 1;
            }

            sorted.Insert(place == -1 ? sorted.Count : place, controller);
        }

        if (sorted.Count == 0)
            return;
        var marker = new XElement("controller");
        devices.Element("controller")!.AddBeforeSelf(marker);
        sorted.Remove();
        marker.ReplaceWith(sorted);
    }

    /// <summary>Numbers and models that later steps ask about.</summary>
    public static void Prepare(DomainTree tree)
    {
        foreach (var controller in tree.Of("controller"))
            CheckModel(controller);
        CheckUsb(tree);
        foreach (var controller in tree.Of("controller").Where(controller => controller.Get("index") is null))
            controller.SetAttributeValue("index", DomainTree.Text(IndexFor(tree, controller)));
        foreach (var group in tree.Of("controller").Where(controller => controller.Get("type") != "usb")
            .GroupBy(controller => (controller.Get("type"), controller.Get("index"))).Where(group => group.Count() > 1))
        {
            throw DomainXmlException.Invalid($"Multiple '{group.Key.Item1}' controllers with index '{group.Key.Item2}'", group.Last());
        }
    }

    public static void Complete(XElement controller, DomainTree tree)
    {
        var type = controller.Get("type");
        var model = controller.Get("model");
        switch (type)
        {
            case "usb" when model is null:
                controller.SetAttributeValue("model", tree.Catalog.Has("piix3-usb-uhci") ? "piix3-uhci" : null);
                break;
            case "usb" when model is "nec-xhci" or "qemu-xhci" && controller.Number("ports") > MaxXhciPorts:
                throw DomainXmlException.Unsupported($"'{model}' controller only supports up to '{MaxXhciPorts}' ports", controller);
            case "scsi" when model is null:
                controller.SetAttributeValue("model", tree.Catalog.Has("lsi53c895a") ? "lsilogic" : "virtio-scsi");
                break;
            case "pci" when model is "pci-root" or "pcie-root" && controller.Int("index") != 0:
                throw DomainXmlException.Invalid("pci-root and pcie-root controllers should have index 0", controller);
        }

        IoThreadCompletion.CheckDevice(controller, tree.Domain);
        if (type is not ("virtio-serial" or "usb"))
            controller.SetAttributeValue("ports", null);
        if (type != "virtio-serial")
            controller.SetAttributeValue("vectors", null);
        if (type != "pci")
        {
            controller.Elements("model").Remove();
            controller.Elements("target").Remove();
            controller.Elements("pcihole64").Remove();
        }
    }

    internal static void CheckModel(XElement controller)
    {
        var type = controller.Get("type")!;
        if (controller.Get("model") is not { } model)
        {
            if (type == "pci")
                throw DomainXmlException.Internal("Invalid PCI controller model", controller);
            return;
        }

        if (!Models.TryGetValue(type, out var known) || !known.Contains(model))
            throw DomainXmlException.NotImplemented(controller.Path() + "/@model", $"{type} controller model '{model}'");
    }

    private static void CheckUsb(DomainTree tree)
    {
        var none = tree.Controllers("usb").Count(controller => controller.Get("model") == "none");
        if (none > 0 && tree.Controllers("usb").Skip(1).Any())
            throw DomainXmlException.Of(Errors.ErrorCode.XmlDetail, "Can't add another USB controller: USB is disabled for this domain");
        if (tree.Controllers("usb").Any() && tree.Controllers("usb").All(controller => controller.Element("master") is not null))
            throw DomainXmlException.Of(Errors.ErrorCode.XmlDetail, "No master USB controller specified");
    }

    // A group of EHCI and UHCI companions shares a number; so a companion follows the one written before it.
    private static int IndexFor(DomainTree tree, XElement controller)
    {
        var type = controller.Get("type")!;
        if (IsUsb2(controller) && controller.ElementsBeforeSelf("controller").LastOrDefault(other => other.Get("type") == "usb") is { } previous
            && IsUsb2(previous) && previous.Int("index") is { } index
            && !tree.Controllers("usb").Any(other => other.Int("index") == index && other.Get("model") == controller.Get("model")))
        {
            return index;
        }

        return tree.UnusedIndex(type);
    }

    private static bool IsUsb2(XElement controller) => controller.Get("model") is "ich9-ehci1" or "ich9-uhci1" or "ich9-uhci2" or "ich9-uhci3";
}
