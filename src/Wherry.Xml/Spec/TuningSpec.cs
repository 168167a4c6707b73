using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// The limits of a disk's throughput: <c>[total|read|write]_[bytes|iops]_sec</c>, each also with <c>_max</c> (what a burst may reach) and
/// <c>_max_length</c> (for how many seconds); and <c>size_iops_sec</c> (bytes that count as one operation). 0: no limit. Disks of one group
/// share their limits.
/// </summary>
public sealed record IoTuneSpec(ImmutableSortedDictionary<string, ulong> Limits, string? GroupName)
{
    /// <summary>The field that is a name and no number.</summary>
    public const string Group = "group_name";

    private static readonly string[] Kinds = ["total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec", "write_iops_sec"];

    public static readonly IoTuneSpec None = new(ImmutableSortedDictionary.Create<string, ulong>(StringComparer.Ordinal), GroupName: null);

    /// <summary>All fields, in the order in which libvirt writes them.</summary>
    public static ImmutableArray<string> Fields { get; } =
        [.. Kinds, .. Kinds.Select(kind => kind + "_max"), "size_iops_sec", Group, .. Kinds.Select(kind => kind + "_max_length")];

    /// <summary>Whether anything is limited.</summary>
    public bool LimitsAnything => Limits.Any(limit => limit.Value != 0);

    /// <summary>Of which kind both a total and a part are limited, such as <c>bytes_sec_max</c>; null when of none.</summary>
    public string? Contradiction => ((string[])["bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"])
        .FirstOrDefault(kind => this["total_" + kind] != 0 && (this["read_" + kind] != 0 || this["write_" + kind] != 0));

    public ulong this[string field] => Limits.GetValueOrDefault(field);

    public IoTuneSpec With(string field, ulong limit) => this with { Limits = Limits.SetItem(field, limit) };

    internal static IoTuneSpec? Read(XElement disk) => disk.Element("iotune") is not { } tune
        ? null
        : new IoTuneSpec(
            tune.Elements().Where(field => field.Name != Group).ToImmutableSortedDictionary(
                field => field.Name.LocalName, field => ulong.Parse(field.Value, CultureInfo.InvariantCulture), StringComparer.Ordinal),
            tune.Text(Group));

    internal XElement ToElement() => new("iotune", Fields.Select(field => new XElement(field, field == Group ? GroupName : this[field].ToString(CultureInfo.InvariantCulture))));
}

/// <summary>Average and peak in kB/s, burst in kB; 0: not given.</summary>
public sealed record RateSpec(ulong Average, ulong Peak, ulong Burst)
{
    internal static RateSpec? Read(XElement? rate) => rate is null
        ? null
        : new RateSpec(rate.BigNumber("average") ?? 0, rate.BigNumber("peak") ?? 0, rate.BigNumber("burst") ?? 0);

    internal XElement ToElement(string name) =>
        new(name, new XAttribute("average", Average), Peak == 0 ? null : new XAttribute("peak", Peak), Burst == 0 ? null : new XAttribute("burst", Burst));
}

/// <summary>How much an interface may carry. Inbound is what the guest receives.</summary>
public sealed record BandwidthSpec(RateSpec? Inbound, RateSpec? Outbound)
{
    internal static BandwidthSpec? Read(XElement? bandwidth) =>
        bandwidth is null ? null : new BandwidthSpec(RateSpec.Read(bandwidth.Element("inbound")), RateSpec.Read(bandwidth.Element("outbound")));

    internal XElement ToElement() => new("bandwidth", Inbound?.ToElement("inbound"), Outbound?.ToElement("outbound"));
}

/// <summary>One I/O thread of QEMU.</summary>
/// <param name="ThreadPoolMin">Worker threads it keeps; null for QEMU's default.</param>
/// <param name="ThreadPoolMax">Worker threads it may have; null for QEMU's default.</param>
public sealed record IoThreadSpec(uint Id, int? ThreadPoolMin = null, int? ThreadPoolMax = null)
{
    public string ObjectId => $"iothread{Id.ToString(CultureInfo.InvariantCulture)}";
}

/// <summary>From which of the host's NUMA nodes the guest's memory comes.</summary>
/// <param name="Mode">One of <see cref="Modes"/>.</param>
public sealed record NumaTuning(string Mode, ImmutableSortedSet<int> Nodes)
{
    /// <summary>By libvirt's number.</summary>
    public static ImmutableArray<string> Modes { get; } = ["strict", "preferred", "interleave", "restrictive"];

    internal static NumaTuning? Read(XElement domain) => domain.Element("numatune")?.Element("memory") is { } memory
        ? new NumaTuning(memory.Required("mode"), CpuList.Parse(memory.Required("nodeset")))
        : null;
}

/// <summary>What a domain may do with one of the host's block devices. 0: not given.</summary>
public sealed record BlkioDeviceTuning(string Path, ImmutableSortedDictionary<string, ulong> Limits)
{
    /// <summary>In the order in which libvirt writes them.</summary>
    public static ImmutableArray<string> Fields { get; } = ["weight", "read_iops_sec", "write_iops_sec", "read_bytes_sec", "write_bytes_sec"];

    internal static BlkioDeviceTuning Read(XElement device) => new(
        device.Text("path") ?? "",
        device.Elements().Where(limit => limit.Name != "path").ToImmutableSortedDictionary(
            limit => limit.Name.LocalName, limit => ulong.Parse(limit.Value, CultureInfo.InvariantCulture), StringComparer.Ordinal));
}
