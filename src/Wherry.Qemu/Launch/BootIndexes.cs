using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// The bootindex of each device. With <c>&lt;boot dev=…/&gt;</c> under <c>&lt;os&gt;</c> the n-th entry gives its number to the first device
/// of that kind; otherwise devices carry their own <c>&lt;boot order=…/&gt;</c>.
/// </summary>
internal sealed class BootIndexes
{
    private readonly Dictionary<DeviceSpec, int> _byDevice = new(ReferenceEqualityComparer.Instance);

    public BootIndexes(DomainSpec spec)
    {
        for (var i = 0; i < spec.Os.BootDevices.Length; i++)
        {
            DeviceSpec? first = spec.Os.BootDevices[i] switch
            {
                BootDevice.Hd => spec.Disks.FirstOrDefault(disk => disk.Device == DiskDevice.Disk),
                BootDevice.Cdrom => spec.Disks.FirstOrDefault(disk => disk.Device == DiskDevice.Cdrom),
                BootDevice.Fd => spec.Disks.FirstOrDefault(disk => disk.Device == DiskDevice.Floppy),
                _ => spec.Interfaces.FirstOrDefault(),
            };
            // A kind named twice counts where it was named last, as in libvirt.
            if (first is not null)
                _byDevice[first] = i + 1;
        }
    }

    public int? Of(DeviceSpec device) => _byDevice.TryGetValue(device, out var index) ? index : device.BootOrder;
}
