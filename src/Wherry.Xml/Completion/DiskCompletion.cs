using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>Completes disks. A disk's target name says which bus it is on and, by its place in the alphabet, which unit it is.</summary>
internal static class DiskCompletion
{
    /// <summary>SCSI: seven units for each controller, as long as all are narrow.</summary>
    private const int ScsiUnits = 7;
    private const int SataUnits = 6;
    private const int IdeUnits = 4;
    private const int FloppyUnits = 2;

    private static readonly string[] Prefixes = ["fd", "hd", "vd", "sd", "xvd", "ubd"];

    /// <summary>Disks of one bus stand together, in the order of their names, where the first of that bus stood.</summary>
    public static void Sort(XElement devices)
    {
        var sorted = new List<XElement>();
        foreach (var disk in devices.Elements("disk"))
        {
            var bus = disk.Get("target", "bus");
            var place = -1;
            for (var i = sorted.Count - 1; i >= 0; i--)
            {
                if (sorted[i].Get("target", "bus") != bus)
                    continue;
                if (IndexOf(sorted[i].Get("target", "dev")) > IndexOf(disk.Get("target", "dev")))
                    place = i;
                else if (place == -1)
                    place = i + 1;
            }

            sorted.Insert(place == -1 ? sorted.Count : place, disk);
        }

        devices.Elements("disk").Remove();
        devices.Add(sorted);
    }

    public static void Complete(XElement disk)
    {
        var target = disk.Element("target");
        var name = target?.Get("dev") is { Length: > 0 } dev ? dev : throw DomainXmlException.Of(ErrorCode.NoTarget, disk.Get("source", "file") ?? "disk", disk);
        var device = disk.Get("device");
        CompleteSource(disk, name, device);

        var driver = DomainTree.Child(disk, "driver");
        driver.SetAttributeValue("name", "qemu");
        driver.SetAttributeValue("type", driver.Get("type") ?? "raw");
        if (device == "cdrom" && disk.Element("readonly") is null)
            disk.Add(new XElement("readonly"));

        var bus = target.Get("bus") ?? (device == "floppy" ? "fdc" : name switch
        {
            ['s', 'd', ..] => "scsi",
            ['v', 'd', ..] => "virtio",
            _ => "ide",
        });
        target.SetAttributeValue("bus", bus);
        if (device == "disk")
            target.SetAttributeValue("tray", null);
        if (bus != "usb")
            target.SetAttributeValue("removable", null);
        if (target.Get("rotation_rate") == "0")
            target.SetAttributeValue("rotation_rate", null);
        if (disk.Element("address") is null)
            Place(disk, bus, name);
    }

