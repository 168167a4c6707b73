using System.Xml.Linq;

namespace Wherry.Xml;

//  pc (i440fx)                                  q35
//  bus 0 pci-root                               bus 0 pcie-root
//   00 host bridge                               00    host bridge
//   01 PIIX3: .0 ISA .1 IDE .2 USB .3 ACPI       01    first video
//   02 first video                               02.0  pcie-root-port ── bus 1 ── one device
//   03… everything else, in the order of         02.1  pcie-root-port ── bus 2 ── …
//       Assign(); a pci-bridge when full          1f    ISA bridge, .2 SATA, .3 SMBus
//
//  1 rehearse: place everything, growing buses  ─▶  2 add a controller per grown bus  ─▶  3 place for good
//
// The order in which devices are placed decides their addresses, and addresses are what a guest's drivers, network names and
// licences hang on. It is libvirt's order, for ever.

/// <summary>Gives every PCI device an address, and the guest the controllers that takes.</summary>
internal sealed class PciTopology
{
    private readonly DomainTree _tree;
    private readonly bool _pcieGuest;

    private PciTopology(DomainTree tree)
    {
        _tree = tree;
        _pcieGuest = tree.Controller("pci", 0)?.Get("model") == "pcie-root";
    }

    public static void Complete(DomainTree tree)
    {
        if (!tree.Controllers("pci").Any())
            return;
        var topology = new PciTopology(tree);
        topology.AddControllers();
        topology.Place(topology.NewSet(mayGrow: false), forGood: true);
        topology.MarkMultifunction();
        foreach (var controller in tree.Controllers("pci"))
            topology.CompleteController(controller);
    }

    /// <summary>Gives one device that is plugged into the running guest an address on the buses that there are.</summary>
    public static void PlaceOne(DomainTree tree, XElement device)
    {
        var topology = new PciTopology(tree);
        var set = topology.NewSet(mayGrow: false); // with this device, if its address was given
        topology.ReserveUnwritten(set);
        if ((topology.NeedsOf(device) & PciConnect.Types) != 0 && device.WantsPci())
            device.SetPlace(set.ReserveNext(topology.NeedsOf(device)));
    }

    // What a chipset has without saying so in the XML.
    private void ReserveUnwritten(PciAddressSet set)
    {
        DeviceAddress.Pci[] places = _tree.Os.IsI440Fx ? [new(0, 0, 1, 0), new(0, 0, 1, 3)] : _tree.Os.IsQ35 ? [new(0, 0, 0x1f, 0), new(0, 0, 0x1f, 3)] : [];
        foreach (var place in places)
            set.Reserve(place, PciConnect.AutoAssign | PciConnect.Pci | PciConnect.Pcie);
        var video = new DeviceAddress.Pci(0, 0, _tree.Os.IsQ35 ? 1 : 2, 0);
        if (places.Length > 0 && !_tree.Of("video").Any() && !set.InUse(0, video.Slot))
            set.Reserve(video, PciConnect.AutoAssign | PciConnect.Pci | PciConnect.Pcie);
    }

    private void AddControllers()
    {
        var highestGiven = _tree.Controllers("pci").Max(controller => controller.Int("index")!.Value);
        var rehearsal = NewSet(mayGrow: true);
        ReserveChipset(rehearsal);
        // One slot is kept for a bridge to come, so that a full pci-root can still be extended.
        if (_tree.Controller("pci", 0)?.Get("model") == "pci-root" && !rehearsal.Buses.TrueForAll(bus => bus.IsFull))
            rehearsal.ReserveNext(PciConnect.Pci | PciConnect.AutoAssign);
        PlaceDevices(rehearsal, forGood: false);
        // Whoever leaves the topology to us gets one free root port for hotplug, once.
        if (highestGiven == 0 && rehearsal.Buses.Count > 1 && _pcieGuest)
            rehearsal.ReserveNext(PciConnect.Pcie | PciConnect.AutoAssign);
        for (var index = 1; index < rehearsal.Buses.Count; index++)
        {
            if (_tree.Controller("pci", index) is not null)
                continue;
            _tree.AddController("pci", index, rehearsal.Buses[index].Model);
            rehearsal.ReserveNext(PciBus.Needs(rehearsal.Buses[index].Model));
        }
    }

    private PciAddressSet NewSet(bool mayGrow)
    {
        var set = new PciAddressSet(mayGrow, _tree.Catalog.Has("pcie-pci-bridge"));
        var count = _tree.Controllers("pci").Max(controller => controller.Int("index")!.Value) + 1;
        if (count > 256)
            throw DomainXmlException.Invalid($"PCI controller index {count - 1} exceeds 255");
        for (var index = 0; index < count; index++)
        {
            var model = _tree.Controller("pci", index)?.Get("model");
            set.Buses.Add(new PciBus(model ?? (index == 0 ? "pci-root" : _pcieGuest ? "pcie-root-port" : "pci-bridge")));
        }

        foreach (var device in _tree.Devices.Elements().OrderBy(device => Array.IndexOf(CollectionOrder, device.Name.LocalName)))
        {
            if (device.PciPlace() is { } place && !IsPiix3(device, place))
                set.Reserve(place, NeedsOf(device) is var needs and not PciConnect.None ? needs : PciConnect.Pci);
        }

        return set;
    }

