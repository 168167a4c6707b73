using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>The table of what each device must be plugged into; None for those that are not on PCI.</summary>
internal static class PciNeeds
{
    private const PciConnect Conventional = PciConnect.Pci | PciConnect.AutoAssign;

    /// <param name="pcieGuest">The guest has a pcie-root: modern devices go to Express slots there, and to PCI slots elsewhere.</param>
    public static PciConnect Of(XElement device, bool pcieGuest)
    {
        var express = pcieGuest ? PciConnect.Pcie | PciConnect.AutoAssign : Conventional;
        return device.Name.LocalName switch
        {
            "controller" => Controller(device, express),
            "interface" => device.Get("model", "type") switch
            {
                "e1000e" => express,
                var model => Virtio(model, express) ?? (model == "usb-net" ? PciConnect.None : Conventional),
            },
            "disk" when device.Get("target", "bus") == "virtio" => Virtio(device.Get("model") ?? "virtio", express)!.Value,
            "memballoon" or "rng" => Virtio(device.Get("model"), express) ?? PciConnect.None,
            "sound" when device.Get("model") != "sb16" => Conventional,
            "watchdog" when device.Get("model") == "i6300esb" => Conventional,
            "video" => device.Get("model", "type") switch
            {
                "virtio" or "bochs" => express,
                "vga" or "cirrus" or "qxl" => Conventional,
                _ => PciConnect.None,
            },
            "input" when device.Get("bus") == "virtio" => Virtio(device.Get("model") ?? "virtio", express)!.Value,
            "serial" when device.Get("target", "type") == "pci-serial" => Conventional,
            _ => PciConnect.None,
        };
    }

    private static PciConnect Controller(XElement controller, PciConnect express)
    {
        var model = controller.Get("model");
        return controller.Get("type") switch
        {
            "pci" => PciBus.Needs(model),
            "sata" or "ide" => Conventional,
            "usb" => model switch
            {
                "none" => PciConnect.None,
                "nec-xhci" or "qemu-xhci" => express,
                _ => Conventional,
            },
            "scsi" => model is null or "ncr53c90" ? PciConnect.None : Virtio(model == "virtio-scsi" ? "virtio" : model, express) ?? Conventional,
            "virtio-serial" => Virtio(model ?? "virtio", express)!.Value,
            _ => PciConnect.None,
        };
    }

    // A transitional device has legacy I/O ports, which only a conventional slot offers.
    private static PciConnect? Virtio(string? model, PciConnect express) => model switch
    {
        "virtio" or "virtio-non-transitional" => express,
        "virtio-transitional" => Conventional,
        _ => null,
    };
}
