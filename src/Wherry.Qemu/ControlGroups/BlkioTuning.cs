using System.Globalization;
using Wherry.Xml;

namespace Wherry.Qemu.ControlGroups;

/// <summary>blkiotune as the kernel's io controller has it.</summary>
internal static class BlkioTuning
{
    public const string WeightFile = "io.weight", BfqWeightFile = "io.bfq.weight", LimitFile = "io.max";

    /// <summary>The names of libvirt's limits of a device in <see cref="LimitFile"/>; bytes and operations per second.</summary>
    private static readonly Dictionary<string, string> LimitNames = new(StringComparer.Ordinal)
    {
        ["read_iops_sec"] = "riops",
        ["write_iops_sec"] = "wiops",
        ["read_bytes_sec"] = "rbps",
        ["write_bytes_sec"] = "wbps",
    };

    /// <summary>The weight among all groups.</summary>
    /// <param name="file">The one of the two weight files that is there.</param>
    public static CgroupWrite Weight(string file, uint weight)
    {
        var number = weight.ToString(CultureInfo.InvariantCulture);
        return new CgroupWrite(file, file == BfqWeightFile ? number : "default " + number);
    }

    /// <summary>One limit of one device, or its weight.</summary>
    /// <param name="field">One of <see cref="BlkioDeviceTuning.Fields"/>.</param>
    /// <param name="value">0: no limit.</param>
    public static CgroupWrite Device((uint Major, uint Minor) device, string field, ulong value)
    {
        var number = value.ToString(CultureInfo.InvariantCulture);
        var prefix = string.Create(CultureInfo.InvariantCulture, $"{device.Major}:{device.Minor} ");
        return field == "weight"
            ? new CgroupWrite(WeightFile, prefix + number)
            : new CgroupWrite(LimitFile, $"{prefix}{LimitNames[field]}={(value == 0 ? "max" : number)}");
    }

    /// <summary>The weight among all groups, of either weight file.</summary>
    /// <exception cref="WherryException">InternalError: the kernel says something else.</exception>
    public static uint ParseWeight(string text)
    {
        const string prefix = "default ";
        var at = text.IndexOf(prefix, StringComparison.Ordinal);
        var value = (at < 0 ? text : text[(at + prefix.Length)..]).Split('\n')[0];
        return uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var weight)
            ? weight
            : throw new WherryException(ErrorCode.InternalError, $"Unable to parse '{value}' as an integer", ErrorDomain.Cgroup);
    }
}
