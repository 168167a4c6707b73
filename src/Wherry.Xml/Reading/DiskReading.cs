using System.Xml.Linq;

namespace Wherry.Xml;

internal static class DiskReading
{
    public static DiskSpec Disk(XElement disk)
    {
        var driver = disk.Element("driver");
        var target = disk.RequiredChild("target");
        return new DiskSpec
        {
            Device = disk.Get("device") switch
            {
                null or "disk" => DiskDevice.Disk,
                "cdrom" => DiskDevice.Cdrom,
                "floppy" => DiskDevice.Floppy,
                var other => throw DomainXmlException.NotImplemented(disk.Path() + "/@device", $"disk device '{other}'"),
            },
            Source = Source(disk),
            Format = driver?.Get("type") switch
            {
                null or "raw" => DiskFormat.Raw,
                "qcow2" => DiskFormat.Qcow2,
                var other => throw DomainXmlException.NotImplemented(disk.Path() + "/driver/@type", $"disk format '{other}'"),
            },
            Cache = driver?.Get("cache") is { } cache && cache != "default" ? cache : null,
            Io = driver?.Get("io"),
            Discard = driver?.Get("discard"),
            DetectZeroes = driver?.Get("detect_zeroes"),
            ErrorPolicy = driver?.Get("error_policy"),
            ReadErrorPolicy = driver?.Get("rerror_policy"),
            CopyOnRead = driver.OnOff("copy_on_read"),
            IoEventFd = driver.OnOff("ioeventfd"),
            EventIdx = driver.OnOff("event_idx"),
            Queues = driver.Int("queues"),
            QueueSize = driver.Int("queue_size"),
            TargetDev = target.Required("dev"),
            Bus = target.Get("bus") is { } bus ? Bus(bus, target) : BusOf(target.Required("dev")),
            TrayOpen = target.Get("tray") == "open",
            Removable = target.OnOff("removable"),
            RotationRate = target.Int("rotation_rate"),
            ReadOnly = disk.Element("readonly") is not null || disk.Get("device") == "cdrom",
            Shareable = disk.Element("shareable") is not null,
            Serial = disk.Text("serial"),
            Wwn = disk.Text("wwn"),
            Vendor = disk.Text("vendor"),
            Product = disk.Text("product"),
            Model = disk.Get("model"),
            LogicalBlockSize = disk.Element("blockio").Int("logical_block_size"),
            IoTune = IoTuneSpec.Read(disk),
            IoThread = driver.Number("iothread"),
            PhysicalBlockSize = disk.Element("blockio").Int("physical_block_size"),
        }.Common(disk);
    }

    /// <summary>The bus that libvirt assumes for a target name when none is given.</summary>
    public static DiskBus BusOf(string targetDev) => targetDev switch
    {
        ['f', 'd', ..] => DiskBus.Fdc,
        ['s', 'd', ..] => DiskBus.Scsi,
        ['v', 'd', ..] => DiskBus.Virtio,
        ['u', 'b', 'd', ..] => DiskBus.Usb,
        _ => DiskBus.Ide,
    };

    private static DiskSource? Source(XElement disk)
    {
        var source = disk.Element("source");
        var type = disk.Get("type") ?? "file";
        var path = type switch
        {
            "file" => source?.Get("file"),
            "block" => source?.Get("dev"),
            _ => throw DomainXmlException.NotImplemented(disk.Path() + "/@type", $"disk type '{type}'"),
        };
        if (string.IsNullOrEmpty(path))
            return null;
        DiskSource result = type == "file" ? new DiskSource.File(path) : new DiskSource.Block(path);
        return result with { StartupPolicy = source!.Get("startupPolicy"), Index = source.Int("index") };
    }

    private static DiskBus Bus(string bus, XElement target) => bus switch
    {
        "ide" => DiskBus.Ide,
        "fdc" => DiskBus.Fdc,
        "scsi" => DiskBus.Scsi,
        "virtio" => DiskBus.Virtio,
        "usb" => DiskBus.Usb,
        "sata" => DiskBus.Sata,
        _ => throw DomainXmlException.NotImplemented(target.Path() + "/@bus", $"disk bus '{bus}'"),
    };
}
