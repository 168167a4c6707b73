using System.Collections.Immutable;

namespace Wherry.Qemu.Host;

/// <summary>
/// The kernel's CPU flags in the words of domain XML. Only bits a guest could be given are listed, in the order of the CPUID leaves;
/// what the baseline model <c>kvm64</c> already implies (fpu, tsc, sse2, lm, nx, ...) is left out.
/// </summary>
internal static class CpuFlags
{
    /// <summary>One row per register of CPUID: the kernel's flag, and after a colon libvirt's name where it differs.</summary>
    private static readonly ImmutableArray<(string Flag, string Feature)> Table =
    [
        // 0x1 EDX, ECX
        .. Row("vme ds acpi ss ht tm pbe"),
        .. Row("pclmulqdq:pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 fma xtpr pdcm pcid dca sse4_1:sse4.1 sse4_2:sse4.2 x2apic movbe "
            + "popcnt tsc_deadline_timer:tsc-deadline aes xsave osxsave avx f16c rdrand hypervisor"),
        // 0x6 EAX
        .. Row("arat"),
        // 0x7.0 EBX, ECX, EDX
        .. Row("fsgsbase tsc_adjust bmi1 hle avx2 smep bmi2 erms invpcid rtm cqm:cmt mpx avx512f avx512dq rdseed adx smap avx512ifma clflushopt "
            + "clwb intel_pt:intel-pt avx512pf avx512er avx512cd sha_ni:sha-ni avx512bw avx512vl"),
        .. Row("avx512vbmi umip pku ospke waitpkg avx512_vbmi2:avx512vbmi2 gfni vaes vpclmulqdq avx512_vnni:avx512vnni avx512_bitalg:avx512bitalg "
            + "avx512_vpopcntdq:avx512-vpopcntdq la57 rdpid bus_lock_detect:bus-lock-detect cldemote movdiri movdir64b"),
        .. Row("avx512_4vnniw:avx512-4vnniw avx512_4fmaps:avx512-4fmaps fsrm avx512_vp2intersect:avx512-vp2intersect md_clear:md-clear serialize "
            + "tsxldtrk:tsx-ldtrk amx_bf16:amx-bf16 avx512_fp16:avx512-fp16 amx_tile:amx-tile amx_int8:amx-int8"),
        // 0x7.1 EAX, 0xd.1 EAX
        .. Row("avx_vnni:avx-vnni avx512_bf16:avx512-bf16"),
        .. Row("xsaveopt xsavec xgetbv1 xsaves"),
        // 0x80000001 EDX, ECX
        .. Row("mmxext fxsr_opt pdpe1gb rdtscp 3dnowext 3dnow"),
        .. Row("lahf_lm cmp_legacy svm extapic cr8_legacy:cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt lwp fma4 tce "
            + "topoext perfctr_core perfctr_nb"),
        // 0x80000007 EDX, 0x80000008 EBX
        .. Row("nonstop_tsc:invtsc"),
        .. Row("clzero xsaveerptr rdpru wbnoinvd ibpb virt_ssbd:virt-ssbd"),
    ];

    public static ImmutableArray<string> ToFeatures(string flags)
    {
        var set = flags.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        // The kernel does not list OSXSAVE, which only says that the kernel has switched XSAVE on: it always does.
        if (set.Contains("xsave"))
            set.Add("osxsave");
        return [.. Table.Where(row => set.Contains(row.Flag)).Select(row => row.Feature).Distinct(StringComparer.Ordinal)];
    }

    private static IEnumerable<(string Flag, string Feature)> Row(string row) =>
        row.Split(' ').Select(entry => entry.Split(':') is [var flag, var feature] ? (flag, feature) : (entry, entry));
}
