using System.Collections.Frozen;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Controllers, by kind in libvirt's order: pci, usb, scsi, sata, virtio-serial; and hubs. Those built into the machine are not written.</summary>
internal static class Controllers
{
    private static readonly ControllerType[] Order =
        [ControllerType.Pci, ControllerType.Usb, ControllerType.Scsi, ControllerType.Ide, ControllerType.Sata, ControllerType.VirtioSerial];

    private static readonly FrozenDictionary<string, string> UsbDrivers = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["piix3-uhci"] = "piix3-usb-uhci",
        ["piix4-uhci"] = "piix4-usb-uhci",
        ["ehci"] = "usb-ehci",
        ["ich9-ehci1"] = "ich9-usb-ehci1",
        ["ich9-uhci1"] = "ich9-usb-uhci1",
        ["ich9-uhci2"] = "ich9-usb-uhci2",
        ["ich9-uhci3"] = "ich9-usb-uhci3",
        ["vt82c686b-uhci"] = "vt82c686b-usb-uhci",
        ["pci-ohci"] = "pci-ohci",
        ["nec-xhci"] = "nec-usb-xhci",
        ["qemu-xhci"] = "qemu-xhci",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> ScsiDrivers = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["lsilogic"] = "lsi",
        ["lsisas1068"] = "mptsas1068",
        ["lsisas1078"] = "megasas",
        ["vmpvscsi"] = "pvscsi",
        ["am53c974"] = "am53c974",
        ["dc390"] = "dc-390",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var root in spec.Controllers.Where(controller => controller is { Type: ControllerType.Pci, PciHole64: not null }))
            arguments.Add("-global", $"{(root.Model == "pcie-root" ? "q35-pcihost" : "i440FX-pcihost")}.pci-hole64-size={root.PciHole64!.Value.KiB}K");

        foreach (var type in Order)
        {
            // By index, as libvirt sorts them when it reads a definition; a USB controller's companions share its index and follow it.
            foreach (var controller in spec.Controllers.Where(controller => controller.Type == type).OrderBy(controller => controller.Index))
            {
                if (controller is { Type: ControllerType.Pci, Model: "pci-root", Index: 0, Hotplug: { } hotplug })
                    arguments.Add("-global", $"PIIX4_PM.acpi-root-pci-hotplug={Arguments.OnOff(hotplug)}");
                if (!IsBuiltIn(controller, spec, bus))
                    arguments.AddDevice(bus.AddAddress(Device(controller, spec), controller.Address));
            }
        }

        if (!spec.Os.IsQ35 && !spec.Controllers.Any(controller => controller.Type == ControllerType.Usb))
            arguments.Add("-usb");
    }

    public static void AddHubs(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var hub in spec.Hubs)
            arguments.AddDevice(bus.AddAddress(Properties.OfDevice("usb-hub").Text("id", hub.Alias), hub.Address));
    }

    private static bool IsBuiltIn(ControllerSpec controller, DomainSpec spec, BusNames bus) => controller switch
    {
        { Type: ControllerType.Pci, Model: "pci-root" or "pcie-root" } => true,
        { Type: ControllerType.Usb, Model: "none" } => true,
        { Type: ControllerType.Sata, Index: 0 } => spec.Os.IsQ35,
        { Type: ControllerType.Ide, Index: 0 } => bus.HasBuiltInIde,
        _ => false,
    };

    internal static Properties Device(ControllerSpec controller, DomainSpec spec) => controller.Type switch
    {
        ControllerType.Pci => Pci(controller),
        ControllerType.Usb => Usb(controller, spec),
        ControllerType.Scsi => Scsi(controller),
        ControllerType.Sata => Properties.OfDevice("ahci").Text("id", controller.Alias),
        ControllerType.VirtioSerial => Virtio.Device("virtio-serial", controller.Address, controller.Model)
            .Text("id", controller.Alias)
            .Number("max_ports", controller.Ports)
            .Number("vectors", controller.Vectors),
        _ => throw new WherryException(ErrorCode.ConfigUnsupported, $"Unsupported controller type: {Name(controller.Type)}"),
    };

    private static Properties Pci(ControllerSpec controller)
    {
        var device = Properties.OfDevice(controller.PciModelName
            ?? throw new WherryException(ErrorCode.InternalError, $"PCI controller '{controller.Index}' has no device model"));
        return controller.Model switch
        {
            "pci-bridge" => device.Number("chassis_nr", controller.ChassisNumber).Text("id", controller.Alias),
            "dmi-to-pci-bridge" or "pcie-switch-upstream-port" or "pcie-to-pci-bridge" => device.Text("id", controller.Alias),
            "pcie-root-port" or "pcie-switch-downstream-port" => device
                .Number("port", controller.Port)
                .Number("chassis", controller.Chassis)
                .Text("id", controller.Alias)
                .Flag("hotplug", controller.Hotplug),
            _ => throw new WherryException(ErrorCode.ConfigUnsupported, $"Unsupported PCI controller model: {controller.Model}"),
        };
    }

    private static Properties Usb(ControllerSpec controller, DomainSpec spec)
    {
        if (controller.Model is null || !UsbDrivers.TryGetValue(controller.Model, out var driver))
            throw new WherryException(ErrorCode.ConfigUnsupported, $"{controller.Model ?? "unknown model"} not supported in this QEMU binary");
        var device = Properties.OfDevice(driver).Number("p2", controller.Ports).Number("p3", controller.Ports);
        if (controller.UsbMasterStartPort is not { } firstPort)
            return device.Text("id", controller.Alias);
        var master = spec.Controllers.FirstOrDefault(c => c.Type == ControllerType.Usb && c.Index == controller.Index && c.UsbMasterStartPort is null)
            ?? throw new WherryException(ErrorCode.InternalError, "masterbus not found");
        return device.Text("masterbus", $"{master.Alias}.0").Number("firstport", firstPort);
    }

    private static Properties Scsi(ControllerSpec controller)
    {
        if (controller.Model?.StartsWith("virtio", StringComparison.Ordinal) == true)
        {
            return Virtio.Device("virtio-scsi", controller.Address, controller.Model)
                .Text("iothread", Disks.IoThread(controller.IoThread))
                .Text("id", controller.Alias)
                .Number("num_queues", controller.Queues)
                .Number("cmd_per_lun", controller.CommandsPerLun)
                .Number("max_sectors", controller.MaxSectors)
                .Flag("ioeventfd", controller.IoEventFd);
        }
        if (controller.Model is null || !ScsiDrivers.TryGetValue(controller.Model, out var driver))
            throw new WherryException(ErrorCode.ConfigUnsupported, $"Unsupported controller model: {controller.Model}");
        return Properties.OfDevice(driver).Text("id", controller.Alias);
    }

    private static string Name(ControllerType type) => type == ControllerType.Ide ? "ide" : "fdc";
}
