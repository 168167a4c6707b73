using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Reads and writes the <c>&lt;address&gt;</c> of a device element.</summary>
internal static class Placement
{
    public static DeviceAddress? Place(this XElement device) =>
        device.Element("address") is { } address ? DeviceReading.Address(address) : null;

    /// <summary>The PCI address, unless it is one that says "any": libvirt takes 0:0:0.x for that.</summary>
    public static DeviceAddress.Pci? PciPlace(this XElement device) =>
        device.Place() is DeviceAddress.Pci pci && (pci.Domain != 0 || pci.Bus != 0 || pci.Slot != 0) ? pci : null;

    /// <summary>True when the device has no address of any type yet, or a PCI address that says "any".</summary>
    public static bool WantsPci(this XElement device) =>
        device.Element("address") is not { } address || (address.Get("type") == "pci" && device.PciPlace() is null);

    public static void SetPlace(this XElement device, DeviceAddress place)
    {
        device.Elements("address").Remove();
        device.Add(Format(place));
    }

    public static XElement Format(DeviceAddress place) => place switch
    {
        DeviceAddress.Pci pci => Address(
            "pci",
            ("domain", Hex(pci.Domain, 4)),
            ("bus", Hex(pci.Bus, 2)),
            ("slot", Hex(pci.Slot, 2)),
            ("function", Hex(pci.Function, 1)),
            ("multifunction", pci.Multifunction switch { null => null, true => "on", false => "off" })),
        DeviceAddress.Drive drive => Address(
            "drive",
            ("controller", DomainTree.Text(drive.Controller)),
            ("bus", DomainTree.Text(drive.Bus)),
            ("target", DomainTree.Text(drive.Target)),
            ("unit", DomainTree.Text(drive.Unit))),
        DeviceAddress.Usb usb => Address("usb", ("bus", DomainTree.Text(usb.Bus)), ("port", usb.Port)),
        DeviceAddress.VirtioSerial serial => Address(
            "virtio-serial",
            ("controller", DomainTree.Text(serial.Controller)),
            ("bus", DomainTree.Text(serial.Bus)),
            ("port", DomainTree.Text(serial.Port))),
        _ => throw new System.Diagnostics.UnreachableException(place.ToString()),
    };

    public static string Hex(int number, int digits) => "0x" + number.ToString("x", CultureInfo.InvariantCulture).PadLeft(digits, '0');

    private static XElement Address(string type, params ReadOnlySpan<(string Name, string? Value)> parts)
    {
        var address = new XElement("address", new XAttribute("type", type));
        foreach (var (name, value) in parts)
            address.SetAttributeValue(name, value);
        return address;
    }
}
