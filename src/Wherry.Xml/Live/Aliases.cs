using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Names every device of a domain that is about to run. The names are QEMU's device ids, so they are in the migration stream's
/// section names and must come out the same on both hosts.
/// </summary>
internal static class Aliases
{
    public static void Assign(XElement domain)
    {
        var devices = domain.Element("devices")!;
        var os = MachineReading.Os(domain.Element("os"));
        foreach (var disk in devices.Elements("disk"))
            Name(disk, OfDisk(disk, devices));
        foreach (var (kind, prefix) in Numbered)
            Number(devices.Elements(kind), prefix);
        foreach (var (kind, prefix) in NumberedAfterHighest)
            NumberAfterHighest(devices.Elements(kind).ToList(), prefix);
        foreach (var controller in devices.Elements("controller"))
            Name(controller, OfController(controller, os));
        foreach (var module in devices.Elements("memory"))
            Name(module, OfModule(module));
        foreach (var watchdog in devices.Elements("watchdog"))
            Name(watchdog, "watchdog0");
        foreach (var balloon in devices.Elements("memballoon").Where(balloon => balloon.Get("model") != "none"))
            Name(balloon, "balloon0");

        var console = devices.Element("console");
        if (console?.Get("target", "type") == "serial" && devices.Element("serial") is { } serial)
        {
            console.Elements("alias").Remove();
            Name(console, serial.Get("alias", "name")!);
        }
    }

    /// <summary>Kinds whose device at place N is named for N, whatever the others are called.</summary>
    private static readonly (string Kind, string Prefix)[] Numbered =
        [("video", "video"), ("input", "input"), ("parallel", "parallel"), ("serial", "serial"), ("channel", "channel"), ("console", "console"), ("hub", "hub"), ("sound", "sound")];

    /// <summary>Kinds whose device gets the number after the highest that is taken.</summary>
    private static readonly (string Kind, string Prefix)[] NumberedAfterHighest = [("interface", "net"), ("rng", "rng")];

    /// <summary>The name of a device that is plugged into a running domain.</summary>
    public static string OfPlugged(XElement device, XElement devices, OsSpec os) => device.Name.LocalName switch
    {
        "disk" => OfDisk(device, devices),
        "controller" => OfController(device, os),
        "interface" => AfterHighest(devices, device, "net"),
        "watchdog" => "watchdog0",
        "memory" => OfModule(device),
        // A console that is the first serial port has the port's name, and counts.
        "console" => AfterHighest(devices, device, "console", "serial"),
        var kind => AfterHighest(devices, device, kind),
    };

    private static string AfterHighest(XElement devices, XElement device, params string[] prefixes) => prefixes[0] + DomainTree.Text(1 + devices
        .Elements(device.Name).Where(other => other != device)
        .Select(other => prefixes.Max(prefix => NumberOf(other, prefix))).DefaultIfEmpty(-1).Max());

    private static int NumberOf(XElement device, string prefix) =>
        device.Get("alias", "name") is { } name && name.StartsWith(prefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(prefix.Length), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? number
            : -1;

    private static void Number(IEnumerable<XElement> devices, string prefix)
    {
        var number = 0;
        foreach (var device in devices)
            Name(device, prefix + DomainTree.Text(number++));
    }

    private static void NumberAfterHighest(List<XElement> devices, string prefix)
    {
        foreach (var device in devices)
        {
            var highest = devices.Max(other => other.Get("alias", "name") is { } name && name.StartsWith(prefix, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(prefix.Length), out var number) ? number : -1);
            Name(device, prefix + DomainTree.Text(highest + 1));
        }
    }

    private static string OfModule(XElement module) =>
        $"dimm{(module.Place() as DeviceAddress.Dimm)?.Slot.ToString(System.Globalization.CultureInfo.InvariantCulture)}";

    private static string OfDisk(XElement disk, XElement devices)
    {
        var bus = disk.Get("target", "bus")!;
        if (disk.Place() is not DeviceAddress.Drive drive)
            return $"{bus}-disk{DiskCompletion.IndexOf(disk.Get("target", "dev"))}";
        var controller = devices.Elements("controller").FirstOrDefault(one => one.Get("type") == bus && one.Int("index") == drive.Controller);
        return bus != "scsi" || controller?.Get("model") == "lsilogic"
            ? $"{bus}{drive.Controller}-{drive.Bus}-{drive.Unit}"
            : $"{bus}{drive.Controller}-{drive.Bus}-{drive.Target}-{drive.Unit}";
    }

    // The chipset's own controllers have the names that QEMU hard-codes.
    private static string OfController(XElement controller, OsSpec os)
    {
        var index = controller.Get("index");
        return (controller.Get("type"), index) switch
        {
            ("pci", _) => (controller.Get("model") == "pcie-root" ? "pcie." : "pci.") + index,
            ("ide", "0") when os.IsI440Fx => "ide",
            ("sata", "0") when os.IsQ35 => "ide",
            ("usb", "0") => "usb",
            var (type, _) => type + index,
        };
    }

    private static void Name(XElement device, string alias)
    {
        if (device.Element("alias") is null)
            device.Add(new XElement("alias", new XAttribute("name", alias)));
    }
}
