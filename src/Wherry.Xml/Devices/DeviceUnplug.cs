using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>Which device of a running domain a client means, and whether it can leave.</summary>
internal static class DeviceUnplug
{
    /// <returns>Its alias.</returns>
    public static string Find(DeviceDocument wanted, DomainTree tree)
    {
        if (wanted.IsFixed)
            throw Fixed(wanted);
        var match = new XElement(wanted.Root);
        if (match.Name == "rng")
            DeviceCompletion.CompleteRng(match);
        if (match.Name == "input" && match.Get("bus") is null)
            match.SetAttributeValue("bus", match.Get("type") == "tablet" ? "usb" : "ps2");
        if (match.Name.LocalName is "console" or "serial")
            CompleteTarget(match);

        var devices = tree.Devices;
        var found = match.Name.LocalName switch
        {
            "disk" => DeviceMatch.Disk(devices, wanted.TargetDev) ?? throw Missing($"disk {wanted.TargetDev} not found"),
            "interface" => DeviceMatch.Interface(devices, match),
            "controller" => Controller(devices, match),
            "rng" => DeviceMatch.Rng(devices, match) ?? throw Missing($"model '{RngBackend(match)}' RNG device not present in domain configuration"),
            "watchdog" => Watchdog(devices, match),
            "input" => DeviceMatch.Input(devices, match) ?? throw Missing("matching input device not found"),
            "memory" => Memory(devices, match),
            "serial" or "parallel" or "console" or "channel" =>
                DeviceMatch.Character(devices, match) ?? throw Missing($"chr type '{match.Name.LocalName}' device not present in domain configuration"),
            _ => throw Missing("device not present in domain configuration"),
        };
        return Check(found, tree);
    }

    /// <returns>Its alias.</returns>
    public static string Check(XElement device, DomainTree tree)
    {
        var kind = new DeviceDocument(device);
        if (kind.IsFixed)
            throw Fixed(kind);
        switch (device.Name.LocalName)
        {
            case "disk" when device.Get("device") == "disk" && device.Get("target", "bus") is "ide" or "sata" or "fdc":
                throw Unsupported("This type of disk cannot be hot unplugged");
            case "disk" when device.Get("device") != "disk" && (device.Get("device") == "floppy" || device.Get("target", "bus") is not ("usb" or "scsi")):
                throw Unsupported($"disk device type '{device.Get("device")}' cannot be detached");
            case "controller" when device.Get("type") != "scsi":
                throw Unsupported($"'{device.Get("type")}' controller cannot be hot unplugged.");
            case "controller" when tree.Of("disk").Any(disk => disk.Get("target", "bus") == "scsi"
                && disk.Place() is DeviceAddress.Drive drive && drive.Controller == device.Int("index")):
                throw new WherryException(ErrorCode.OperationFailed, "device cannot be detached: device is busy");
            case "watchdog" when device.Get("model") != "i6300esb":
                throw Unsupported($"hot unplug of watchdog of model {device.Get("model")} is not supported");
            case "input" when device.Get("bus") == "ps2":
                throw Unsupported($"input device on bus '{device.Get("bus")}' cannot be detached");
        }

        var alias = device.Get("alias", "name")
            ?? throw new WherryException(ErrorCode.InternalError, $"Cannot detach {kind.Kind} device with no alias");
        // A character device is not asked where it is: QEMU refuses what it cannot do.
        if (kind.Kind != "chr" && device.PciPlace() is { } place)
            CheckPlace(kind.Kind, place, tree);
        return alias;
    }

    private static void CheckPlace(string kind, DeviceAddress.Pci place, DomainTree tree)
    {
        if (tree.Devices.Elements().Any(other => other.PciPlace() is { } at && at.Bus == place.Bus && at.Slot == place.Slot && at.Function != place.Function))
        {
            throw new WherryException(
                ErrorCode.OperationFailed, $"cannot hot unplug {kind} device with multifunction PCI guest address: {DeviceMatch.Text(place)}");
        }

        if (tree.Controller("pci", place.Bus)?.Get("target", "hotplug") == "off")
        {
            throw new WherryException(
                ErrorCode.OperationFailed, $"cannot hot unplug {kind} device with PCI guest address: {DeviceMatch.Text(place)} - not allowed by controller");
        }
    }

    private static XElement Controller(XElement devices, XElement match)
    {
        if (match.Get("type") != "scsi")
            throw Unsupported($"'{match.Get("type")}' controller cannot be hot unplugged.");
        return DeviceMatch.Controller(devices, match) ?? throw Missing($"controller {match.Get("type")}:{match.Int("index") ?? -1} not found");
    }

    private static XElement Watchdog(XElement devices, XElement match)
    {
        var watchdog = devices.Element("watchdog") ?? throw Missing("watchdog device not present in domain configuration");
        return watchdog.Get("model") == match.Get("model") && watchdog.Get("action") == match.Get("action") && Equals(watchdog.Place(), match.Place())
            ? watchdog
            : throw Missing($"model '{watchdog.Get("model")}' watchdog device not present in domain configuration");
    }

    private static XElement Memory(XElement devices, XElement match)
    {
        MemoryCompletion.SetSize(DomainTree.Child(match, "target"), "size", MemoryCompletion.Align(MemoryCompletion.SizeOf(match), 1));
        return DeviceMatch.Memory(devices, match)
            ?? throw Missing($"model '{match.Get("model")}' memory device not present in the domain configuration");
    }

    private static void CompleteTarget(XElement device)
    {
        var target = DomainTree.Child(device, "target");
        target.SetAttributeValue("type", target.Get("type") ?? (device.Name == "serial" ? "isa-serial" : "serial"));
    }

    /// <summary>libvirt looks the model's number up among the backends, and so do those who read its words.</summary>
    private static string RngBackend(XElement rng) => rng.Get("model") switch
    {
        "virtio" => "random",
        "virtio-transitional" => "egd",
        _ => "builtin",
    };

    private static WherryException Fixed(DeviceDocument device) => Unsupported($"live detach of device '{device.Kind}' is not supported");

    private static WherryException Missing(string detail) => new(ErrorCode.DeviceMissing, detail);

    private static WherryException Unsupported(string detail) => new(ErrorCode.OperationUnsupported, detail);
}
