using System.Collections.Frozen;
using System.Collections.Immutable;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Cpus;

/// <summary>The CPU features that domain XML has names for, and where CPUID or an MSR tells of each.</summary>
/// <remarks>
/// The order counts: it is libvirt's, and features that live XML adds to a model are listed in it. Every feature is one bit, so a set of
/// names says all there is to say of a CPU; bits without a name here are not libvirt's business and not ours.
/// Source: libvirt 9.0's cpu_map. The differential tests hold the result to what stock libvirt shows.
/// </remarks>
internal static class CpuFeatures
{
    private static readonly ImmutableArray<CpuFeature> Table =
    [
        .. Cpuid(0x1, 0, "EDX",
            "0:fpu vme de pse tsc msr pae mce cx8 apic 11:sep mtrr pge mca cmov pat pse36 pn clflush 21:ds acpi mmx fxsr sse sse2 ss ht tm "
            + "ia64 pbe"),
        .. Cpuid(0x1, 0, "ECX",
            "0:pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid 12:fma cx16 xtpr pdcm 17:pcid dca sse4.1 sse4.2 x2apic movbe "
            + "popcnt tsc-deadline aes xsave osxsave avx f16c rdrand hypervisor"),
        .. Cpuid(0x6, 0, "EAX", "2:arat"),
        .. Cpuid(0x7, 0, "EBX",
            "0:fsgsbase tsc_adjust sgx bmi1 hle avx2 7:smep bmi2 erms invpcid rtm cmt 14:mpx 16:avx512f avx512dq rdseed adx smap avx512ifma "
            + "pcommit clflushopt clwb intel-pt avx512pf avx512er avx512cd sha-ni avx512bw avx512vl"),
        .. Cpuid(0x7, 0, "ECX",
            "1:avx512vbmi umip pku ospke waitpkg avx512vbmi2 8:gfni vaes vpclmulqdq avx512vnni avx512bitalg 14:avx512-vpopcntdq 16:la57 "
            + "22:rdpid 24:bus-lock-detect cldemote 27:movdiri movdir64b 30:sgxlc pks"),
        .. Cpuid(0x7, 0, "EDX",
            "2:avx512-4vnniw avx512-4fmaps fsrm 8:avx512-vp2intersect 10:md-clear 14:serialize 16:tsx-ldtrk 18:pconfig arch-lbr 22:amx-bf16 "
            + "avx512-fp16 amx-tile amx-int8 spec-ctrl stibp 29:arch-capabilities core-capability ssbd"),
        .. Cpuid(0x7, 1, "EAX", "4:avx-vnni avx512-bf16"),
        .. Cpuid(0xd, 1, "EAX", "0:xsaveopt xsavec xgetbv1 xsaves xfd"),
        .. Cpuid(0xf, 1, "EDX", "1:mbm_total mbm_local"),
        .. Cpuid(0x12, 0, "EAX", "0:sgx1 sgx2"),
        .. Cpuid(0x12, 0, "EBX", "0:sgx-exinfo"),
        .. Cpuid(0x12, 1, "EAX", "1:sgx-debug sgx-mode64 4:sgx-provisionkey sgx-tokenkey 7:sgx-kss"),
        .. Cpuid(0x14, 0, "ECX", "31:intel-pt-lip"),
        .. Cpuid(0x80000001, 0, "EDX", "11:syscall 20:nx 22:mmxext 25:fxsr_opt pdpe1gb rdtscp 29:lm 3dnowext 3dnow"),
        .. Cpuid(0x80000001, 0, "ECX",
            "0:lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt 15:lwp fma4 tce cvt16 "
            + "nodeid_msr 21:tbm topoext perfctr_core perfctr_nb"),
        .. Cpuid(0x80000007, 0, "EDX", "8:invtsc"),
        .. Cpuid(0x80000008, 0, "EBX", "0:clzero 2:xsaveerptr 9:wbnoinvd 12:ibpb 14:ibrs amd-stibp 24:amd-ssbd virt-ssbd amd-no-ssb"),
        .. Cpuid(0x8000000a, 0, "EDX",
            "0:npt lbrv svm-lock nrip-save tsc-scale vmcb-clean flushbyasid decodeassists 10:pause-filter 12:pfthreshold avic "
            + "15:v-vmsave-vmload vgif 28:svme-addr-chk"),
        .. Msr(0x10a, "0:rdctl-no ibrs-all rsba skip-l1dfl-vmentry ssb-no mds-no pschange-mc-no tsx-ctrl taa-no"),
        .. Msr(0xcf, "5:split-lock-detect"),
    ];

