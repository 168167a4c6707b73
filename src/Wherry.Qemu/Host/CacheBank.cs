using System.Collections.Immutable;
using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>One last-level cache and the CPUs that share it. Levels below 3 are private to a core and not listed, as in libvirt.</summary>
/// <param name="Type"><c>both</c>, <c>code</c> or <c>data</c>.</param>
public sealed record CacheBank(uint Id, uint Level, string Type, ulong SizeBytes, CpuSet Cpus)
{
    private const int MinLevel = 3;

    public static ImmutableArray<CacheBank> ReadAll(HostFiles files)
    {
        var banks = new SortedDictionary<(uint Level, uint Id, string Type), CacheBank>();
        foreach (var cpu in CpuMap.Read(files).Online)
        {
            var cache = $"{CpuMap.Directory}/cpu{cpu}/cache";
            foreach (var index in files.NumberedEntries(cache, "index"))
            {
                if (Read(files, $"{cache}/index{index}") is { } bank)
                    banks.TryAdd((bank.Level, bank.Id, bank.Type), bank);
            }
        }
        return [.. banks.Values];
    }

    private static CacheBank? Read(HostFiles files, string directory)
    {
        if (files.TryReadNumber($"{directory}/level") is not { } level || level < MinLevel
            || files.TryReadNumber($"{directory}/id") is not { } id
            || files.TryReadText($"{directory}/type")?.Trim() is not { } type
            || files.TryReadText($"{directory}/size")?.Trim() is not { } size
            || files.TryReadCpuSet($"{directory}/shared_cpu_list") is not { } cpus)
        {
            return null;
        }
        return new CacheBank((uint)id, (uint)level, TypeName(type), Bytes(size), cpus);
    }

    private static string TypeName(string kernelType) => kernelType switch
    {
        "Instruction" => "code",
        "Data" => "data",
        _ => "both",
    };

    /// <summary>The kernel writes <c>32768K</c>.</summary>
    private static ulong Bytes(string size)
    {
        var unit = size[^1] switch { 'K' => 1024UL, 'M' => 1024UL * 1024, 'G' => 1024UL * 1024 * 1024, _ => 1UL };
        return ulong.Parse(unit == 1 ? size : size[..^1], CultureInfo.InvariantCulture) * unit;
    }
}
