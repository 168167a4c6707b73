using System.Collections.Immutable;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>What the guest's firmware tables say of the machine: OpenStack and cloud-init know their host by it.</summary>
/// <param name="Mode">"emulate": QEMU's own; "sysinfo": <paramref name="Tables"/>. null: QEMU's own as well.</param>
/// <param name="Tables">In the order in which QEMU is given them.</param>
public sealed record SmbiosSpec(string? Mode, ImmutableArray<SmbiosTable> Tables)
{
    public static SmbiosSpec None { get; } = new(null, []);

    internal static SmbiosSpec Read(XElement domain) => new(
        domain.Element("os")?.Get("smbios", "mode"),
        [.. SmbiosKind.All.SelectMany(kind => domain.Elements("sysinfo").Take(1).Elements(kind.Element).Select(table => SmbiosTable.Read(table, kind)))]);
}

/// <summary>One SMBIOS structure.</summary>
/// <param name="Kind">libvirt's element and QEMU's type.</param>
/// <param name="Fields">libvirt's names, which are QEMU's too, in libvirt's order.</param>
public sealed record SmbiosTable(SmbiosKind Kind, ImmutableArray<(string Name, string Value)> Fields)
{
    internal static SmbiosTable Read(XElement table, SmbiosKind kind) =>
        new(kind, [.. table.Elements("entry").Select(entry => (entry.Get("name") ?? "value", entry.Value))]);
}

/// <param name="Element">In the domain's XML.</param>
/// <param name="Type">The structure's number (DSP0134).</param>
/// <param name="Description">As libvirt calls it where two differ.</param>
/// <param name="Fields">Names of its entries; empty: any number of strings without names.</param>
public sealed record SmbiosKind(string Element, int Type, string Description, ImmutableArray<string> Fields)
{
    /// <summary>In the order of libvirt's XML.</summary>
    public static ImmutableArray<SmbiosKind> All { get; } =
    [
        new("bios", 0, "BIOS", ["vendor", "version", "date", "release"]),
        new("system", 1, "system", ["manufacturer", "product", "version", "serial", "uuid", "sku", "family"]),
        new("baseBoard", 2, "base board", ["manufacturer", "product", "version", "serial", "asset", "location"]),
        new("chassis", 3, "chassis", ["manufacturer", "version", "serial", "asset", "sku"]),
        new("oemStrings", 11, "OEM", []),
    ];
}
