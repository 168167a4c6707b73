using System.Globalization;

namespace Wherry.Qemu.ControlGroups;

/// <summary>Processor time that a group has used, in nanoseconds.</summary>
public readonly record struct CgroupCpuTime(ulong TotalNs, ulong UserNs, ulong SystemNs)
{
    internal const string File = "cpu.stat";

    private const ulong NsPerMicrosecond = 1_000;

    /// <exception cref="WherryException">InternalError: the kernel says something else.</exception>
    internal static CgroupCpuTime Parse(string text) => new(FieldOf(text, "usage_usec"), FieldOf(text, "user_usec"), FieldOf(text, "system_usec"));

    private static ulong FieldOf(string text, string name)
    {
        foreach (var line in text.Split('\n'))
        {
            if (line.Split(' ') is [var field, var value] && field == name
                && ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds))
                return microseconds * NsPerMicrosecond;
        }
        throw new WherryException(ErrorCode.InternalError, $"cannot parse {name} of cpu stat '{text}'", ErrorDomain.Cgroup);
    }
}
