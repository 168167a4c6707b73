using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

/// <summary>What becomes of a disk's limits when some of them change.</summary>
internal static class Throttle
{
    private static readonly ImmutableArray<string> Sides = ["total", "read", "write"];
    private static readonly ImmutableArray<string> Kinds = ["bytes_sec", "iops_sec"];

    /// <summary>
    /// The new limits with the old ones of every family of which none is given; those of the group, where the disk joins one. Nothing limited
    /// takes a disk out of its group.
    /// </summary>
    /// <exception cref="WherryException">ConfigUnsupported: a group without limits.</exception>
    public static IoTuneSpec Complete(IoTuneSpec wanted, DiskSpec disk, DomainSpec spec)
    {
        var mine = disk.IoTune ?? IoTuneSpec.None;
        var old = wanted.GroupName is null || wanted.GroupName == mine.GroupName
            ? mine
            : spec.Disks.FirstOrDefault(other => other.IoTune?.GroupName == wanted.GroupName)?.IoTune ?? mine;
        var result = wanted with { GroupName = wanted.GroupName ?? old.GroupName };
        foreach (var kind in Kinds)
        {
            result = Inherit(result, wanted, old, kind, "");
            result = Inherit(result, wanted, old, kind, "_max");
        }
        if (!wanted.Limits.ContainsKey("size_iops_sec"))
            result = result.With("size_iops_sec", old["size_iops_sec"]);
        foreach (var kind in Kinds)
            result = Lengths(result, wanted, old, kind);
        if (result.LimitsAnything)
            return result;
        return result.GroupName is null || result.GroupName == mine.GroupName
            ? result with { GroupName = null }
            : throw new WherryException(
                ErrorCode.ConfigUnsupported, "creating a new group/updating existing with all tune parameters zero is not supported");
    }

    /// <exception cref="WherryException">ConfigUnsupported: a burst without, or below, what it is a burst of.</exception>
    public static void CheckBursts(IoTuneSpec tune)
    {
        foreach (var limit in Kinds.SelectMany(kind => Sides.Select(side => $"{side}_{kind}")))
        {
            var burst = limit + "_max";
            if (tune[burst] != 0 && tune[limit] == 0)
                throw new WherryException(ErrorCode.ConfigUnsupported, $"cannot reset '{limit}' when '{burst}' is set");
            if (tune[burst] != 0 && tune[burst] < tune[limit])
                throw new WherryException(ErrorCode.ConfigUnsupported, $"value '{burst}' cannot be smaller than '{limit}'");
        }
    }

    private static IoTuneSpec Inherit(IoTuneSpec result, IoTuneSpec wanted, IoTuneSpec old, string kind, string suffix)
    {
        var family = Sides.Select(side => $"{side}_{kind}{suffix}").ToList();
        return family.Exists(wanted.Limits.ContainsKey) ? result : family.Aggregate(result, (now, limit) => now.With(limit, old[limit]));
    }

    /// <summary>QEMU refuses a length of 0 where anything of the family is limited: a length that is taken back becomes 1 there.</summary>
    private static IoTuneSpec Lengths(IoTuneSpec result, IoTuneSpec wanted, IoTuneSpec old, string kind)
    {
        var isGiven = Sides.Any(side => wanted.Limits.ContainsKey($"{side}_{kind}_max_length"));
        foreach (var limit in Sides.Select(side => $"{side}_{kind}"))
        {
            var length = limit + "_max_length";
            if (!isGiven)
                result = result.With(length, old[length]);
            else if (old[length] != 0 && result[length] == 0)
                result = result.With(length, result[limit] != 0 || result[limit + "_max"] != 0 ? 1u : 0u);
        }
        return result;
    }
}
