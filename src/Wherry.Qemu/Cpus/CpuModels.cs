using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Wherry.Qemu.Cpus;

/// <summary>
/// The CPU models that domain XML has names for, as libvirt understands them. QEMU's own idea of a model with the same name differs in
/// places; the XML of a running guest lists just these differences, so both sides of the subtraction have to be libvirt's.
/// </summary>
/// <remarks>
/// Each row names an earlier model and what is added and, with a dash, taken away: whichever earlier model makes the row short, related or not.
/// The order counts: where two models describe a CPU equally well, the later one is taken. Source: libvirt 9.0's cpu_map.
/// </remarks>
internal static class CpuModels
{
    private static readonly ImmutableArray<Row> Rows =
    [
        new("486", "", "", "", "fpu vme pse"),
        new("pentium", "", "", "486", "de tsc msr mce cx8 mmx"),
        new("pentium2", "", "", "pentium", "pae sep mtrr pge mca cmov pat pse36 fxsr"),
        new("pentium3", "", "", "pentium2", "sse"),
        new("pentiumpro", "", "", "pentium3", "apic sse2 -vme -mtrr -mca -pse36"),
        new("coreduo", "Intel", "", "pentium3", "apic clflush sse2 pni monitor nx -pse36"),
        new("n270", "Intel", "", "coreduo", "ssse3"),
        new("core2duo", "Intel", "", "n270", "pse36 syscall lm"),
        new("qemu32", "", "", "pentiumpro", "pni"),
        new("kvm32", "", "", "coreduo", "pse36 -vme -monitor -nx"),
        new("cpu64-rhel5", "", "", "core2duo", "-vme -monitor -ssse3", ForGuests: false),
        new("cpu64-rhel6", "", "", "cpu64-rhel5", "cx16 lahf_lm", ForGuests: false),
        new("qemu64", "", "", "cpu64-rhel5", "cx16 svm"),
        new("kvm64", "", "", "cpu64-rhel5", "cx16"),
        new("Conroe", "Intel", "6/15 6/22", "cpu64-rhel5", "ssse3 lahf_lm"),
        new("Penryn", "Intel", "6/23 6/29", "cpu64-rhel6", "ssse3 sse4.1"),
        new("Nehalem", "Intel", "6/26 6/30 6/31 6/46", "Penryn", "sse4.2 popcnt"),
        new("Nehalem-IBRS", "Intel", "6/26 6/30 6/31 6/46", "Nehalem", "spec-ctrl"),
        new("Westmere", "Intel", "6/44 6/47 6/37", "Nehalem", "aes"),
        new("Westmere-IBRS", "Intel", "6/44", "Nehalem-IBRS", "aes"),
        new("SandyBridge", "Intel", "6/42 6/45", "Westmere", "pclmuldq x2apic tsc-deadline xsave avx rdtscp"),
        new("SandyBridge-IBRS", "Intel", "6/42 6/45", "SandyBridge", "spec-ctrl"),
        new("IvyBridge", "Intel", "6/58 6/62", "SandyBridge", "vme f16c rdrand fsgsbase smep erms"),
        new("IvyBridge-IBRS", "Intel", "6/58 6/62", "IvyBridge", "spec-ctrl"),
        new("Haswell-noTSX", "Intel", "6/60 6/63 6/69 6/70", "SandyBridge", "fma pcid movbe fsgsbase bmi1 avx2 smep bmi2 erms invpcid"),
        new("Haswell-noTSX-IBRS", "Intel", "6/60 6/63 6/69 6/70", "Haswell-noTSX", "spec-ctrl"),
        new("Haswell", "Intel", "6/60 6/63 6/69 6/70", "Haswell-noTSX", "hle rtm"),
        new("Haswell-IBRS", "Intel", "6/60 6/63 6/69 6/70", "Haswell", "spec-ctrl"),
        new("Broadwell-noTSX", "Intel", "6/61 6/71 6/79 6/86", "Haswell-noTSX", "rdseed adx smap 3dnowprefetch"),
        new("Broadwell-noTSX-IBRS", "Intel", "6/61 6/71 6/79 6/86", "Broadwell-noTSX", "spec-ctrl"),
        new("Broadwell", "Intel", "6/61 6/71 6/79 6/86", "Broadwell-noTSX", "hle rtm"),
        new("Broadwell-IBRS", "Intel", "6/61 6/71 6/79 6/86", "Broadwell", "spec-ctrl"),
        new("Skylake-Client", "Intel", "6/94 6/78 6/142 6/158", "Broadwell", "vme f16c rdrand arat mpx xsaveopt xsavec xgetbv1 abm"),
        new("Skylake-Client-IBRS", "Intel", "6/94 6/78 6/142 6/158", "Skylake-Client", "spec-ctrl"),
        new("Skylake-Client-noTSX-IBRS", "Intel", "6/94 6/78 6/142 6/158", "Skylake-Client-IBRS", "-hle -rtm", ForGuests: false),
        new("Skylake-Server", "Intel", "6/85/0-4", "Skylake-Client", "avx512f avx512dq clwb avx512cd avx512bw avx512vl pdpe1gb"),
        new("Skylake-Server-IBRS", "Intel", "6/85/0-4", "Skylake-Server", "spec-ctrl"),
        new("Skylake-Server-noTSX-IBRS", "Intel", "6/85/0-4", "Skylake-Server-IBRS", "-hle -rtm", ForGuests: false),
        new("Cascadelake-Server", "Intel", "6/85/5-7", "Skylake-Server-IBRS", "clflushopt avx512vnni ssbd"),
        new("Cascadelake-Server-noTSX", "Intel", "6/85/5-7", "Cascadelake-Server", "-hle -rtm", ForGuests: false),
        new("Icelake-Client", "Intel", "6/126", "Skylake-Client-IBRS",
            "avx512vbmi umip pku avx512vbmi2 gfni vaes vpclmulqdq avx512vnni avx512bitalg avx512-vpopcntdq ssbd wbnoinvd", Removed: "intel-pt"),
        new("Icelake-Client-noTSX", "Intel", "6/126", "Icelake-Client", "-hle -rtm", Removed: "intel-pt", ForGuests: false),
        new("Icelake-Server", "Intel", "6/106", "Icelake-Client",
            "avx512f avx512dq clflushopt clwb avx512cd avx512bw avx512vl la57 pdpe1gb", Removed: "intel-pt"),
        new("Icelake-Server-noTSX", "Intel", "6/106", "Icelake-Server", "-hle -rtm", Removed: "intel-pt", ForGuests: false),
        new("Cooperlake", "Intel", "6/85/10-11", "Cascadelake-Server",
            "pku stibp arch-capabilities avx512-bf16 rdctl-no ibrs-all skip-l1dfl-vmentry mds-no pschange-mc-no taa-no -mpx"),
        new("Snowridge", "Intel", "6/134", "IvyBridge-IBRS",
            "movbe arat rdseed smap clflushopt clwb sha-ni umip gfni cldemote movdiri movdir64b arch-capabilities core-capability ssbd "
            + "xsaveopt xsavec xgetbv1 pdpe1gb 3dnowprefetch split-lock-detect -avx -f16c"),
        new("athlon", "AMD", "", "pentium3", "apic sse2 mmxext 3dnowext 3dnow -mca"),
        new("phenom", "AMD", "", "cpu64-rhel5", "monitor mmxext fxsr_opt 3dnowext 3dnow svm"),
        new("Opteron_G1", "AMD", "15/6", "cpu64-rhel5", ""),
        new("Opteron_G2", "AMD", "15/6", "cpu64-rhel6", "rdtscp svm"),
        new("Opteron_G3", "AMD", "15/6", "Opteron_G2", "popcnt abm sse4a misalignsse", Removed: "monitor"),
        new("Opteron_G4", "AMD", "21/1", "SandyBridge", "pdpe1gb svm abm sse4a misalignsse 3dnowprefetch xop fma4 -x2apic -tsc-deadline"),
        new("Opteron_G5", "AMD", "21/2", "Opteron_G4", "fma f16c tbm"),
        new("EPYC", "AMD", "23/1", "Skylake-Client-noTSX-IBRS",
            "clflushopt sha-ni mmxext fxsr_opt pdpe1gb svm cr8legacy sse4a misalignsse osvw -pcid -x2apic -tsc-deadline -erms -invpcid -mpx "
            + "-spec-ctrl", Removed: "monitor"),
        new("EPYC-IBPB", "AMD", "23/1", "EPYC", "ibpb", Removed: "monitor"),
        new("EPYC-Rome", "AMD", "23/49", "EPYC-IBPB", "clwb umip rdpid perfctr_core clzero xsaveerptr wbnoinvd amd-stibp npt nrip-save"),
        new("EPYC-Milan", "AMD", "25/1", "EPYC-Rome", "pcid erms invpcid pku fsrm xsaves ibrs amd-ssbd svme-addr-chk"),
        new("Dhyana", "Hygon", "24/0", "EPYC-IBPB", "-pclmuldq -aes -sha-ni", Removed: "monitor"),
    ];

