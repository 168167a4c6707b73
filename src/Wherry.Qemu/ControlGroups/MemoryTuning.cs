using System.Globalization;
using Wherry.Xml;

namespace Wherry.Qemu.ControlGroups;

/// <summary>memtune as the kernel's memory controller has it.</summary>
internal static class MemoryTuning
{
    /// <summary>libvirt's limits and the files that they are written to, in the order of a start.</summary>
    public static IReadOnlyList<(string Limit, string File)> Limits { get; } =
        [("hard_limit", "memory.max"), ("soft_limit", "memory.high"), ("swap_hard_limit", "memory.swap.max")];

    private const string NoLimit = "max";

    /// <param name="limit">One of <see cref="Limits"/>.</param>
    /// <param name="kib">In KiB; <see cref="DomainDocument.UnlimitedMemoryKiB"/> for no limit.</param>
    /// <exception cref="WherryException">InvalidArg: more than there can be.</exception>
    public static CgroupWrite Write(string limit, ulong kib)
    {
        const ulong most = DomainDocument.UnlimitedMemoryKiB;
        if (kib > most)
            throw new WherryException(ErrorCode.InvalidArg, $"Memory '{kib}' must be less than {most}", ErrorDomain.Cgroup);
        return new CgroupWrite(Limits.First(known => known.Limit == limit).File, kib == most ? NoLimit : (kib << 10).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A limit in KiB.</summary>
    /// <exception cref="WherryException">InternalError: the kernel says something else.</exception>
    public static ulong ParseKiB(string text)
    {
        var value = text.Trim();
        if (value == NoLimit)
            return DomainDocument.UnlimitedMemoryKiB;
        return ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? Math.Min(bytes >> 10, DomainDocument.UnlimitedMemoryKiB)
            : throw new WherryException(ErrorCode.InternalError, $"Failed to parse value '{value}' as number.", ErrorDomain.Cgroup);
    }
}