    /// <summary>All names, in libvirt's order.</summary>
    public static ImmutableArray<string> All { get; } = [.. Table.Select(feature => feature.Name)];

    private static readonly FrozenSet<string> Known = All.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenDictionary<CpuFeature, string> ByCpuid =
        Table.Where(feature => feature.Register is not null).ToFrozenDictionary(feature => feature with { Name = "" }, feature => feature.Name);

    /// <summary>Names that libvirt chose before QEMU settled on its own.</summary>
    private static readonly FrozenDictionary<string, string> QemuNames = new Dictionary<string, string>
    {
        ["cmp_legacy"] = "cmp-legacy",
        ["ds_cpl"] = "ds-cpl",
        ["fxsr_opt"] = "fxsr-opt",
        ["kvm_pv_eoi"] = "kvm-pv-eoi",
        ["kvm_pv_unhalt"] = "kvm-pv-unhalt",
        ["lahf_lm"] = "lahf-lm",
        ["nodeid_msr"] = "nodeid-msr",
        ["pclmuldq"] = "pclmulqdq",
        ["perfctr_core"] = "perfctr-core",
        ["perfctr_nb"] = "perfctr-nb",
        ["tsc_adjust"] = "tsc-adjust",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> LibvirtNames =
        QemuNames.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>Features told by IA32_ARCH_CAPABILITIES and IA32_CORE_CAPABILITIES: <c>feature-words</c> leaves these out.</summary>
    public static ImmutableArray<string> InMsrs { get; } = [.. Table.Where(feature => feature.Register is null).Select(feature => feature.Name)];

    public static bool IsKnown(string name) => Known.Contains(name);

    /// <summary>The property of QEMU's CPU.</summary>
    public static string ToQemu(string name) => QemuNames.GetValueOrDefault(name, name);

    public static string FromQemu(string property) => LibvirtNames.GetValueOrDefault(property, property);

    /// <summary>
    /// Of the host only, or told by the guest's own kernel (OSXSAVE, OSPKE): QEMU has no such properties, so the command line must not
    /// name them, though models of old definitions do.
    /// </summary>
    public static bool IsNeverQemus(string name) => name is "cmt" or "mbm_total" or "mbm_local" or "osxsave" or "ospke";

    /// <summary>The named bits that are set in CPUID registers.</summary>
    public static IEnumerable<string> In(IEnumerable<CpuFeatureWord> words) =>
        from word in words
        from bit in Enumerable.Range(0, 32)
        where (word.Features >> bit & 1) != 0
        let name = ByCpuid.GetValueOrDefault(new CpuFeature("", word.CpuidInputEax, word.CpuidInputEcx ?? 0, word.CpuidRegister, bit))
        where name is not null
        select name;

    private static IEnumerable<CpuFeature> Cpuid(uint leaf, uint subleaf, string register, string row) =>
        Bits(row).Select(bit => new CpuFeature(bit.Name, leaf, subleaf, register, bit.Number));

    private static IEnumerable<CpuFeature> Msr(uint index, string row) =>
        Bits(row).Select(bit => new CpuFeature(bit.Name, index, 0, null, bit.Number));

    /// <summary>"3:one two 7:three": bits 3, 4 and 7.</summary>
    private static IEnumerable<(int Number, string Name)> Bits(string row)
    {
        var next = 0;
        foreach (var entry in row.Split(' '))
        {
            var colon = entry.IndexOf(':', StringComparison.Ordinal);
            if (colon >= 0)
                next = int.Parse(entry.AsSpan(0, colon), System.Globalization.CultureInfo.InvariantCulture);
            yield return (next++, entry[(colon + 1)..]);
        }
    }

    /// <param name="Leaf">CPUID's EAX, or the MSR's index.</param>
    /// <param name="Register">null for an MSR.</param>
    private readonly record struct CpuFeature(string Name, uint Leaf, uint Subleaf, string? Register, int Bit);
}
