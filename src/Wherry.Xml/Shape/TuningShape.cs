using System.Globalization;
using System.Xml.Linq;
using static Wherry.Xml.DomainShape;
using static Wherry.Xml.Values;

namespace Wherry.Xml;

/// <summary>Shares and limits of what the host has: processors, memory, disks' and interfaces' throughput.</summary>
internal static class TuningShape
{
    public static readonly ElementShape IoTune = Element("iotune").Holding(
        [.. IoTuneSpec.Fields.Select(name => Text(name, name == IoTuneSpec.Group ? Any : BigCount))]) with { DropWhenEmpty = true };

    public static readonly ElementShape Bandwidth = Element("bandwidth").Holding(
        new ElementShape("inbound") { Custom = Rate }, new ElementShape("outbound") { Custom = Rate }) with { DropWhenEmpty = true };

    public static readonly ValueRule Shares = Within("shares", 2, 262_144, keepsZero: true);

    /// <summary>Microseconds.</summary>
    public static ValueRule Period(string name) => Within(name, 1_000, 1_000_000, keepsZero: false);

    /// <summary>Microseconds in each period; negative: no limit.</summary>
    public static ValueRule Quota(string name) => Within(name, 1_000, 17_592_186_044_415, keepsZero: false);

    public static XElement? BlkioDevice(XElement device)
    {
        var path = device.Text("path") ?? throw DomainXmlException.Unsupported("missing per-device path", device);
        var result = new XElement("device", new XElement("path", path));
        foreach (var field in BlkioDeviceTuning.Fields)
        {
            if (device.Element(field)?.Value is { } text
                && ((field.EndsWith("bytes_sec", StringComparison.Ordinal) ? BigCount : Count)(text)
                    ?? throw DomainXmlException.Unsupported($"could not parse {field.Replace('_', ' ')} {text}", device)) is { Length: > 0 } value)
                result.Add(new XElement(field, value));
        }

        return result.Elements().Skip(1).Any() ? result : null;
    }

    public static XElement NumaMemory(XElement memory)
    {
        var mode = memory.Get("mode") ?? "strict";
        if (!NumaTuning.Modes.Contains(mode))
            throw DomainXmlException.Unsupported($"Unsupported NUMA memory tuning mode '{mode}'", memory);
        // Where QEMU's memory goes would then be for numad to say.
        if (memory.Get("placement") is "auto")
            throw DomainXmlException.NotImplemented(memory.Path() + "/@placement", "placement='auto'");
        if (memory.Get("placement") is { } placement and not "static")
            throw DomainXmlException.Unsupported($"Unsupported NUMA memory placement mode '{placement}'", memory);
        if (memory.Get("nodeset") is not { } text)
            throw DomainXmlException.Unsupported("nodeset for NUMA memory tuning must be set if 'placement' is 'static'", memory);
        var nodes = CpuList.Parse(text);
        return nodes.IsEmpty
            ? throw DomainXmlException.Unsupported($"Invalid value of 'nodeset': {text}", memory)
            : new XElement("memory", new XAttribute("mode", mode), new XAttribute("nodeset", CpuList.Write(nodes)));
    }

    private static XElement? Rate(XElement rate)
    {
        if (rate.Get("average") is null && rate.Get("floor") is null)
            throw DomainXmlException.Of(Wherry.Errors.ErrorCode.XmlDetail, "Missing mandatory average or floor attributes", rate);
        if (rate.Get("average") is null && (rate.Get("peak") is not null || rate.Get("burst") is not null))
            throw DomainXmlException.Unsupported("'peak' and 'burst' require 'average' attribute", rate);
        var result = new XElement(rate.Name);
        foreach (var name in (string[])["average", "peak", "burst", "floor"])
        {
            if (rate.Get(name) is not { } text)
                continue;
            var value = BigCount(text) ?? throw DomainXmlException.Unsupported($"could not convert bandwidth {name} value '{text}'", rate);
            if (name == "floor" && value.Length > 0)
                throw DomainXmlException.Unsupported(
                    rate.Name == "inbound" ? "floor attribute is not supported for this config" : "'floor' attribute allowed only in <inbound> element", rate);
            result.SetAttributeValue(name, value.Length > 0 ? value : null);
        }

        return result.Attribute("average") is null ? null : result;
    }

    private static ValueRule Within(string name, long least, long most, bool keepsZero) => text =>
    {
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
            return null;
        if ((value > 0 && value < least) || value > most)
            throw DomainXmlException.Unsupported($"Value of cputune '{name}' must be in range [{least}, {most}]");
        return value == 0 && !keepsZero ? "" : value.ToString(CultureInfo.InvariantCulture);
    };
}
