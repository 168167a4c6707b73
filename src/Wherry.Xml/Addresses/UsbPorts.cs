using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Gives USB devices their ports, adding hubs when the controllers have too few. Ports are numbered from 1; a device behind a hub
/// has the path of ports, "1.2".
/// </summary>
internal sealed class UsbPorts
{
    private const int HubPorts = 8;
    private const int MaxDepth = 4;

    private readonly DomainTree _tree;
    private readonly SortedDictionary<int, Hub> _buses = [];

    private UsbPorts(DomainTree tree) => _tree = tree;

    public static void Complete(DomainTree tree, bool newDomain)
    {
        // QEMU chose the ports of a guest that came without them; guessing them now could differ from what it runs with.
        if (!newDomain && Users(tree).Concat(tree.Of("hub")).Any(device => device.Place() is not DeviceAddress.Usb { Port: not null }))
            return;
        new UsbPorts(tree).Complete();
    }

    /// <summary>Gives one device that is plugged into the running guest a port.</summary>
    public static void PlaceOne(DomainTree tree, XElement device)
    {
        var ports = new UsbPorts(tree);
        ports.CollectUsed(Users(tree).ToList());
        ports.Assign(device, null);
    }

    private static IEnumerable<XElement> Users(DomainTree tree) =>
        tree.Of("disk").Where(disk => disk.Get("target", "bus") == "usb")
            .Concat(tree.Of("input").Where(input => input.Get("bus") == "usb"))
            .Concat(tree.Of("serial").Where(serial => serial.Get("target", "type") == "usb-serial"));

    private void Complete()
    {
        var users = Users(_tree).ToList();
        AddHubs(users.Count);
        CollectUsed(users);
        foreach (var hub in _tree.Of("hub"))
            Assign(hub, new Hub(HubPorts));
        foreach (var device in users)
            Assign(device, null);
    }

    private void CollectUsed(List<XElement> users)
    {
        foreach (var controller in _tree.Controllers("usb"))
        {
            if (PortsOf(controller) is > 0 and var ports && !_buses.TryAdd(controller.Int("index")!.Value, new Hub(ports)))
                throw DomainXmlException.Invalid($"Duplicate USB controllers with index {controller.Get("index")}", controller);
        }

        foreach (var hub in _tree.Of("hub"))
        {
            if (hub.Place() is DeviceAddress.Usb { Port: not null } place)
                Plug(place, new Hub(HubPorts));
        }

        foreach (var device in users)
        {
            if (device.Place() is DeviceAddress.Usb { Port: not null } place)
                Plug(place, null);
        }
    }

    private void AddHubs(int users)
    {
        var hubs = _tree.Of("hub").Count();
        var needed = users + hubs;
        if (needed > 0 && _tree.Controllers("usb").All(controller => controller.Get("model") == "none"))
            throw DomainXmlException.Unsupported("USB is disabled for this domain, but USB devices are present in the domain XML");
        var available = _tree.Controllers("usb").Sum(PortsOf) + (hubs * HubPorts);
        if (needed <= available)
            return;
        // Each hub brings eight ports and takes one.
        var missing = (needed - available + 1 + HubPorts - 2) / (HubPorts - 1);
        for (var i = 0; i < missing; i++)
            _tree.Add(new XElement("hub", new XAttribute("type", "usb")));
    }

    private static int PortsOf(XElement controller) => controller.Get("model") switch
    {
        null or "piix3-uhci" or "piix4-uhci" or "vt82c686b-uhci" => 2,
        "ehci" or "ich9-ehci1" => 6,
        "pci-ohci" => 3,
        "nec-xhci" or "qemu-xhci" => controller.Int("ports") ?? 4,
        // The UHCI companions serve the EHCI's own ports.
        _ => 0,
    };

    private void Assign(XElement device, Hub? asHub)
    {
        var wanted = device.Element("address") is null ? null : device.Place();
        if (wanted is DeviceAddress.Usb { Port: not null } || (wanted is not null && wanted is not DeviceAddress.Usb))
            return;
        if (wanted is DeviceAddress.Usb { Bus: var bus } && !_buses.ContainsKey(bus))
            throw DomainXmlException.Invalid($"USB bus {bus} requested but no controller with that index is present", device);

        foreach (var (number, root) in _buses)
        {
            if (wanted is DeviceAddress.Usb onBus && onBus.Bus != number)
                continue;
            if (root.FreePath(1) is not { } path)
                continue;
            var place = new DeviceAddress.Usb(number, path);
            Plug(place, asHub);
            device.SetPlace(place);
            return;
        }

        throw DomainXmlException.Internal("No free USB ports", device);
    }

    private void Plug(DeviceAddress.Usb place, Hub? asHub)
    {
        if (!_buses.TryGetValue(place.Bus, out var hub))
            throw DomainXmlException.Invalid($"Missing USB bus {place.Bus}");
        var path = place.Port!.Split('.').Select(port => int.Parse(port, CultureInfo.InvariantCulture)).ToArray();
        foreach (var port in path[..^1])
        {
            if (port > hub.Ports)
                throw DomainXmlException.Invalid($"port {port} out of range in USB address bus: {place.Bus} port: {place.Port}");
            hub = hub.Behind(port) ?? throw DomainXmlException.Invalid($"there is no hub at port {port} in USB address bus: {place.Bus} port: {place.Port}");
        }

        if (path[^1] > hub.Ports)
            throw DomainXmlException.Invalid($"requested USB port {place.Port} not present on USB bus {place.Bus}");
        if (!hub.TryPlug(path[^1], asHub))
            throw DomainXmlException.Invalid($"Duplicate USB address bus {place.Bus} port {place.Port}");
    }

    private sealed class Hub(int ports)
    {
        private readonly bool[] _used = new bool[ports + 1];
        private readonly Hub?[] _hubs = new Hub?[ports + 1];

        public int Ports => ports;

        public Hub? Behind(int port) => _hubs[port];

        public bool TryPlug(int port, Hub? hub)
        {
            if (_used[port])
                return false;
            _used[port] = true;
            _hubs[port] = hub;
            return true;
        }

        /// <summary>A free port of this hub, else of the first hub behind it that has one.</summary>
        public string? FreePath(int depth)
        {
            for (var port = 1; port <= ports; port++)
            {
                if (!_used[port])
                    return port.ToString(CultureInfo.InvariantCulture);
            }

            for (var port = 1; depth < MaxDepth && port <= ports; port++)
            {
                if (_hubs[port]?.FreePath(depth + 1) is { } path)
                    return $"{port}.{path}";
            }

            return null;
        }
    }
}
