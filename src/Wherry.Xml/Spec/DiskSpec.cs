namespace Wherry.Xml;

public sealed record DiskSpec : DeviceSpec
{
    public required DiskDevice Device { get; init; }

    /// <summary>null: a drive without medium (cdrom or floppy).</summary>
    public DiskSource? Source { get; init; }

    public required DiskFormat Format { get; init; }

    /// <summary>"none", "writeback", "writethrough", "directsync" or "unsafe"; null for QEMU's default.</summary>
    public string? Cache { get; init; }

    /// <summary>"native", "threads" or "io_uring".</summary>
    public string? Io { get; init; }

    /// <summary>"unmap" or "ignore".</summary>
    public string? Discard { get; init; }

    /// <summary>"off", "on" or "unmap".</summary>
    public string? DetectZeroes { get; init; }

    /// <summary>What QEMU does when a write fails: "stop", "report", "ignore" or "enospace".</summary>
    public string? ErrorPolicy { get; init; }

    /// <summary>What QEMU does when a read fails: "stop", "report" or "ignore".</summary>
    public string? ReadErrorPolicy { get; init; }

    public bool? CopyOnRead { get; init; }

    public bool? IoEventFd { get; init; }

    public bool? EventIdx { get; init; }

    public int? Queues { get; init; }

    public int? QueueSize { get; init; }

    /// <summary>The guest-side name libvirt's API knows the disk by, such as <c>vda</c>. Only a hint to the guest.</summary>
    public required string TargetDev { get; init; }

    public required DiskBus Bus { get; init; }

    /// <summary>A removable drive whose tray is open.</summary>
    public bool TrayOpen { get; init; }

    public bool? Removable { get; init; }

    public bool ReadOnly { get; init; }

    public bool Shareable { get; init; }

    public string? Serial { get; init; }

    public string? Wwn { get; init; }

    public string? Vendor { get; init; }

    public string? Product { get; init; }

    /// <summary>virtio's flavour: null for plain <c>virtio</c>, or "virtio-transitional" / "virtio-non-transitional".</summary>
    public string? Model { get; init; }

    public int? LogicalBlockSize { get; init; }

    public int? PhysicalBlockSize { get; init; }

    public int? RotationRate { get; init; }

    /// <summary>Limits of its throughput; null for none.</summary>
    public IoTuneSpec? IoTune { get; init; }

    /// <summary>The I/O thread that serves it; null for QEMU's main loop.</summary>
    public uint? IoThread { get; init; }
}

public enum DiskDevice
{
    Disk,
    Cdrom,
    Floppy,
}

public enum DiskFormat
{
    Raw,
    Qcow2,
}

public enum DiskBus
{
    Ide,
    Fdc,
    Scsi,
    Virtio,
    Usb,
    Sata,
}

/// <summary>Where the bytes of a disk are.</summary>
public abstract record DiskSource
{
    private DiskSource()
    {
    }

    /// <summary>"mandatory", "requisite" or "optional": what to do if the medium is missing at start.</summary>
    public string? StartupPolicy { get; init; }

    /// <summary>The number in the node names libvirt shows (<c>libvirt-N-format</c>); only in live XML.</summary>
    public int? Index { get; init; }

    public abstract string Path { get; init; }

    public sealed record File(string Path) : DiskSource
    {
        public override string Path { get; init; } = Path;
    }

    public sealed record Block(string Path) : DiskSource
    {
        public override string Path { get; init; } = Path;
    }
}
