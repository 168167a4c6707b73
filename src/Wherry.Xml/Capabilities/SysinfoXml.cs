using System.Collections.Immutable;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>What the host's firmware tells of the machine, from dmidecode's text to libvirt's &lt;sysinfo&gt;.</summary>
/// <remarks>
/// <code>
///   BIOS Information                     a section begins in the first column
///           Vendor: SeaBIOS              its fields are indented once; lists below a field are indented twice
///
///   OEM Strings
///           String 1: ...
/// </code>
/// Source: dmidecode(8) with -q; names and order of the entries: libvirt's schema of sysinfo.
/// </remarks>
public static class SysinfoXml
{
    /// <summary>For dmidecode: the kinds that are shown.</summary>
    public const string Types = "0,1,2,3,4,11,17";

    private const string OemStrings = "OEM Strings";

    private static readonly ImmutableArray<Section> Sections =
    [
        new("BIOS Information", "bios", Repeats: false, [("Vendor", "vendor"), ("Version", "version"), ("Release Date", "date"), ("BIOS Revision", "release")]),
        new("System Information", "system", Repeats: false,
            [("Manufacturer", "manufacturer"), ("Product Name", "product"), ("Version", "version"), ("Serial Number", "serial"), ("UUID", "uuid"),
                ("SKU Number", "sku"), ("Family", "family")]),
        new("Base Board Information", "baseBoard", Repeats: true,
            [("Manufacturer", "manufacturer"), ("Product Name", "product"), ("Version", "version"), ("Serial Number", "serial"), ("Asset Tag", "asset"),
                ("Location In Chassis", "location")]),
        new("Chassis Information", "chassis", Repeats: false,
            [("Manufacturer", "manufacturer"), ("Version", "version"), ("Serial Number", "serial"), ("Asset Tag", "asset"), ("SKU Number", "sku")]),
        new("Processor Information", "processor", Repeats: true,
            [("Socket Designation", "socket_destination"), ("Type", "type"), ("Family", "family"), ("Manufacturer", "manufacturer"), ("Signature", "signature"),
                ("Version", "version"), ("External Clock", "external_clock"), ("Max Speed", "max_speed"), ("Status", "status"),
                ("Serial Number", "serial_number"), ("Part Number", "part_number")]),
        new("Memory Device", "memory_device", Repeats: true,
            [("Size", "size"), ("Form Factor", "form_factor"), ("Locator", "locator"), ("Bank Locator", "bank_locator"), ("Type", "type"),
                ("Type Detail", "type_detail"), ("Speed", "speed"), ("Manufacturer", "manufacturer"), ("Serial Number", "serial_number"), ("Part Number", "part_number")]),
    ];

    /// <param name="dmidecode">What it wrote.</param>
    public static string Write(string dmidecode)
    {
        ArgumentNullException.ThrowIfNull(dmidecode);
        var found = Read(dmidecode);
        var sysinfo = new XElement("sysinfo", new XAttribute("type", "smbios"));
        foreach (var section in Sections)
        {
            var tables = found.Where(table => table.Title == section.Title);
            foreach (var (_, fields) in section.Repeats ? tables : tables.Take(1))
                sysinfo.Add(Table(section, fields));
        }

        var strings = found.Where(table => table.Title == OemStrings).SelectMany(table => table.Fields).Where(field => field.Value.Length > 0).ToList();
        if (strings.Count > 0)
            sysinfo.Add(new XElement("oemStrings", strings.Select(field => new XElement("entry", field.Value))));
        return DomainXmlWriter.Write(sysinfo);
    }

    private static XElement? Table(Section section, List<(string Name, string Value)> fields)
    {
        // An empty slot says nothing but that.
        if (fields.Contains(("Size", "No Module Installed")))
            return null;
        var entries = section.Entries
            .Select(entry => (entry.Name, fields.Find(field => field.Name == entry.Label).Value))
            .Where(entry => !string.IsNullOrEmpty(entry.Value))
            .Select(entry => new XElement("entry", new XAttribute("name", entry.Name), entry.Value))
            .ToList();
        return entries.Count > 0 ? new XElement(section.Element, entries) : null;
    }

    private static List<(string Title, List<(string Name, string Value)> Fields)> Read(string text)
    {
        var found = new List<(string Title, List<(string Name, string Value)> Fields)>();
        foreach (var line in text.Split('\n'))
        {
            if (line.Length > 0 && !char.IsWhiteSpace(line[0]))
                found.Add((line.TrimEnd(), []));
            else if (found.Count > 0 && line is ['\t', not '\t', ..] && line.IndexOf(": ", StringComparison.Ordinal) is > 0 and var colon)
                found[^1].Fields.Add((line[1..colon], line[(colon + 2)..].TrimEnd()));
        }

        return found;
    }

    /// <param name="Title">dmidecode's.</param>
    /// <param name="Repeats">Otherwise only the first is shown.</param>
    /// <param name="Entries">dmidecode's label and libvirt's name.</param>
    private sealed record Section(string Title, string Element, bool Repeats, ImmutableArray<(string Label, string Name)> Entries);
}
