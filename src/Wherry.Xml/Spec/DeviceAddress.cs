namespace Wherry.Xml;

/// <summary>Where a device sits in the guest: the <c>&lt;address&gt;</c> element. Part of the guest's hardware, so part of its ABI.</summary>
public abstract record DeviceAddress
{
    private DeviceAddress()
    {
    }

    /// <summary>A PCI function. <paramref name="Bus"/> is the index of the pci controller the device is plugged into.</summary>
    public sealed record Pci(int Domain, int Bus, int Slot, int Function, bool? Multifunction = null) : DeviceAddress;

    /// <summary>A unit on a storage controller. Which numbers matter depends on the bus: IDE has bus and unit, SATA and virtio-scsi unit and target.</summary>
    public sealed record Drive(int Controller, int Bus, int Target, int Unit) : DeviceAddress;

    /// <summary>A USB port such as "1" or "1.2" (port 2 of the hub on port 1); null while no port has been chosen.</summary>
    public sealed record Usb(int Bus, string? Port) : DeviceAddress;

    /// <summary>A port of a virtio-serial controller. Port 0 is reserved for the first virtio console.</summary>
    public sealed record VirtioSerial(int Controller, int Bus, int Port) : DeviceAddress;

    /// <summary>A slot for a memory module, and where in the guest's memory it begins; 0 while QEMU has not chosen.</summary>
    public sealed record Dimm(uint Slot, ulong Base) : DeviceAddress;

    /// <summary>An ISA device whose I/O base and interrupt were written out by the user.</summary>
    public sealed record Isa(uint? IoBase, uint? Irq) : DeviceAddress;
}
