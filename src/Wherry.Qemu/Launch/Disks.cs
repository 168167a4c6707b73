using System.Collections.Immutable;
using System.Globalization;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Disks: for each its images from the bottom up (<c>-blockdev</c>), then the guest's device.</summary>
internal static class Disks
{
    public static void Add(Arguments arguments, DomainSpec spec, ImmutableArray<DiskNodes> nodes, BusNames bus, BootIndexes boot)
    {
        AddFloppyController(arguments, spec, boot);
        foreach (var (disk, graph) in spec.Disks.Zip(nodes))
        {
            foreach (var blockdev in BlockNodes.Of(disk, graph))
                arguments.Add("-blockdev", blockdev);
            arguments.AddDevice(Device(disk, graph, bus, boot));
        }
    }

    /// <summary>The floppy controller is part of i440fx machines but a device of its own on q35; either way it knows which drive boots.</summary>
    private static void AddFloppyController(Arguments arguments, DomainSpec spec, BootIndexes boot)
    {
        var floppies = spec.Disks.Where(disk => disk.Bus == DiskBus.Fdc).ToArray();
        if (floppies.Length == 0)
            return;
        var bootA = Index(unit: 0);
        var bootB = Index(unit: 1);
        if (spec.Os.IsQ35)
        {
            arguments.AddDevice(Properties.OfDevice("isa-fdc").Number("bootindexA", bootA).Number("bootindexB", bootB));
            return;
        }
        if (bootA is not null)
            arguments.Add("-global", $"isa-fdc.bootindexA={bootA}");
        if (bootB is not null)
            arguments.Add("-global", $"isa-fdc.bootindexB={bootB}");

        int? Index(int unit) => floppies.FirstOrDefault(disk => disk.Address is DeviceAddress.Drive drive && drive.Unit == unit) is { } floppy
            ? boot.Of(floppy)
            : null;
    }

    internal static Properties Device(DiskSpec disk, DiskNodes graph, BusNames bus, BootIndexes boot)
    {
        var device = Driver(disk);
        bus.AddDriveAddress(device, disk);
        return device
            .Text("device_id", disk.Bus == DiskBus.Scsi ? disk.Serial ?? $"drive-{disk.Alias}" : null)
            .Flag("share-rw", disk.Shareable ? true : null)
            .Text("drive", BlockNodes.TopNode(disk, graph))
            .Text("id", disk.Alias)
            .Number("bootindex", disk.Device == DiskDevice.Floppy ? null : boot.Of(disk))
            .Number("logical_block_size", disk.LogicalBlockSize)
            .Number("physical_block_size", disk.PhysicalBlockSize)
            .Number("wwn", Wwn(disk))
            .Number("rotation_rate", disk.RotationRate)
            .Text("vendor", disk.Vendor)
            .Text("product", disk.Product)
            .Flag("removable", disk.Bus == DiskBus.Usb ? disk.Removable ?? false : null)
            .OnOff("write-cache", CacheMode.Of(disk)?.WriteBack)
            // libvirt has always escaped spaces, and what reaches the guest must not change now.
            .Text("serial", disk.Serial?.Replace(" ", "\\ ", StringComparison.Ordinal))
            .Text("werror", disk.ErrorPolicy == "enospace" ? "enospc" : disk.ErrorPolicy)
            .Text("rerror", disk.ReadErrorPolicy ?? (disk.ErrorPolicy == "enospace" ? null : disk.ErrorPolicy));
    }

    private static Properties Driver(DiskSpec disk)
    {
        var isCdrom = disk.Device == DiskDevice.Cdrom;
        return disk.Bus switch
        {
            DiskBus.Ide or DiskBus.Sata => Properties.OfDevice(isCdrom ? "ide-cd" : "ide-hd"),
            DiskBus.Scsi => Properties.OfDevice(isCdrom ? "scsi-cd" : "scsi-hd"),
            DiskBus.Usb => Properties.OfDevice("usb-storage"),
            DiskBus.Fdc => Properties.OfDevice("floppy"),
            DiskBus.Virtio => Virtio.Device("virtio-blk", disk.Address, disk.Model)
                .Text("iothread", IoThread(disk.IoThread))
                .Flag("ioeventfd", disk.IoEventFd)
                .Flag("event_idx", disk.EventIdx)
                .Number("num-queues", disk.Queues)
                .Number("queue-size", disk.QueueSize),
            _ => throw new WherryException(ErrorCode.InternalError, $"unsupported disk bus '{disk.Bus}' with device setup"),
        };
    }

    internal static string? IoThread(uint? id) => id is { } number ? new IoThreadSpec(number).ObjectId : null;

    private static long? Wwn(DiskSpec disk)
    {
        if (disk.Wwn is not { } wwn)
            return null;
        var digits = wwn.StartsWith("0x", StringComparison.Ordinal) ? wwn[2..] : wwn;
        return ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? unchecked((long)value)
            : throw new WherryException(ErrorCode.InvalidArg, $"Failed to parse wwn '{wwn}' as number");
    }
}
