using System.Xml.Linq;
using static Wherry.Xml.Values;

namespace Wherry.Xml;

/// <summary><c>&lt;address&gt;</c>: each type has its own attributes, written in its own order and number base.</summary>
internal static class AddressShape
{
    public static XElement? Normalise(XElement address)
    {
        var type = address.Get("type");
        var result = new XElement("address", new XAttribute("type", type ?? throw DomainXmlException.Invalid("No type specified for device address", address)));
        switch (type)
        {
            case "pci":
                // Naming only the type asks for a PCI address without saying which.
                if (address.Attributes().All(attribute => attribute.Name.LocalName is "type" or "multifunction"))
                {
                    Set("multifunction", OnOff, null);
                    break;
                }

                Set("domain", Hex(4), "0x0000");
                Set("bus", Hex(2), "0x00");
                if (address.Number("slot") > 0x1f)
                    throw DomainXmlException.Invalid($"Invalid PCI address slot='{address.Get("slot")}', must be <= 0x1F", address);
                Set("slot", Hex(2), "0x00");
                Set("function", Hex(1), "0x0");
                Set("multifunction", OnOff, null);
                break;
            case "drive":
                Set("controller", Uint, "0");
                Set("bus", Uint, "0");
                Set("target", Uint, "0");
                Set("unit", Uint, "0");
                break;
            case "usb":
                Set("bus", Uint, "0");
                Set("port", UsbPort, null);
                break;
            case "virtio-serial":
                Set("controller", Uint, "0");
                Set("bus", Uint, "0");
                Set("port", Uint, "0");
                break;
            case "isa":
                Set("iobase", Hex(1), null);
                Set("irq", Hex(1), null);
                break;
            case "dimm":
                address.Required("slot");
                Set("slot", Uint, null);
                Set("base", text => Hex(1)(text) is var place && place == "0x0" ? "" : place, null);
                break;
            case "ccid" or "spapr-vio" or "virtio-s390" or "ccw" or "virtio-mmio" or "unassigned":
                throw DomainXmlException.NotImplemented(address.Path() + "/@type", $"address type '{type}'");
            default:
                throw DomainXmlException.Internal($"unknown address type '{type}'", address);
        }

        return result;

        void Set(string name, ValueRule rule, string? otherwise)
        {
            var text = address.Get(name);
            var value = text is null ? otherwise : rule(text) ?? throw XElementReading.InvalidValue(address, name, text);
            if (value is { Length: > 0 })
                result.SetAttributeValue(name, value);
        }
    }

    // Up to four ports deep: "1.2.3.4".
    private static string? UsbPort(string text)
    {
        var ports = text.Split('.');
        return ports.Length <= 4 && Array.TrueForAll(ports, port => Positive(port) is not null) ? text : null;
    }
}
