namespace Wherry.Xml;

/// <summary>
/// The guest's PCI buses and what is taken on them. In a rehearsal (<paramref name="mayGrow"/>) buses are added as devices
/// need them; that is how the number of root ports and bridges is found out before anything is written down.
/// </summary>
internal sealed class PciAddressSet(bool mayGrow, bool hasPcieToPciBridge)
{
    private const int MaxBuses = 256;

    public List<PciBus> Buses { get; } = [];

    public bool InUse(int bus, int slot) => Buses[bus].InUse(slot);

    /// <summary>Takes a place that the definition names.</summary>
    public void Reserve(DeviceAddress.Pci place, PciConnect needs)
    {
        if (mayGrow)
            place = place with { Bus = Grow(place.Bus, needs) };
        Check(place, needs);
        Take(place, needs);
    }

    /// <summary>Finds and takes the first free place that fits.</summary>
    public DeviceAddress.Pci ReserveNext(PciConnect needs, int function = -1)
    {
        if (Buses.Count == 0)
            throw DomainXmlException.Invalid("No PCI buses available");
        for (var bus = 0; bus < Buses.Count; bus++)
        {
            if (Buses[bus].FindFree(needs, function) is var (slot, free))
                return Take(new DeviceAddress.Pci(0, bus, slot, free), needs);
        }

        if (!mayGrow)
            throw DomainXmlException.Internal("No more available PCI slots");
        var added = Grow(Buses.Count, needs);
        return Take(new DeviceAddress.Pci(0, added, Buses[added].FirstSlot, Math.Max(function, 0)), needs);
    }

    private DeviceAddress.Pci Take(DeviceAddress.Pci place, PciConnect needs)
    {
        if (Buses[place.Bus].InUse(place.Slot, place.Function))
            throw DomainXmlException.Invalid($"Attempted double use of PCI Address {Text(place)}");
        Buses[place.Bus].Reserve(place.Slot, place.Function, needs.HasFlag(PciConnect.SharesSlot));
        return place;
    }

    /// <summary>Adds buses until <paramref name="bus"/> exists, and returns the bus the device ends up on.</summary>
    private int Grow(int bus, PciConnect needs)
    {
        var missing = bus - Buses.Count + 1;
        if (missing <= 0)
            return bus;
        if (bus >= MaxBuses)
            throw DomainXmlException.Invalid($"PCI bus {bus} exceeds {MaxBuses - 1}");

        string model;
        if (needs.HasFlag(PciConnect.Pci))
        {
            model = "pci-bridge";
            var needsRoot = !Buses.Exists(existing => existing.Accepts.HasFlag(PciConnect.PciBridge));
            if (needsRoot)
            {
                // A purely PCIe guest has nowhere to plug a pci-bridge: a pcie-to-pci-bridge on a root port of its own, or in old
                // QEMUs a dmi-to-pci-bridge, comes first, and one more bus than expected.
                if (missing == 1)
                    bus++;
                Buses.Add(hasPcieToPciBridge
                    ? new PciBus("pcie-root-port") { Accepts = PciConnect.PcieToPciBridge }
                    : new PciBus("dmi-to-pci-bridge"));
                if (hasPcieToPciBridge)
                    Buses.Add(new PciBus("pcie-to-pci-bridge"));
            }
        }
        else if ((needs & (PciConnect.Pcie | PciConnect.SwitchUpstream)) != 0)
            model = "pcie-root-port";
        else
            throw DomainXmlException.Internal("a PCI slot is needed to connect a PCI controller, but none is available, and it cannot be automatically added");

        while (Buses.Count <= bus)
            Buses.Add(new PciBus(model));
        return bus;
    }

    private void Check(DeviceAddress.Pci place, PciConnect needs)
    {
        if (Buses.Count == 0)
            throw DomainXmlException.Invalid("No PCI buses available");
        if (place.Domain != 0)
            throw DomainXmlException.Invalid($"Invalid PCI address {Text(place)}. Only PCI domain 0 is available");
        if (place.Bus >= Buses.Count)
            throw DomainXmlException.Invalid($"Invalid PCI address {Text(place)}. Only PCI buses up to {Buses.Count - 1} are available");

        // A written address may put a PCI endpoint into a PCIe slot or the other way round: the user knows better.
        var bus = Buses[place.Bus];
        var accepts = bus.Accepts;
        if ((accepts & (PciConnect.Pci | PciConnect.Pcie)) != 0)
            accepts |= PciConnect.Pci | PciConnect.Pcie;
        if (needs.HasFlag(PciConnect.PciBridge))
            needs |= PciConnect.Pci;
        if ((needs & accepts & PciConnect.Types) == 0)
        {
            throw DomainXmlException.Invalid(
                $"The device at PCI address {Text(place)} cannot be plugged into the PCI controller with index='{place.Bus}'. "
                + $"It requires a controller that accepts a {Accepted(needs)}.");
        }

        if (place.Slot < bus.FirstSlot)
            throw DomainXmlException.Invalid($"Invalid PCI address {Text(place)}. slot must be >= {bus.FirstSlot}");
        if (place.Slot > bus.LastSlot)
            throw DomainXmlException.Invalid($"Invalid PCI address {Text(place)}. slot must be <= {bus.LastSlot}");
        if (place.Function >= PciBus.Functions)
            throw DomainXmlException.Invalid($"Invalid PCI address {Text(place)}. function must be <= {PciBus.Functions - 1}");
    }

    private static string Text(DeviceAddress.Pci place) => $"{place.Domain:x4}:{place.Bus:x2}:{place.Slot:x2}.{place.Function:x}";

    private static string Accepted(PciConnect needs) => needs switch
    {
        _ when needs.HasFlag(PciConnect.Pci) => "standard PCI device",
        _ when needs.HasFlag(PciConnect.Pcie) => "PCI Express device",
        _ when needs.HasFlag(PciConnect.RootPort) => "pcie-root-port",
        _ when needs.HasFlag(PciConnect.SwitchUpstream) => "pcie-switch-upstream-port",
        _ when needs.HasFlag(PciConnect.SwitchDownstream) => "pcie-switch-downstream-port",
        _ when needs.HasFlag(PciConnect.DmiToPciBridge) => "dmi-to-pci-bridge",
        _ when needs.HasFlag(PciConnect.PcieToPciBridge) => "pcie-to-pci-bridge",
        _ => "pci-bridge",
    };
}