    private static readonly string[] CollectionOrder =
        ["disk", "interface", "sound", "video", "controller", "serial", "parallel", "channel", "console", "input", "watchdog", "memballoon", "rng", "hub", "panic"];

    private void Place(PciAddressSet set, bool forGood)
    {
        ReserveChipset(set);
        PlaceDevices(set, forGood);
    }

    private PciConnect NeedsOf(XElement device) => PciNeeds.Of(device, _pcieGuest);

    /// <summary>The order of placement; each family in the document's order.</summary>
    private void PlaceDevices(PciAddressSet set, bool forGood)
    {
        foreach (var controller in _tree.Controllers("pci"))
            Next(controller);
        string[] first = ["interface", "sound"];
        foreach (var device in first.SelectMany(_tree.Of))
            Next(device);
        foreach (var controller in _tree.Of("controller"))
        {
            if (controller.Get("type") == "pci" || (controller.Get("type") == "ide" && controller.Int("index") == 0))
                continue;
            if (IsUsb2(controller) && controller.WantsPci())
                PlaceUsb2(set, controller, forGood);
            else
                Next(controller);
        }

        foreach (var disk in _tree.Of("disk").Where(disk => disk.Get("target", "bus") == "virtio"))
        {
            if (disk.PciPlace() is null && !disk.WantsPci())
                throw DomainXmlException.Unsupported($"virtio disk cannot have an address of type '{disk.Get("address", "type")}'", disk);
            Next(disk);
        }

        string[] rest = ["memballoon", "rng", "watchdog", "video", "input", "serial"];
        foreach (var device in rest.SelectMany(_tree.Of))
            Next(device);

        void Next(XElement device)
        {
            var needs = NeedsOf(device);
            if ((needs & PciConnect.Types) == 0 || !device.WantsPci())
                return;
            var place = set.ReserveNext(needs);
            if (forGood)
                device.SetPlace(place);
        }
    }

    /// <summary>An EHCI controller and its UHCI companions are functions of one slot.</summary>
    private void PlaceUsb2(PciAddressSet set, XElement controller, bool forGood)
    {
        var (function, multifunction) = controller.Get("model") switch
        {
            "ich9-ehci1" => (7, (bool?)null),
            "ich9-uhci1" => (0, true),
            "ich9-uhci2" => (1, null),
            _ => (2, null),
        };
        var sibling = _tree.Controllers("usb").FirstOrDefault(
            other => IsUsb2(other) && other.Int("index") == controller.Int("index") && other.PciPlace() is not null);
        DeviceAddress.Pci place;
        if (sibling?.PciPlace() is { } found)
        {
            place = found with { Function = function, Multifunction = multifunction };
            set.Reserve(place, NeedsOf(controller));
            controller.SetPlace(place);
            return;
        }

        place = set.ReserveNext(NeedsOf(controller), function);
        if (forGood)
            controller.SetPlace(place with { Multifunction = multifunction });
    }

    private void ReserveChipset(PciAddressSet set)
    {
        if (_tree.Os.IsI440Fx)
            ReservePiix3(set);
        else if (_tree.Os.IsQ35)
            ReserveIch9(set);
    }

    private void ReservePiix3(PciAddressSet set)
    {
        const PciConnect Needs = PciConnect.AutoAssign | PciConnect.Pci;
        foreach (var controller in _tree.Of("controller"))
        {
            if (controller.Get("type") == "ide" && controller.Int("index") == 0)
                Pin(controller, new DeviceAddress.Pci(0, 0, 1, 1), "Primary IDE controller must have PCI address 0:0:1.1");
            else if (controller.Get("type") == "usb" && controller.Int("index") == 0 && controller.Get("model") is null or "piix3-uhci")
                Pin(controller, new DeviceAddress.Pci(0, 0, 1, 2), "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2");
            else
                continue;
            set.Reserve(controller.PciPlace()!, Needs);
        }

        set.Reserve(new DeviceAddress.Pci(0, 0, 1, 0), Needs);
        set.Reserve(new DeviceAddress.Pci(0, 0, 1, 3), Needs);
        PlaceFirstVideo(set, slot: 2, Needs);
    }

