using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

//   what a client wrote
//      │ Complete      defaults, refusals, what a domain with it could not be
//      ▼
//   a device of this domain
//      │ Plan          a name and an address on the buses that there are; for a SCSI disk the controllers that are missing, first
//      ▼
//   what QEMU is told ──▶ DomainDocument.WithPlugged

/// <summary>Prepares a device for a domain that runs: its buses cannot grow, and its devices keep their names.</summary>
internal static class DevicePlug
{
    public static void Complete(XElement device, DomainTree tree, CompletionContext context)
    {
        if (!DeviceCompletion.IsUserAlias(device.Get("alias", "name")))
            device.Elements("alias").Remove();
        switch (device.Name.LocalName)
        {
            case "disk":
                DiskCompletion.Complete(device);
                if (device.Get("target", "bus") is not ("virtio" or "usb") || device.Get("device") != "cdrom")
                    DiskCompletion.CheckOne(device, tree.Os, tree.Domain);
                break;
            case "interface":
                InterfaceCompletion.Complete(device, tree, context);
                break;
            case "controller":
                ControllerCompletion.CheckModel(device);
                ControllerCompletion.Complete(device, tree);
                break;
            case "rng":
                DeviceCompletion.CompleteRng(device);
                break;
            case "watchdog" when device.Get("model") is null:
                throw DomainXmlException.Internal("watchdog must contain model name", device);
            case "input" when device.Get("bus") is null:
                device.SetAttributeValue("bus", device.Get("type") == "tablet" ? "usb" : "ps2");
                break;
            case "memory":
                MemoryCompletion.CheckForm(device);
                MemoryCompletion.CheckNode(device, tree);
                break;
            case "graphics":
                GraphicsCompletion.Complete(device);
                break;
            case "serial" or "parallel" or "console" or "channel":
                CharacterCompletion.CompleteOne(device, tree);
                break;
        }
    }

    /// <summary>What no domain may have twice, or not at all.</summary>
    /// <param name="replaced">The device that it takes the place of; null for none.</param>
    public static void CheckCompatible(XElement device, DomainTree tree, XElement? replaced)
    {
        var usesUsb = (device.Name == "input" && device.Get("bus") == "usb") || (device.Name == "disk" && device.Get("target", "bus") == "usb")
            || (device.Name == "serial" && device.Get("target", "type") == "usb-serial");
        if (usesUsb && tree.Controllers("usb").Any(controller => controller.Get("model") == "none"))
            throw DomainXmlException.Unsupported("Device configuration is not compatible: Domain has no USB bus support");
        if (device.Element("boot").Int("order") is { } order)
        {
            if (tree.Domain.Element("os")?.Element("boot") is not null)
                throw DomainXmlException.Unsupported("per-device boot elements cannot be used together with os/boot elements");
            if (tree.Devices.Elements().Any(other => other != replaced && other.Element("boot").Int("order") == order))
                throw DomainXmlException.Unsupported($"boot order {order} is already used by another device");
        }

        if (device.Name == "memory")
            MemoryCompletion.CheckNew(device, tree, replaced);
        if (replaced is null && device.Get("alias", "name") is { } alias && tree.Devices.Elements().Any(other => other.Get("alias", "name") == alias))
            throw DomainXmlException.Unsupported($"non unique alias detected: {alias}");
    }

    /// <summary>The devices to plug, in order, each with its alias and its address. All of them are in the tree afterwards.</summary>
    public static IReadOnlyList<XElement> Plan(XElement device, DomainTree tree) => device.Name.LocalName switch
    {
        "disk" => Disk(device, tree),
        "controller" => [Controller(device, tree)],
        "interface" or "rng" => [Pci(device, tree)],
        "watchdog" => [Watchdog(device, tree)],
        "input" => [Input(device, tree)],
        "memory" => [Memory(device, tree)],
        _ => [Character(device, tree)],
    };