    public static void Check(DomainTree tree)
    {
        var disks = tree.Of("disk").ToList();
        if (disks.GroupBy(disk => disk.Get("target", "dev"), StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw DomainXmlException.Invalid($"target '{twice.Key}' duplicated for disk sources '{Sources(twice)}'", twice.Last());
        foreach (var disk in disks)
            CheckOne(disk, tree.Os, tree.Domain);

        var places = disks.Where(disk => disk.Place() is DeviceAddress.Drive)
            .GroupBy(disk => (disk.Get("target", "bus"), disk.Place()))
            .FirstOrDefault(group => group.Count() > 1);
        if (places?.Key.Item2 is DeviceAddress.Drive drive)
        {
            throw DomainXmlException.Unsupported(
                $"Found duplicate drive address for disk with target name '{places.First().Get("target", "dev")}' "
                + $"controller='{drive.Controller}' bus='{drive.Bus}' target='{drive.Target}' unit='{drive.Unit}'",
                places.Last());
        }
    }

    /// <summary>What a disk cannot be, whatever others there are.</summary>
    public static void CheckOne(XElement disk, OsSpec os, XElement domain)
    {
        var bus = disk.Get("target", "bus")!;
        CheckIoTune(disk);
        if (disk.Get("model") is not null && bus != "virtio")
            throw DomainXmlException.Unsupported($"disk model '{disk.Get("model")}' not supported for bus '{bus}'", disk);
        var name = disk.Get("target", "dev")!;
        if (disk.Get("device") is null or "disk" && !Prefixes.Any(prefix => prefix != "fd" && name.StartsWith(prefix, StringComparison.Ordinal)))
            throw DomainXmlException.Internal($"Invalid harddisk device name: {name}", disk);
        if (IndexOf(name) < 0)
            throw DomainXmlException.Unsupported($"invalid disk target '{name}'", disk);
        if (char.IsAsciiDigit(name[^1]))
            throw DomainXmlException.Unsupported($"invalid disk target '{name}', partitions can't appear in disk targets", disk);
        if (bus is "ide" && os.IsQ35)
            throw DomainXmlException.Unsupported("IDE controllers are unsupported for this QEMU binary or machine type", disk);
        if ((disk.Get("device") == "floppy") != (bus == "fdc"))
            throw DomainXmlException.Unsupported($"Invalid bus type '{bus}' for {(bus == "fdc" ? "disk" : "floppy disk")}", disk);
        if (disk.Get("device") == "cdrom" && bus == "virtio")
            throw DomainXmlException.Unsupported($"disk type of '{disk.Get("target", "dev")}' does not support ejectable media", disk);
        if (bus is not ("virtio" or "usb") && disk.Place() is not DeviceAddress.Drive)
            throw DomainXmlException.Unsupported($"unexpected address type for {bus} disk", disk);
        IoThreadCompletion.CheckDevice(disk, domain);
    }

    /// <summary>"sda" is 0, "sdb" 1, "sdaa" 26; -1 for a name that has no place.</summary>
    public static int IndexOf(string? name)
    {
        var prefix = Array.Find(Prefixes, prefix => name?.StartsWith(prefix, StringComparison.Ordinal) == true);
        if (prefix is null)
            return -1;
        var letters = name!.AsSpan(prefix.Length).TrimEnd("0123456789");
        if (letters.Length is 0 or > 5)
            return -1;
        var index = 0;
        foreach (var letter in letters)
        {
            if (!char.IsAsciiLetterLower(letter))
                return -1;
            index = (index * 26) + (letter - 'a' + 1);
        }

        return index - 1;
    }

    private static void CheckIoTune(XElement disk)
    {
        if (IoTuneSpec.Read(disk)?.Contradiction is { } field)
            throw DomainXmlException.Invalid($"total and read/write {field} cannot be set at the same time", disk);
    }

    private static void CompleteSource(XElement disk, string name, string? device)
    {
        var attribute = disk.Get("type") == "block" ? "dev" : "file";
        if (disk.Element("source") is { } source)
        {
            // The number of the node in a running QEMU means nothing in a definition.
            source.SetAttributeValue("index", null);
            source.SetAttributeValue(attribute == "dev" ? "file" : "dev", null);
            if (source.Get(attribute) is "")
                source.SetAttributeValue(attribute, null);
            if (!source.HasAttributes && !source.HasElements)
                source.Remove();
        }

        if (disk.Get("source", attribute) is null)
        {
            if (device == "disk")
                throw DomainXmlException.Of(ErrorCode.NoSource, name, disk);
            // An empty drive is of no type; libvirt then says "file".
            disk.SetAttributeValue("type", "file");
        }

        disk.Elements("mirror").Remove();
        if (disk.Element("backingStore") is { HasElements: true } chain)
            throw DomainXmlException.NotImplemented(chain.Path(), "a backing chain written out");
    }

    private static void Place(XElement disk, string bus, string name)
    {
        var index = IndexOf(name);
        if (index < 0)
            throw DomainXmlException.Invalid($"Unknown disk name '{name}' and no address specified", disk);
        DeviceAddress? place = bus switch
        {
            "scsi" => new DeviceAddress.Drive(index / ScsiUnits, 0, 0, index % ScsiUnits),
            "ide" => new DeviceAddress.Drive(index / IdeUnits, index % IdeUnits / 2, 0, index % 2),
            "sata" => new DeviceAddress.Drive(index / SataUnits, 0, 0, index % SataUnits),
            "fdc" => new DeviceAddress.Drive(index / FloppyUnits, 0, 0, index % FloppyUnits),
            _ => null,
        };
        if (place is not null)
            disk.SetPlace(place);
    }

    private static string Sources(IEnumerable<XElement> disks) =>
        string.Join("' and '", disks.Select(disk => disk.Get("source", "file") ?? disk.Get("source", "dev") ?? ""));
}
