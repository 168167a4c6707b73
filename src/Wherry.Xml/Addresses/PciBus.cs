namespace Wherry.Xml;

/// <summary>One bus, that is, what hangs below one pci controller.</summary>
internal sealed class PciBus
{
    public const int Slots = 32;
    public const int Functions = 8;

    private readonly byte[] _used = new byte[Slots];
    private readonly bool[] _shares = new bool[Slots];

    public PciBus(string model)
    {
        Model = model;
        (Accepts, FirstSlot, LastSlot) = model switch
        {
            "pci-root" or "pci-bridge" or "pcie-to-pci-bridge" => (PciConnect.AutoAssign | PciConnect.Pci | PciConnect.PciBridge, 1, 31),
            "dmi-to-pci-bridge" => (PciConnect.Pci | PciConnect.PciBridge, 0, 31),
            "pcie-root" => (PciConnect.Pcie | PciConnect.RootPort | PciConnect.DmiToPciBridge, 1, 31),
            "pcie-root-port" or "pcie-switch-downstream-port" =>
                (PciConnect.AutoAssign | PciConnect.Pcie | PciConnect.SwitchUpstream | PciConnect.PcieToPciBridge, 0, 0),
            "pcie-switch-upstream-port" => (PciConnect.SwitchDownstream, 0, 31),
            _ => throw DomainXmlException.Internal($"PCI controller model was not set correctly: '{model}'"),
        };
    }

    public string Model { get; }

    public PciConnect Accepts { get; set; }

    public int FirstSlot { get; }

    public int LastSlot { get; }

    public bool IsFull => Enumerable.Range(FirstSlot, LastSlot - FirstSlot + 1).All(InUse);

    /// <summary>What a controller of that model needs of the bus above it; nothing for the roots.</summary>
    public static PciConnect Needs(string? model) => model switch
    {
        "pci-bridge" => PciConnect.PciBridge,
        "dmi-to-pci-bridge" => PciConnect.DmiToPciBridge,
        "pcie-to-pci-bridge" => PciConnect.PcieToPciBridge,
        "pcie-root-port" => PciConnect.RootPort | PciConnect.SharesSlot,
        "pcie-switch-upstream-port" => PciConnect.SwitchUpstream,
        "pcie-switch-downstream-port" => PciConnect.SwitchDownstream,
        _ => PciConnect.None,
    };

    public bool InUse(int slot) => _used[slot] != 0;

    public bool InUse(int slot, int function) => (_used[slot] & (1 << function)) != 0;

    public void Reserve(int slot, int function, bool sharesSlot)
    {
        if (_used[slot] == 0 && sharesSlot)
            _shares[slot] = true;
        _used[slot] |= (byte)(1 << function);
    }

    /// <summary>The first free place for a device, or null. A function of -1 means any, which is 0 except in a shared slot.</summary>
    public (int Slot, int Function)? FindFree(PciConnect needs, int function)
    {
        if (!Fits(needs))
            return null;
        var wanted = Math.Max(function, 0);
        for (var slot = FirstSlot; slot <= LastSlot; slot++)
        {
            if (_used[slot] == 0)
                return (slot, wanted);
            if (!needs.HasFlag(PciConnect.SharesSlot) || !_shares[slot])
                continue;
            if (!InUse(slot, wanted))
                return (slot, wanted);
            for (var any = 0; function == -1 && any < Functions; any++)
            {
                if (!InUse(slot, any))
                    return (slot, any);
            }
        }

        return null;
    }

    private bool Fits(PciConnect needs) =>
        (!needs.HasFlag(PciConnect.AutoAssign) || Accepts.HasFlag(PciConnect.AutoAssign)) && (needs & Accepts & PciConnect.Types) != 0;
}