    private void ReserveIch9(PciAddressSet set)
    {
        const PciConnect Needs = PciConnect.Pcie;
        foreach (var controller in _tree.Of("controller"))
        {
            switch (controller.Get("type"), controller.Get("model"))
            {
                case ("sata", _) when controller.Int("index") == 0:
                    var place = new DeviceAddress.Pci(0, 0, 0x1f, 2);
                    var wasGiven = controller.PciPlace() is not null;
                    Pin(controller, place, "Primary SATA controller must have PCI address 0:0:1f.2");
                    if (!wasGiven)
                        set.Reserve(place, NeedsOf(controller));
                    break;
                case ("usb", "ich9-uhci1") when controller.Element("address") is null:
                    PreferSlots(controller, 0x1d, 0x1a);
                    break;
                case ("pci", "dmi-to-pci-bridge") when controller.Element("address") is null:
                    PreferSlots(controller, 0x1e);
                    break;
            }
        }

        set.Reserve(new DeviceAddress.Pci(0, 0, 0x1f, 0), Needs);
        set.Reserve(new DeviceAddress.Pci(0, 0, 0x1f, 3), Needs);
        PlaceFirstVideo(set, slot: 1, Needs);
        if (_tree.Of("sound").FirstOrDefault(card => card.Get("model") == "ich9" && card.WantsPci()) is { } sound)
            PreferSlots(sound, 0x1b);

        // Where real hardware has them, if nobody is there yet.
        void PreferSlots(XElement device, params int[] slots)
        {
            var slot = Array.Find(slots, slot => !set.InUse(0, slot));
            if (slot == 0)
                return;
            var place = new DeviceAddress.Pci(0, 0, slot, 0, device.Get("type") == "usb" ? true : null);
            set.Reserve(place, device.Get("type") == "pci" ? PciConnect.DmiToPciBridge : Needs);
            device.SetPlace(place);
        }
    }

    private static void Pin(XElement controller, DeviceAddress.Pci place, string otherwise)
    {
        if (controller.PciPlace() is not { } given)
            controller.SetPlace(place);
        else if (given with { Multifunction = null } != place)
            throw DomainXmlException.Internal(otherwise, controller);
    }

    // QEMU puts the first VGA into the first free slot after the chipset's own devices.
    private void PlaceFirstVideo(PciAddressSet set, int slot, PciConnect needs)
    {
        if (_tree.Of("video").FirstOrDefault() is not { } video || NeedsOf(video) == PciConnect.None || !video.WantsPci())
            return;
        if (set.InUse(0, slot))
        {
            video.SetPlace(set.ReserveNext(NeedsOf(video)));
            return;
        }

        var place = new DeviceAddress.Pci(0, 0, slot, 0);
        set.Reserve(place, needs);
        video.SetPlace(place);
    }

    /// <summary>Function 0 of a slot with several functions must say so, or the guest never looks at the others.</summary>
    private void MarkMultifunction()
    {
        var placed = _tree.Devices.Elements().Where(device => device.Place() is DeviceAddress.Pci).ToList();
        var crowded = placed.Select(device => (DeviceAddress.Pci)device.Place()!).Where(place => place.Function != 0)
            .Select(place => (place.Bus, place.Slot)).ToHashSet();
        foreach (var device in placed)
        {
            var place = (DeviceAddress.Pci)device.Place()!;
            if (place is { Function: 0, Multifunction: null } && crowded.Contains((place.Bus, place.Slot)))
                device.SetPlace(place with { Multifunction = true });
        }
    }

    private void CompleteController(XElement controller)
    {
        var model = controller.Get("model");
        var index = controller.Int("index")!.Value;
        var place = controller.PciPlace();
        var device = model switch
        {
            "pci-bridge" => "pci-bridge",
            "dmi-to-pci-bridge" => "i82801b11-bridge",
            "pcie-to-pci-bridge" => "pcie-pci-bridge",
            "pcie-root-port" => _tree.Catalog.Has("pcie-root-port") ? "pcie-root-port" : "ioh3420",
            "pcie-switch-upstream-port" => "x3130-upstream",
            "pcie-switch-downstream-port" => "xio3130-downstream",
            _ => null,
        };
        if (device is not null && controller.Element("model") is null)
            controller.Add(new XElement("model", new XAttribute("name", device)));

        switch (model)
        {
            case "pci-bridge":
                Default("chassisNr", DomainTree.Text(index));
                if (place is not null && index <= place.Bus)
                {
                    throw DomainXmlException.Unsupported(
                        $"PCI controller at index {index} (0x{index:x2}) has bus='0x{place.Bus:x2}', but index must be larger than bus", controller);
                }

                break;
            case "pcie-root-port":
                Default("chassis", DomainTree.Text(index));
                Default("port", Placement.Hex(((place?.Slot ?? 0) << 3) + (place?.Function ?? 0), 1));
                break;
            case "pcie-switch-downstream-port":
                Default("chassis", DomainTree.Text(index));
                Default("port", Placement.Hex(place?.Slot ?? 0, 1));
                break;
        }

        void Default(string attribute, string value)
        {
            var target = DomainTree.Child(controller, "target");
            if (target.Get(attribute) is null)
                target.SetAttributeValue(attribute, value);
        }
    }

    private static bool IsUsb2(XElement controller) =>
        controller.Get("type") == "usb" && controller.Get("model") is "ich9-ehci1" or "ich9-uhci1" or "ich9-uhci2" or "ich9-uhci3";

    // Built into the chipset's slot 1, which ReservePiix3 takes as a whole.
    private static bool IsPiix3(XElement device, DeviceAddress.Pci place) =>
        device.Name == "controller" && place is { Domain: 0, Bus: 0, Slot: 1 } && device.Int("index") == 0
        && ((device.Get("type") == "ide" && place.Function == 1)
            || (device.Get("type") == "usb" && device.Get("model") is null or "piix3-uhci" && place.Function == 2));
}
