using System.Globalization;

namespace Wherry.Qemu.ControlGroups;

/// <summary>How much processor time a group gets: so many microseconds in each period of so many microseconds.</summary>
/// <param name="Period">1,000 to 1,000,000 microseconds; 0: not given.</param>
/// <param name="Quota">Microseconds, from 1,000; negative or <see cref="Unlimited"/>: as much as there is; 0: not given.</param>
public readonly record struct CpuBandwidth(ulong Period, long Quota)
{
    /// <summary>What libvirt shows for no limit.</summary>
    public const long Unlimited = 17_592_186_044_415;

    internal const string File = "cpu.max";

    private const string NoLimit = "max";

    public bool IsGiven => Period != 0 || Quota != 0;

    /// <summary>What <c>cpu.max</c> says: quota, then period.</summary>
    /// <exception cref="WherryException">InternalError: the kernel says something else.</exception>
    internal static CpuBandwidth Parse(string text)
    {
        var fields = text.Trim().Split(' ');
        if (fields.Length != 2)
            throw new WherryException(ErrorCode.InternalError, $"Invalid '{File}' data.", ErrorDomain.Cgroup);
        if (!ulong.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var period))
            throw Unreadable();
        if (fields[0] == NoLimit)
            return new CpuBandwidth(period, Unlimited);
        return long.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var quota) ? new CpuBandwidth(period, quota) : throw Unreadable();

        WherryException Unreadable() => new(ErrorCode.InternalError, $"Failed to parse value '{text}' from {File}.", ErrorDomain.Cgroup);
    }

    /// <summary>
    /// The writes that bring a group to what is given here, and leave what is not given. Period first and each by itself, as libvirt does: the
    /// kernel looks at both together, and which of them it refuses decides what is left behind.
    /// </summary>
    /// <param name="current">What the group has.</param>
    internal IReadOnlyList<CgroupWrite> WritesFrom(CpuBandwidth current)
    {
        var writes = new List<CgroupWrite>();
        if (Period != 0)
            writes.Add(current.WithPeriod(Period));
        if (Quota != 0)
            writes.Add(new CgroupWrite(File, QuotaText(Quota)));
        return writes;
    }

    /// <summary>The same quota in another period.</summary>
    internal CgroupWrite WithPeriod(ulong period) => new(File, string.Create(CultureInfo.InvariantCulture, $"{QuotaText(Quota)} {period}"));

    private static string QuotaText(long quota) => quota is < 0 or Unlimited ? NoLimit : quota.ToString(CultureInfo.InvariantCulture);
}