    private static readonly FrozenDictionary<string, CpuModel> ByName = Build();

    /// <summary>All models, in libvirt's order.</summary>
    public static ImmutableArray<CpuModel> All { get; } = [.. Rows.Select(row => ByName[row.Name])];

    public static CpuModel? Find(string name) => ByName.GetValueOrDefault(name);

    private static FrozenDictionary<string, CpuModel> Build()
    {
        var models = new Dictionary<string, CpuModel>(StringComparer.Ordinal);
        foreach (var row in Rows)
        {
            var features = new HashSet<string>(row.Base.Length == 0 ? [] : models[row.Base].Features, StringComparer.Ordinal);
            foreach (var change in row.Changes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (change[0] == '-')
                    features.Remove(change[1..]);
                else
                    features.Add(change);
            }
            models.Add(row.Name, new CpuModel
            {
                Name = row.Name,
                Vendor = row.Vendor.Length == 0 ? null : row.Vendor,
                Signatures = [.. row.Signatures.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(CpuSignatures.Parse)],
                Features = features.ToFrozenSet(StringComparer.Ordinal),
                Removed = [.. (row.Removed ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)],
                ForGuests = row.ForGuests,
            });
        }
        return models.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private sealed record Row(
        string Name, string Vendor, string Signatures, string Base, string Changes, string? Removed = null, bool ForGuests = true);
}

internal sealed record CpuModel
{
    public required string Name { get; init; }

