using System.Collections.Frozen;
using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Cpus;

/// <summary>
/// What several CPUs have in common (<c>virsh cpu-baseline</c>, <c>hypervisor-cpu-baseline</c>), as a model and the features beyond it: a guest
/// with that CPU can move between all of them.
/// </summary>
/// <remarks>Model and features are those that libvirt chooses. Source: virCPUx86Baseline in libvirt 9.0.</remarks>
public static class CpuBaseline
{
    private static readonly FrozenSet<string> Vendors = ((string[])["Intel", "AMD", "Hygon"]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>libvirt's features that bind a guest to a host.</summary>
    private static readonly FrozenSet<string> Unmigratable = ((string[])["xsaves", "invtsc"]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Of the processors of several hosts, whatever their emulators make of them.</summary>
    /// <param name="expand">List all features, also those that the model has.</param>
    /// <exception cref="WherryException">InvalidArg, OperationFailed or InternalError: there is no such CPU, or a name that nobody knows.</exception>
    public static CpuSpec OfHosts(ImmutableArray<CpuDescription> hosts, bool migratable, bool expand)
    {
        CheckModels(hosts);
        if (hosts[0].Arch is { } arch && !Architectures.IsX86(arch))
            throw new WherryException(ErrorCode.NoSupport, $"cannot compute baseline CPU of {arch} architecture", ErrorDomain.Cpu);
        var baseline = Of(hosts, features: null, blockers: null);
        return Expanded(
            baseline with
            {
                Features = [.. baseline.Features.Where(feature =>
                    !CpuFeatures.IsNeverQemus(feature.Name) && !(migratable && Unmigratable.Contains(feature.Name)))],
            },
            expand);
    }

    /// <summary>Of the CPUs that emulators have for their guests, as the emulator here could provide it.</summary>
    /// <exception cref="WherryException">As <see cref="OfHosts"/>.</exception>
    public static CpuSpec OfGuests(ImmutableArray<CpuDescription> cpus, HypervisorCpus here, bool migratable, bool expand)
    {
        ArgumentNullException.ThrowIfNull(here);
        CheckModels(cpus);
        return Expanded(Of(cpus, here.Features(migratable), here.Blockers) with { Fallback = "forbid" }, expand);
    }

    private static void CheckModels(ImmutableArray<CpuDescription> cpus)
    {
        for (var index = 0; index < cpus.Length; index++)
        {
            if (cpus[index].Cpu.Model is null)
                throw new WherryException(ErrorCode.InvalidArg, $"no CPU model specified at index {index}", ErrorDomain.Cpu);
        }
    }

    private static CpuSpec Of(
        ImmutableArray<CpuDescription> cpus, IReadOnlySet<string>? features, IReadOnlyDictionary<string, ImmutableArray<string>>? blockers)
    {
        var common = CpuSets.Of(cpus[0].Cpu);
        var (vendor, isNamed) = (Known(cpus[0].Cpu.Vendor), cpus[0].Cpu.Vendor is not null);
        foreach (var cpu in cpus.Skip(1).Select(one => one.Cpu))
        {
            var own = CpuSets.Of(cpu);
            var maker = CpuSets.ModelOf(cpu).Vendor;
            if (cpu.Vendor is not null && maker is not null && cpu.Vendor != maker)
                throw Failed($"CPU vendor {maker} of model {cpu.Model} differs from vendor {cpu.Vendor}");
            isNamed &= cpu.Vendor is not null;
            maker = cpu.Vendor ?? maker;
            if (vendor is null)
                vendor = Known(maker);
            else if (maker is not null && maker != vendor)
                throw Failed("CPU vendors do not match");
            common.IntersectWith(own);
        }

        if (features is not null)
            common.IntersectWith(features);
        if (common.Count == 0)
            throw Failed("CPUs are incompatible");
        ImmutableArray<string> models = [.. cpus.Select(one => one.Cpu.Model!).Distinct(StringComparer.Ordinal)]; // ! : CheckModels
        var baseline = CpuDecoder.Decode(new CpuData(common, vendor, default), blockers, models);
        return baseline with
        {
            Vendor = isNamed ? baseline.Vendor : null,
            Fallback = models.Length == 1 && models[0] == baseline.Model ? "forbid" : "allow",
        };
    }

    private static CpuSpec Expanded(CpuSpec cpu, bool expand)
    {
        if (!expand)
            return cpu;
        var model = CpuSets.ModelOf(cpu);
        var features = model.Features.Select(name => new CpuFeatureSpec(name, CpuFeaturePolicy.Require)).ToList();
        foreach (var feature in cpu.Features)
            CpuSets.Set(features, feature.Name, feature.Policy);
        CpuDecoder.AddRemoved(features, model);
        return cpu with { Features = [.. features.OrderBy(feature => feature.Name, StringComparer.Ordinal)] };
    }

    private static string? Known(string? vendor) => vendor is null || Vendors.Contains(vendor) ? vendor : throw Failed($"Unknown CPU vendor {vendor}");

    private static WherryException Failed(string detail) => new(ErrorCode.OperationFailed, detail, ErrorDomain.Cpu);
}
