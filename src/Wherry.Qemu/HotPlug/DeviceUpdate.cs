using Wherry.Xml;

namespace Wherry.Qemu.HotPlug;

/// <summary>What of a running guest's device cannot be changed, in libvirt's order and words. What is not said does not count as changed.</summary>
internal static class DeviceUpdate
{
    /// <exception cref="WherryException">OperationUnsupported, naming the first field that differs and must not.</exception>
    public static void CheckDisk(DiskSpec old, DiskSpec wanted)
    {
        Always(old.Device, wanted.Device, "device");
        Always(old.Bus, wanted.Bus, "bus");
        Always(old.LogicalBlockSize ?? 0, wanted.LogicalBlockSize ?? 0, "blockio logical_block_size");
        Always(old.PhysicalBlockSize ?? 0, wanted.PhysicalBlockSize ?? 0, "blockio physical_block_size");
        foreach (var limit in IoTuneSpec.Fields.Where(limit => limit != IoTuneSpec.Group && !limit.EndsWith("_length", StringComparison.Ordinal)))
        {
            if (wanted.IoTune?[limit] is { } given and not 0)
                Always(old.IoTune?[limit] ?? 0, given, "blkdeviotune " + limit);
        }
        WhereGiven(old.IoTune?.GroupName, wanted.IoTune?.GroupName, "blkdeviotune group name");
        WhereGiven(old.Serial, wanted.Serial, "serial");
        WhereGiven(old.Wwn, wanted.Wwn, "wwn");
        WhereGiven(old.Vendor, wanted.Vendor, "vendor");
        WhereGiven(old.Product, wanted.Product, "product");
        WhereGiven(old.Cache, wanted.Cache, "cache");
        WhereGiven(old.ErrorPolicy, wanted.ErrorPolicy, "error_policy");
        WhereGiven(old.ReadErrorPolicy, wanted.ReadErrorPolicy, "rerror_policy");
        WhereGiven(old.Io, wanted.Io, "io");
        WhereGiven(old.IoEventFd, wanted.IoEventFd, "ioeventfd");
        WhereGiven(old.EventIdx, wanted.EventIdx, "event_idx");
        WhereGiven(old.CopyOnRead, wanted.CopyOnRead, "copy_on_read");
        WhereGiven(old.Address, wanted.Address, "address");
        WhereGiven(old.BootOrder, wanted.BootOrder, "boot order");
        WhereGiven(old.Discard, wanted.Discard, "discard");
        WhereGiven(old.IoThread, wanted.IoThread, "iothread");
        WhereGiven(old.ReadOnly, wanted.ReadOnly ? true : (bool?)null, "readonly");
        WhereGiven(old.Shareable, wanted.Shareable ? true : (bool?)null, "shared");

        static void WhereGiven<T>(T? was, T? now, string field)
        {
            if (now is not null)
                Always(was, now, field);
        }

        static void Always<T>(T? was, T? now, string field)
        {
            if (!EqualityComparer<T?>.Default.Equals(was, now))
                throw Unsupported($"cannot modify field '{field}' of the disk");
        }
    }

    /// <exception cref="WherryException">OperationUnsupported.</exception>
    public static void CheckInterface(InterfaceSpec old, InterfaceSpec wanted)
    {
        if (old.Mac != wanted.Mac)
            throw Unsupported($"cannot change network interface mac address from {old.Mac} to {wanted.Mac}");
        if (old.Model != wanted.Model)
            throw Unsupported($"cannot modify network device model from {old.Model} to {wanted.Model}");
        if (old.DriverName != wanted.DriverName || old.Queues != wanted.Queues || old.RxQueueSize != wanted.RxQueueSize || old.TxQueueSize != wanted.TxQueueSize)
            throw Unsupported("cannot modify virtio network device driver attributes");
        if (old.ScriptPath != wanted.ScriptPath)
            throw Unsupported("cannot modify network device script attribute");
        if (wanted.TargetDev is { } tap && tap != old.TargetDev)
            throw Unsupported("cannot modify network device tap name");
        if (wanted.Address is { } address && address != old.Address)
            throw Unsupported("cannot modify network device guest PCI address");
        if (wanted.BootOrder is { } order && order != old.BootOrder)
            throw Unsupported("cannot modify network device boot index setting");
        if (old.Mtu != wanted.Mtu)
            throw Unsupported("cannot modify MTU");
        if (old.Type != wanted.Type)
            throw Unsupported($"unable to change config on '{wanted.Type.ToString().ToLowerInvariant()}' network type");
    }

    /// <exception cref="WherryException">OperationUnsupported.</exception>
    public static void CheckGraphics(GraphicsSpec old, GraphicsSpec wanted)
    {
        var (was, now) = (old.Listens[0], wanted.Listens[0]); // A completed display has exactly one.
        if (was.GetType() != now.GetType())
            throw Unsupported("cannot change the type of listen address on 'vnc' graphics");
        if (was is GraphicsListen.Address && was != now)
            throw Unsupported("cannot change listen address setting on 'vnc' graphics");
        if (was is GraphicsListen.Socket && was != now)
            throw Unsupported("cannot change listen socket setting on 'vnc' graphics");
        if (old.AutoPort != wanted.AutoPort || (!wanted.AutoPort && old.Port != wanted.Port))
            throw Unsupported("cannot change port settings on vnc graphics");
        if (old.Keymap != wanted.Keymap)
            throw Unsupported("cannot change keymap setting on vnc graphics");
    }

    /// <summary>What QEMU calls the part of a drive that has the medium.</summary>
    public static string QomName(DiskSpec disk) => disk.Bus switch
    {
        DiskBus.Virtio => $"/machine/peripheral/{disk.Alias}/virtio-backend",
        DiskBus.Usb => $"/machine/peripheral/{disk.Alias}/{disk.Alias}.0/legacy[0]",
        _ => disk.Alias!,
    };

    private static WherryException Unsupported(string detail) => new(ErrorCode.OperationUnsupported, detail);
}