    /// <summary>libvirt's word for the maker; null for the models that nobody made.</summary>
    public required string? Vendor { get; init; }

    /// <summary>Processors known by this name.</summary>
    public required ImmutableArray<CpuSignatures> Signatures { get; init; }

    public required FrozenSet<string> Features { get; init; }

    /// <summary>Features that the model had in earlier releases of libvirt; XML says that they are off, for those releases to read.</summary>
    public required ImmutableArray<string> Removed { get; init; }

    /// <summary>False for a model that definitions may name, but none is described by.</summary>
    public required bool ForGuests { get; init; }

    public bool Is(CpuSignature signature) => Signatures.Any(signatures => signatures.Contain(signature));
}

/// <summary>Which processor, in CPUID's numbers.</summary>
internal readonly record struct CpuSignature(int Family, int Model, int Stepping);

/// <summary>A family, a model and a range of steppings; written "6/85/5-7", or "6/106" for any stepping.</summary>
internal readonly record struct CpuSignatures(int Family, int Model, int FirstStepping, int LastStepping)
{
    public static CpuSignatures Parse(string text)
    {
        var numbers = text.Split('/', '-').Select(number => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        return numbers is [var family, var model, var first, var last] ? new(family, model, first, last) : new(numbers[0], numbers[1], 0, 15);
    }

    public bool Contain(CpuSignature one) =>
        one.Family == Family && one.Model == Model && one.Stepping >= FirstStepping && one.Stepping <= LastStepping;
}
