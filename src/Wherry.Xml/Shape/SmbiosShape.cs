using System.Globalization;
using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>&lt;sysinfo type='smbios'&gt;: <see cref="SmbiosKind"/> says what may be in it.</summary>
internal static class SmbiosShape
{
    public static XElement Sysinfo(XElement sysinfo)
    {
        switch (sysinfo.Required("type"))
        {
            case "smbios":
                break;
            case "fwcfg":
                throw DomainXmlException.NotImplemented(sysinfo.Path() + "/@type", "type='fwcfg'");
            case var other:
                throw XElementReading.InvalidValue(sysinfo, "type", other);
        }

        return new XElement(
            "sysinfo",
            new XAttribute("type", "smbios"),
            SmbiosKind.All.SelectMany(kind => sysinfo.Elements(kind.Element).Take(kind.Element == "baseBoard" ? int.MaxValue : 1).Select(table => Table(table, kind))));
    }

    /// <summary>A domain without a UUID has the one that its firmware tables show.</summary>
    public static string? SystemUuid(XElement domain) =>
        domain.Elements("sysinfo").Elements("system").Elements("entry").FirstOrDefault(entry => entry.Get("name") == "uuid")?.Value;

    private static XElement? Table(XElement table, SmbiosKind kind)
    {
        var entries = kind.Fields.IsEmpty
            ? [.. table.Elements("entry").Select(entry => new XElement("entry", entry.Value))]
            : kind.Fields.Select(name => Entry(table, name)).OfType<XElement>().ToList();
        return entries.Count == 0 ? null : new XElement(table.Name, entries);
    }

    private static XElement? Entry(XElement table, string name)
    {
        if (table.Elements("entry").FirstOrDefault(entry => entry.Get("name") == name) is not { Value: { Length: > 0 } text })
            return null;
        return new XElement("entry", new XAttribute("name", name), name switch
        {
            "date" => IsDate(text) ? text : throw DomainXmlException.Of(ErrorCode.XmlDetail, "Invalid BIOS 'date' format", table),
            "uuid" => OwnUuid(table, text),
            _ => text,
        });
    }

    /// <summary>Month, day and year, the latter with two digits or from 1900 on.</summary>
    private static bool IsDate(string text) => text.Split('/') is [var month, var day, var year]
        && Number(month) is >= 1 and <= 12 && Number(day) is >= 1 and <= 31 && Number(year) is >= 0 and < 100 or >= 1900;

    private static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : -1;

    private static string OwnUuid(XElement table, string text)
    {
        var uuid = Values.Uuid(text) ?? throw DomainXmlException.Of(ErrorCode.XmlDetail, "malformed <sysinfo> uuid element", table);
        return table.Parent?.Parent?.Text("uuid") is { } domain && Values.Uuid(domain) != uuid
            ? throw DomainXmlException.Of(ErrorCode.XmlDetail, "UUID mismatch between <uuid> and <sysinfo>", table)
            : uuid;
    }
}
