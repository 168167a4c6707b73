using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Gives channels and virtio consoles their port on a virtio-serial controller. Port 0 belongs to the first virtio console.</summary>
internal sealed class VirtioSerialPorts
{
    /// <summary>QEMU's own limit for a controller that states none.</summary>
    private const int DefaultPorts = 31;

    private readonly DomainTree _tree;
    private readonly SortedDictionary<int, bool[]> _controllers = [];

    private VirtioSerialPorts(DomainTree tree)
    {
        _tree = tree;
        foreach (var controller in tree.Controllers("virtio-serial"))
            Add(controller);
    }

    public static void Complete(DomainTree tree)
    {
        var ports = new VirtioSerialPorts(tree);
        var consoles = tree.Of("console").Where(console => console.Get("target", "type") == "virtio").ToList();
        var channels = tree.Of("channel").ToList();
        foreach (var device in channels.Concat(consoles))
        {
            if (device.Place() is DeviceAddress.VirtioSerial { Port: not 0 } place)
                ports.Reserve(place);
        }

        // libvirt sets a port aside for a console that has no address, and does not write it down.
        foreach (var console in consoles.Where(IsIncomplete))
            ports.Assign(console, firstPort: 0);
        foreach (var channel in channels.Where(IsIncomplete))
            channel.SetPlace(ports.Assign(channel, firstPort: 1));
    }

    /// <summary>Gives one device that is plugged into the running guest a port of a controller that there is.</summary>
    public static void PlaceOne(DomainTree tree, XElement device)
    {
        if (!tree.Controllers("virtio-serial").Any() && device.Place() is not DeviceAddress.VirtioSerial)
            throw DomainXmlException.Internal("no virtio-serial controllers are available");
        var ports = new VirtioSerialPorts(tree);
        foreach (var other in tree.Of("channel").Concat(tree.Of("console")).Where(other => other != device))
        {
            if (other.Place() is DeviceAddress.VirtioSerial { Port: not 0 } taken)
                ports.Reserve(taken);
        }

        if (device.Place() is DeviceAddress.VirtioSerial { Port: not 0 } place)
            ports.Reserve(place);
        else if (device.Name == "channel")
            device.SetPlace(ports.Assign(device, firstPort: 1));
        else
            ports.Assign(device, firstPort: 0);
    }

    private static bool IsIncomplete(XElement device) => device.Place() is not DeviceAddress.VirtioSerial { Port: not 0 };

    private void Add(XElement controller)
    {
        var ports = controller.Int("ports") ?? DefaultPorts;
        if (ports is < 1 or > 4096)
            throw DomainXmlException.Invalid($"virtio-serial controller with {ports} ports", controller);
        _controllers[controller.Int("index")!.Value] = new bool[ports];
    }

    private DeviceAddress.VirtioSerial Assign(XElement device, int firstPort)
    {
        if (device.Place() is DeviceAddress.VirtioSerial { Controller: var wanted } && firstPort > 0)
        {
            if (!_controllers.TryGetValue(wanted, out var own))
                throw DomainXmlException.Internal($"virtio-serial controller {wanted} not available", device);
            var free = Array.IndexOf(own, false, 1);
            return free > 0
                ? Reserve(new DeviceAddress.VirtioSerial(wanted, 0, free))
                : throw DomainXmlException.Invalid($"Unable to find a free port on virtio-serial controller {wanted}", device);
        }

        foreach (var (index, ports) in _controllers)
        {
            var port = Array.IndexOf(ports, false, Math.Min(firstPort, ports.Length));
            if (port >= 0)
                return Reserve(new DeviceAddress.VirtioSerial(index, 0, port));
        }

        var added = _tree.UnusedIndex("virtio-serial");
        Add(_tree.AddController("virtio-serial", added));
        return Reserve(new DeviceAddress.VirtioSerial(added, 0, firstPort));
    }

    private DeviceAddress.VirtioSerial Reserve(DeviceAddress.VirtioSerial place)
    {
        if (!_controllers.TryGetValue(place.Controller, out var ports))
            throw DomainXmlException.Invalid($"virtio serial controller {place.Controller} is missing");
        if (place.Port >= ports.Length)
            throw DomainXmlException.Invalid($"virtio serial controller {place.Controller} does not have port {place.Port}");
        if (ports[place.Port] && place.Port != 0)
            throw DomainXmlException.Invalid($"virtio serial port {place.Port} on controller {place.Controller} is already occupied");
        ports[place.Port] = true;
        return place;
    }
}