    private static List<XElement> Disk(XElement disk, DomainTree tree)
    {
        var (bus, target) = (disk.Get("target", "bus"), disk.Get("target", "dev"));
        if (DeviceMatch.Disk(tree.Devices, target) is { } other)
            throw DomainXmlException.Invalid($"target '{target}' duplicated for disk sources '{Source(other)}' and '{Source(disk)}'");
        var plan = new List<XElement>();
        switch (bus)
        {
            case "usb":
                Usb(disk, tree);
                break;
            case "virtio":
                Pci(disk, tree);
                break;
            case "scsi":
                if (disk.Place() is not DeviceAddress.Drive drive)
                    throw new WherryException(ErrorCode.InternalError, $"unexpected disk address type {disk.Get("address", "type")}");
                if (tree.Of("disk").Any(one => one.Get("target", "bus") == "scsi" && Equals(one.Place(), drive)))
                    throw new WherryException(ErrorCode.OperationInvalid, "Domain already contains a disk with that address");
                for (var index = 0; index <= drive.Controller; index++)
                {
                    if (tree.Controller("scsi", index) is not null)
                        continue;
                    // As the others, or as libvirt would choose for a new domain.
                    var controller = new XElement("controller", new XAttribute("type", "scsi"), new XAttribute("index", DomainTree.Text(index)));
                    if (tree.Controllers("scsi").LastOrDefault()?.Get("model") is { } model)
                        controller.SetAttributeValue("model", model);
                    ControllerCompletion.Complete(controller, tree);
                    plan.Add(Pci(controller, tree));
                }

                tree.Add(disk);
                break;
            case "ide":
                tree.Add(disk); // QEMU's to refuse: libvirt asks it all the same.
                break;
            default:
                throw Unsupported($"disk bus '{bus}' cannot be hotplugged.");
        }

        Name(disk, tree);
        plan.Add(disk);
        return plan;
    }

    private static XElement Controller(XElement controller, DomainTree tree)
    {
        var type = controller.Get("type");
        if (type != "scsi")
            throw Unsupported($"'{type}' controller cannot be hot plugged.");
        if (controller.Get("index") is null)
            controller.SetAttributeValue("index", DomainTree.Text(tree.UnusedIndex("scsi")));
        var index = controller.Int("index")!.Value;
        if (tree.Controller("scsi", index) is not null)
            throw new WherryException(ErrorCode.OperationFailed, $"target {type}:{index} already exists");
        return Pci(controller, tree);
    }

    private static XElement Watchdog(XElement watchdog, DomainTree tree)
    {
        if (tree.Of("watchdog").Any())
            throw new WherryException(ErrorCode.OperationInvalid, "domain already has a watchdog");
        return watchdog.Get("model") == "i6300esb"
            ? Pci(watchdog, tree)
            : throw Unsupported($"hotplug of watchdog of model {watchdog.Get("model")} is not supported");
    }

    private static XElement Input(XElement input, DomainTree tree) => input.Get("bus") switch
    {
        "usb" => Usb(input, tree),
        "virtio" => Pci(input, tree),
        var bus => throw Unsupported($"input device on bus '{bus}' cannot be hot plugged."),
    };

    private static XElement Character(XElement device, DomainTree tree)
    {
        var (kind, target) = (device.Name.LocalName, device.Get("target", "type"));
        if (kind == "serial" && target == "pci-serial")
            Pci(device, tree);
        else if (kind == "serial" && target == "usb-serial")
            Usb(device, tree);
        else if (target == "virtio")
            VirtioSerialPorts.PlaceOne(tree, device);
        else if (device.Get("address", "type") is "virtio-serial" or "pci")
            throw DomainXmlException.Unsupported("Unsupported address type for character device");
        if (kind == "console" && target == "serial")
            throw new WherryException(ErrorCode.ConfigUnsupported, "unsupported console target type serial");
        if (tree.Of(kind).Any(other => other != device && (DeviceMatch.IsSameCharacter(other, device) || IsSameChannel(other, device))))
            throw new WherryException(ErrorCode.OperationInvalid, "chardev already exists");
        if (device.Parent is null)
            tree.Add(device);
        return Name(device, tree);
    }

    /// <summary>A channel that leaves its path to us would get the same.</summary>
    private static bool IsSameChannel(XElement other, XElement channel) =>
        channel.Name == "channel" && channel.Get("type") == "unix" && other.Get("type") == "unix" && channel.Element("source") is null
        && channel.Get("target", "name") is { } name && other.Get("target", "name") == name
        && other.Get("source", "path")?.EndsWith("/" + name, StringComparison.Ordinal) == true;

    private static XElement Memory(XElement module, DomainTree tree)
    {
        MemoryCompletion.Plan(module, tree);
        return Name(tree.Add(module), tree);
    }

    private static XElement Pci(XElement device, DomainTree tree)
    {
        PciTopology.PlaceOne(tree, tree.Add(device));
        return Name(device, tree);
    }

    private static XElement Usb(XElement device, DomainTree tree)
    {
        UsbPorts.PlaceOne(tree, tree.Add(device));
        return Name(device, tree);
    }

    private static XElement Name(XElement device, DomainTree tree)
    {
        if (device.Element("alias") is null)
            device.Add(new XElement("alias", new XAttribute("name", Aliases.OfPlugged(device, tree.Devices, tree.Os))));
        return device;
    }

    private static string Source(XElement disk) => disk.Get("source", "file") ?? disk.Get("source", "dev") ?? "(null)";

    private static WherryException Unsupported(string detail) => new WherryException(ErrorCode.OperationUnsupported, detail);
}
