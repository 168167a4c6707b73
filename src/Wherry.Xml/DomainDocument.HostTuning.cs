using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

// Shares and limits of what the host has.
public sealed partial class DomainDocument
{
    /// <summary>Of a memory limit: there is none. KiB.</summary>
    public const ulong UnlimitedMemoryKiB = long.MaxValue >> 10;

    /// <summary>A number under cputune: shares, or a period or quota in microseconds; 0 when it is not given.</summary>
    public long CpuTuning(string element) =>
        long.TryParse(Root.Element("cputune")?.Text(element), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;

    /// <summary>Weight of the domain among others at the host's processors; null when it is not given.</summary>
    public ulong? CpuShares =>
        ulong.TryParse(Root.Element("cputune")?.Text("shares"), NumberStyles.None, CultureInfo.InvariantCulture, out var shares) ? shares : null;

    /// <summary>The group of domains whose share of the host it has; null when it is not given.</summary>
    public string? Partition => Root.Element("resource")?.Text("partition");

    public DomainDocument WithCpuTuning(IEnumerable<KeyValuePair<string, long>> values) => With(root =>
    {
        foreach (var (element, value) in values)
            SetText(CpuTune(root), element, value.ToString(CultureInfo.InvariantCulture));
    });

    /// <summary>A limit under memtune, in KiB.</summary>
    public ulong MemoryLimitKiB(string element) => MemoryReading.Size(Root.Element("memtune")?.Element(element))?.KiB ?? UnlimitedMemoryKiB;

    public DomainDocument WithMemoryLimits(IEnumerable<KeyValuePair<string, ulong>> kibs) => With(root =>
    {
        var tune = Section(root, "memtune");
        foreach (var (element, kib) in kibs)
            SetText(tune, element, kib < UnlimitedMemoryKiB ? kib.ToString(CultureInfo.InvariantCulture) : null);
    });

    /// <summary>Weight of the domain among others at the host's disks; 0 when it is not given.</summary>
    public uint BlkioWeight => uint.TryParse(Root.Element("blkiotune")?.Text("weight"), NumberStyles.None, CultureInfo.InvariantCulture, out var weight) ? weight : 0;

    public IReadOnlyList<BlkioDeviceTuning> BlkioDevices => [.. Root.Element("blkiotune")?.Elements("device").Select(BlkioDeviceTuning.Read) ?? []];

    public DomainDocument WithBlkioTuning(uint weight, IEnumerable<BlkioDeviceTuning> devices) => With(root =>
    {
        root.Elements("blkiotune").Remove();
        root.Add(new XElement(
            "blkiotune",
            new XElement("weight", weight),
            devices.Select(device => new XElement(
                "device", new XElement("path", device.Path), device.Limits.Select(limit => new XElement(limit.Key, limit.Value))))));
    });

    public NumaTuning? NumaTuning => NumaTuning.Read(Root);

    public DomainDocument WithNumaTuning(NumaTuning tuning) => With(root =>
    {
        root.Elements("numatune").Remove();
        root.Add(new XElement("numatune", new XElement("memory", new XAttribute("mode", tuning.Mode), new XAttribute("nodeset", CpuList.Write(tuning.Nodes)))));
    });

    /// <summary>With other limits of a disk's throughput, and of those in the same group; null removes the disk's.</summary>
    public DomainDocument WithIoTune(string targetDev, IoTuneSpec? tune) => With(root =>
    {
        foreach (var disk in root.Element("devices")?.Elements("disk") ?? [])
        {
            var isIt = disk.Get("target", "dev") == targetDev;
            if (!isIt && (tune?.GroupName is not { } group || disk.Element("iotune")?.Text(IoTuneSpec.Group) != group))
                continue;
            disk.Elements("iotune").Remove();
            if (tune is not null)
                disk.Add(tune.ToElement());
        }
    });

    /// <summary>With another bandwidth of the interface of this MAC address.</summary>
    public DomainDocument WithBandwidth(string mac, BandwidthSpec bandwidth) => With(root =>
    {
        var element = root.Element("devices")?.Elements("interface").FirstOrDefault(one => one.Get("mac", "address") == mac);
        element?.Elements("bandwidth").Remove();
        element?.Add(bandwidth.ToElement());
    });

    private static XElement Section(XElement root, string name)
    {
        if (root.Element(name) is not { } section)
            root.Add(section = new XElement(name));
        return section;
    }
}
