using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// Turns a device's XML address into QEMU properties. The XML counts controllers, QEMU names buses after the controllers' ids; the
/// controllers built into the machine have fixed names whatever alias a user gave them.
/// </summary>
internal sealed class BusNames(DomainSpec spec)
{
    public Properties AddAddress(Properties device, DeviceAddress? address) => address switch
    {
        DeviceAddress.Pci pci => device
            .Text("bus", PciBus(pci.Bus))
            .Flag("multifunction", pci.Multifunction)
            .Text("addr", pci.Function == 0 ? $"0x{pci.Slot:x}" : $"0x{pci.Slot:x}.0x{pci.Function:x}"),
        DeviceAddress.Usb usb => device.Text("bus", $"{Controller(ControllerType.Usb, usb.Bus).Alias}.0").Text("port", usb.Port),
        DeviceAddress.VirtioSerial serial => device
            .Text("bus", $"{Controller(ControllerType.VirtioSerial, serial.Controller).Alias}.{serial.Bus}")
            .Number("nr", serial.Port),
        DeviceAddress.Isa isa => device.Number("iobase", isa.IoBase ?? 0).Number("irq", isa.Irq),
        DeviceAddress.Dimm dimm => device.Number("slot", dimm.Slot).Number("addr", dimm.Base == 0 ? null : (long)dimm.Base),
        DeviceAddress.Drive => throw new WherryException(ErrorCode.InternalError, "only a disk can have a drive address"),
        null => device,
        _ => throw new System.Diagnostics.UnreachableException($"{address}"),
    };

    public Properties AddDriveAddress(Properties device, DiskSpec disk)
    {
        if (disk.Address is not DeviceAddress.Drive drive)
            return AddAddress(device, disk.Address);
        return disk.Bus switch
        {
            DiskBus.Ide => device
                .Text("bus", $"{(HasBuiltInIde ? "ide" : Controller(ControllerType.Ide, drive.Controller).Alias)}.{drive.Bus}")
                .Number("unit", drive.Unit),
            DiskBus.Sata => device
                .Text("bus", $"{(spec.Os.IsQ35 && drive.Controller == 0 ? "ide" : Controller(ControllerType.Sata, drive.Controller).Alias)}.{drive.Unit}"),
            DiskBus.Fdc => device.Number("unit", drive.Unit),
            DiskBus.Scsi => AddScsi(device, drive),
            _ => throw new WherryException(ErrorCode.InternalError, $"address type drive is not supported for bus '{disk.Bus}'"),
        };
    }

    public bool HasBuiltInIde => spec.Os.IsI440Fx;

    /// <summary>Parallel SCSI knows targets only; the others have channels, targets and units.</summary>
    private Properties AddScsi(Properties device, DeviceAddress.Drive drive)
    {
        var controller = Controller(ControllerType.Scsi, drive.Controller);
        return controller.Model is "lsilogic" or "ncr53c90" or "dc390" or "am53c974"
            ? device.Text("bus", $"{controller.Alias}.{drive.Bus}").Number("scsi-id", drive.Unit)
            : device.Text("bus", $"{controller.Alias}.0").Number("channel", drive.Bus).Number("scsi-id", drive.Target).Number("lun", drive.Unit);
    }

    private string PciBus(int index) => Controller(ControllerType.Pci, index) switch
    {
        { Model: "pci-root" } => "pci.0",
        { Model: "pcie-root" } => "pcie.0",
        var controller => controller.Alias ?? throw NoAlias(controller),
    };

    private ControllerSpec Controller(ControllerType type, int index)
    {
        // Of an EHCI controller and its companions, which share an index, the EHCI one carries the bus.
        var controller = spec.Controllers.FirstOrDefault(c => c.Type == type && c.Index == index && c.UsbMasterStartPort is null)
            ?? throw new WherryException(ErrorCode.InternalError, $"Could not find {type} controller with index '{index}' required for device");
        return controller.Alias is null ? throw NoAlias(controller) : controller;
    }

    private static WherryException NoAlias(ControllerSpec controller) =>
        new(ErrorCode.InternalError, $"Device alias was not set for {controller.Type} controller with index '{controller.Index}'");
}
