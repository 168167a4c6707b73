namespace Wherry.Xml;

public sealed record ControllerSpec : DeviceSpec
{
    public required ControllerType Type { get; init; }

    public required int Index { get; init; }

    /// <summary>libvirt's model name (<c>pcie-root-port</c>, <c>qemu-xhci</c>, <c>virtio-scsi</c>, <c>ich9-ehci1</c> …); null where the type has one only.</summary>
    public string? Model { get; init; }

    /// <summary>QEMU's device for a pci controller, <c>&lt;model name=…/&gt;</c>: <c>pcie-root-port</c>, <c>ioh3420</c>, <c>pci-bridge</c> …</summary>
    public string? PciModelName { get; init; }

    public int? Chassis { get; init; }

    /// <summary>pcie-root-port's port number; 0xSF for slot S, function F where libvirt chose it.</summary>
    public int? Port { get; init; }

    public int? ChassisNumber { get; init; }

    public bool? Hotplug { get; init; }

    public ByteSize? PciHole64 { get; init; }

    /// <summary>virtio-serial: number of ports; usb: number of root ports.</summary>
    public int? Ports { get; init; }

    public int? Vectors { get; init; }

    public int? Queues { get; init; }

    public int? CommandsPerLun { get; init; }

    public int? MaxSectors { get; init; }

    public bool? IoEventFd { get; init; }

    /// <summary>The I/O thread that serves its disks; null for QEMU's main loop.</summary>
    public uint? IoThread { get; init; }

    /// <summary>First port of the EHCI controller that this UHCI companion serves.</summary>
    public int? UsbMasterStartPort { get; init; }
}

public enum ControllerType
{
    Ide,
    Fdc,
    Scsi,
    Sata,
    VirtioSerial,
    Usb,
    Pci,
}
