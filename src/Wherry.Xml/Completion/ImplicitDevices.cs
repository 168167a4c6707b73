using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Adds the devices nobody wrote down because every PC has them, and the controllers that written devices need.</summary>
internal static class ImplicitDevices
{
    /// <summary>What the machine itself brings; before the devices are looked at one by one.</summary>
    public static void AddMachine(DomainTree tree)
    {
        foreach (var input in tree.Of("input").Where(input => input.Get("bus") is null))
            input.SetAttributeValue("bus", input.Get("type") == "tablet" ? "usb" : "ps2");
        if (tree.Controllers("usb").Any(controller => controller.Get("model") == "none")
            && tree.Of("input").FirstOrDefault(input => input.Get("bus") == "usb") is { } usbInput)
        {
            throw DomainXmlException.Unsupported("Can't add USB input device. USB bus is disabled", usbInput);
        }

        EnsureInput("mouse");
        EnsureInput("keyboard");

        if (tree.Os.IsQ35)
        {
            if (tree.Controller("usb", 0) is null && tree.Catalog.Has("qemu-xhci"))
                tree.AddController("usb", 0, "qemu-xhci");
            tree.EnsureController("sata", 0);
            EnsureRoot("pcie-root");
        }
        else
        {
            if (tree.Controller("usb", 0) is null)
                tree.AddController("usb", 0);
            EnsureRoot("pci-root");
        }

        if (!tree.Of("memballoon").Any())
            tree.Add(new XElement("memballoon", new XAttribute("model", "virtio")));
        if (!tree.Of("audio").Any())
            tree.Add(new XElement("audio", new XAttribute("id", "1"), new XAttribute("type", "none")));

        void EnsureInput(string type)
        {
            if (!tree.Of("input").Any(input => input.Get("type") == type && input.Get("bus") == "ps2"))
                tree.Add(new XElement("input", new XAttribute("type", type), new XAttribute("bus", "ps2")));
        }

        void EnsureRoot(string model)
        {
            if (tree.EnsureController("pci", 0, model) is var root && root.Get("model") != model)
            {
                throw DomainXmlException.Invalid(
                    $"The PCI controller with index='0' must be model='{model}' for this machine type, but model='{root.Get("model")}' was found instead",
                    root);
            }
        }
    }

    /// <summary>What the completed devices hang on.</summary>
    public static void AddForDevices(DomainTree tree)
    {
        CharacterCompletion.PairFirstConsole(tree);
        AddDiskControllers(tree, "scsi");
        AddDiskControllers(tree, "fdc");
        AddDiskControllers(tree, "ide");
        AddDiskControllers(tree, "sata");
        foreach (var device in tree.Of("channel").Concat(tree.Of("console")).Where(device => device.Get("target", "type") == "virtio").ToList())
            tree.EnsureController("virtio-serial", device.Place() is DeviceAddress.VirtioSerial place ? place.Controller : 0);
        if (tree.Of("graphics").Any() && !tree.Of("video").Any())
        {
            tree.Add(new XElement("video"));
            VideoCompletion.Complete(tree);
        }

        foreach (var controller in tree.Controllers("scsi").ToList())
            ControllerCompletion.Complete(controller, tree);
    }

    /// <summary>Every controller up to the highest that a disk's address names.</summary>
    private static void AddDiskControllers(DomainTree tree, string type)
    {
        var highest = tree.Of("disk").Where(disk => disk.Get("target", "bus") == type)
            .Select(disk => disk.Place() is DeviceAddress.Drive drive ? drive.Controller : -1)
            .DefaultIfEmpty(-1).Max();
        if (highest > 255)
            throw DomainXmlException.Invalid($"disk address names {type} controller {highest}");
        for (var index = 0; index <= highest; index++)
            tree.EnsureController(type, index);
    }
}
