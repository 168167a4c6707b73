using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Writes <c>virsh capabilities</c>. Clients read it before anything else: Nova to schedule, virt-install to choose a machine,
/// virsh's own cpu-baseline to compare hosts.
/// </summary>
public static class CapabilitiesXml
{
    /// <summary>Cache sizes are shown in the largest unit that divides them.</summary>
    private static readonly (string Unit, ulong Bytes)[] Units = [("GiB", 1UL << 30), ("MiB", 1UL << 20), ("KiB", 1UL << 10)];

    public static string Write(CapabilitiesSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        // libvirt sets its sections apart by empty lines.
        var text = new System.Text.StringBuilder("<capabilities>\n\n").Append(DomainXmlWriter.Write(Host(spec), depth: 2)).Append('\n');
        foreach (var guest in spec.Guests)
            text.Append(DomainXmlWriter.Write(Guest(guest), depth: 2)).Append('\n');
        return text.Append("</capabilities>\n").ToString();
    }

    private static XElement Host(CapabilitiesSpec spec) => new(
        "host",
        new XElement("uuid", spec.HostUuid.ToString("D")),
        Cpu(spec.Cpu),
        new XElement("power_management", spec.PowerManagement.Select(name => new XElement(name))),
        new XElement("iommu", new XAttribute("support", spec.HasIommu ? "yes" : "no")),
        new XElement(
            "migration_features",
            new XElement("live"),
            new XElement("uri_transports", spec.MigrationTransports.Select(scheme => new XElement("uri_transport", scheme)))),
        new XElement("topology", new XElement("cells", new XAttribute("num", Text(spec.Cells.Length)), spec.Cells.Select(Cell))),
        spec.Caches.IsEmpty ? null : new XElement("cache", spec.Caches.Select(Cache)),
        spec.SecurityModels.Select(model => new XElement(
            "secmodel",
            new XElement("model", model.Model),
            new XElement("doi", model.Doi),
            model.BaseLabels.Select(label => new XElement("baselabel", new XAttribute("type", label.DomainType), label.Label)))));

    private static XElement Cpu(CapabilitiesCpu cpu) => new(
        "cpu",
        new XElement("arch", cpu.Arch),
        new XElement("model", cpu.Model),
        cpu.Vendor is null ? null : new XElement("vendor", cpu.Vendor),
        cpu.Microcode is { } microcode ? new XElement("microcode", new XAttribute("version", Text(microcode))) : null,
        cpu.Family == 0
            ? null
            : new XElement(
                "signature",
                new XAttribute("family", Text(cpu.Family)),
                new XAttribute("model", Text(cpu.ModelNumber)),
                new XAttribute("stepping", Text(cpu.Stepping))),
        cpu.TscFrequency is { } frequency
            ? new XElement(
                "counter",
                new XAttribute("name", "tsc"),
                new XAttribute("frequency", Text(frequency)),
                new XAttribute("scaling", cpu.TscScaling ? "yes" : "no"))
            : null,
        new XElement(
            "topology",
            new XAttribute("sockets", Text(cpu.Topology.Sockets)),
            new XAttribute("dies", Text(cpu.Topology.Dies)),
            new XAttribute("cores", Text(cpu.Topology.Cores)),
            new XAttribute("threads", Text(cpu.Topology.Threads))),
        cpu.PhysicalAddressBits is { } bits ? new XElement("maxphysaddr", new XAttribute("mode", "emulate"), new XAttribute("bits", Text(bits))) : null,
        cpu.Features.Select(feature => new XElement("feature", new XAttribute("name", feature))),
        cpu.PageSizesKiB.Select(size => new XElement("pages", new XAttribute("unit", "KiB"), new XAttribute("size", Text(size)))));

    private static XElement Cell(CapabilitiesCell cell) => new(
        "cell",
        new XAttribute("id", Text(cell.Id)),
        new XElement("memory", new XAttribute("unit", "KiB"), Text(cell.MemoryKiB)),
        cell.Pages.Select(page => new XElement(
            "pages", new XAttribute("unit", "KiB"), new XAttribute("size", Text(page.SizeKiB)), Text(page.Count))),
        cell.Distances.IsEmpty
            ? null
            : new XElement("distances", cell.Distances.Select(distance => new XElement(
                "sibling", new XAttribute("id", Text(distance.Cell)), new XAttribute("value", Text(distance.Value))))),
        new XElement("cpus", new XAttribute("num", Text(cell.Cpus.Length)), cell.Cpus.Select(cpu => new XElement(
            "cpu",
            new XAttribute("id", Text(cpu.Id)),
            new XAttribute("socket_id", Text(cpu.Socket)),
            new XAttribute("die_id", Text(cpu.Die)),
            new XAttribute("core_id", Text(cpu.Core)),
            new XAttribute("siblings", cpu.Siblings)))));

    private static XElement Cache(CapabilitiesCache cache)
    {
        (string Unit, ulong Bytes) unit = Array.Find(Units, unit => cache.SizeBytes % unit.Bytes == 0) is { Unit: not null } found ? found : ("B", 1);
        return new XElement(
            "bank",
            new XAttribute("id", Text(cache.Id)),
            new XAttribute("level", Text(cache.Level)),
            new XAttribute("type", cache.Type),
            new XAttribute("size", Text(cache.SizeBytes / unit.Bytes)),
            new XAttribute("unit", unit.Unit),
            new XAttribute("cpus", cache.Cpus));
    }

    private static XElement Guest(CapabilitiesGuest guest) => new(
        "guest",
        new XElement("os_type", "hvm"),
        new XElement(
            "arch",
            new XAttribute("name", guest.Arch),
            new XElement("wordsize", Text(guest.WordSize)),
            new XElement("emulator", guest.Emulator),
            guest.Machines.Select(machine => new XElement(
                "machine",
                machine.Canonical is null ? null : new XAttribute("canonical", machine.Canonical),
                new XAttribute("maxCpus", Text(machine.MaxCpus)),
                machine.Deprecated ? new XAttribute("deprecated", "yes") : null,
                machine.Name)),
            guest.DomainTypes.Select(type => new XElement("domain", new XAttribute("type", type)))),
        new XElement(
            "features",
            guest.Arch == "i686" ? new XElement[] { new("pae"), new("nonpae") } : null,
            new XElement("acpi", new XAttribute("default", "on"), new XAttribute("toggle", "yes")),
            new XElement("apic", new XAttribute("default", "on"), new XAttribute("toggle", "no")),
            new XElement("cpuselection"),
            new XElement("deviceboot"),
            new XElement("disksnapshot", new XAttribute("default", "on"), new XAttribute("toggle", "no"))));

    private static string Text<T>(T number)
        where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);
}
