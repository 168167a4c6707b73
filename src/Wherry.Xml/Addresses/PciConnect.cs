namespace Wherry.Xml;

/// <summary>What a PCI device needs of the place it is plugged into, and what a bus offers.</summary>
[Flags]
internal enum PciConnect
{
    None = 0,

    /// <summary>Conventional PCI endpoint.</summary>
    Pci = 1,

    /// <summary>PCI Express endpoint.</summary>
    Pcie = 1 << 1,
    RootPort = 1 << 2,
    SwitchUpstream = 1 << 3,
    SwitchDownstream = 1 << 4,
    DmiToPciBridge = 1 << 5,
    PcieToPciBridge = 1 << 6,
    PciBridge = 1 << 7,
    Types = (1 << 8) - 1,

    /// <summary>On a bus: devices without an address may be put there. On a device: it is one of those.</summary>
    AutoAssign = 1 << 8,

    /// <summary>Several such devices may share a slot, one per function.</summary>
    SharesSlot = 1 << 9,
}
