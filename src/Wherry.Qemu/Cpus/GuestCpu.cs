using Wherry.Xml;

namespace Wherry.Qemu.Cpus;

/// <summary>
/// The CPU of one guest: what its definition means on this host, and what QEMU made of that.
/// <code>
///   definition --Resolve--&gt; started with (-cpu) --QEMU--&gt; AsBuilt: live XML, check='full'
///   host-model              EPYC, -vme, +la57              the same, and what QEMU added or left out
///   Haswell, check='none'   Haswell                        Haswell, -pcid, +hypervisor
///
///   source: live XML's CPU travels in the cookie --Resolve--&gt; destination's QEMU --AsBuilt--&gt; equal, or the migration is refused
/// </code>
/// Source: qemuProcessUpdateGuestCPU and virCPUx86UpdateLive in libvirt 9.0; the texts are libvirt's, because clients read them.
/// </summary>
internal static class GuestCpu
{
    /// <summary>Live XML names everything, and a CPU that comes from live XML has to be had exactly.</summary>
    private const string FullCheck = "full";

    /// <summary>Whether there is anything to resolve: a topology alone leaves the CPU to QEMU.</summary>
    public static bool IsChosen(CpuSpec? cpu) => cpu is not null and not { Mode: CpuMode.Custom, Model: null };

    /// <summary>The CPU to start, with host-model, optional features and models that QEMU does not have spelled out.</summary>
    /// <param name="spec">The domain that is about to start; <see cref="IsChosen"/>.</param>
    /// <param name="cpus">null: this host cannot run domains of that type.</param>
    /// <param name="incoming">The guest runs already, elsewhere.</param>
    /// <exception cref="WherryException">CpuIncompatible or ConfigUnsupported: this host cannot provide it.</exception>
    public static CpuSpec Resolve(DomainSpec spec, HypervisorCpus? cpus, bool incoming)
    {
        var cpu = spec.Cpu!;
        // Sent by a libvirt that left the mode in place: the guest has that model, whatever ours would be.
        if (incoming && cpu is { Mode: CpuMode.HostModel, Model: not null })
            cpu = cpu with { Mode = CpuMode.Custom };
        if (cpu.Mode == CpuMode.HostPassthrough ? spec.Type == DomainType.Qemu : cpus is null && cpu.Mode != CpuMode.Maximum)
        {
            var mode = cpu.Mode switch { CpuMode.HostPassthrough => "host-passthrough", CpuMode.HostModel => "host-model", _ => "custom" };
            throw new WherryException(
                ErrorCode.ConfigUnsupported,
                $"CPU mode '{mode}' for {spec.Os.Arch} {(spec.Type == DomainType.Qemu ? "qemu" : "kvm")} domain on {spec.Os.Arch} host is not supported by hypervisor");
        }
        if (cpus is null)
            return cpu;
        if (cpu.Check != "none")
            RefuseForbidden(cpu, cpus.Best);
        if (cpu.Mode is CpuMode.Custom or CpuMode.HostModel)
        {
            if (cpu.Check == "partial")
                RefuseIncompatible(cpu, cpus.Best);
            cpu = Translate(Update(cpu, cpus.Migratable), cpus) with { Fallback = "forbid" };
        }
        return cpu with
        {
            Features =
            [
                .. cpu.Features.Where(feature => !CpuFeatures.IsNeverQemus(feature.Name)
                    && (feature.Policy is not (CpuFeaturePolicy.Disable or CpuFeaturePolicy.Forbid) || cpus.KnownProperties.Contains(feature.Name))),
            ],
        };
    }

    /// <summary>The CPU that QEMU built for the one that it was started with.</summary>
    /// <param name="enabled">What the guest can find.</param>
    /// <param name="unavailable">What was asked for and could not be had.</param>
    /// <exception cref="WherryException">OperationFailed: <c>check='full'</c>, and it is another CPU.</exception>
    public static CpuSpec AsBuilt(CpuSpec started, IReadOnlySet<string> enabled, IReadOnlySet<string> unavailable)
    {
        var wanted = CpuSets.Of(started);
        if (wanted.Contains("invtsc") && !enabled.Contains("invtsc"))
            throw new WherryException(ErrorCode.ConfigUnsupported, "host doesn't support invariant TSC");
        var exact = started.Check == FullCheck;
        if (started.Mode != CpuMode.Custom && !exact)
            return started;
        // Of a host's CPU passed through, the definition tells only what it changes.
        var switchedOff = started.Mode is CpuMode.HostPassthrough or CpuMode.Maximum ? CpuSets.Of(started, CpuFeaturePolicy.Disable) : null;
        var features = started.Features.ToList();
        var (extra, missing) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var name in CpuFeatures.All)
        {
            if (!wanted.Contains(name) && switchedOff?.Contains(name) != false && enabled.Contains(name))
            {
                extra.Add(name);
                CpuSets.Set(features, name, CpuFeaturePolicy.Require);
            }
            if (unavailable.Contains(name) || (wanted.Contains(name) && !enabled.Contains(name)))
            {
                missing.Add(name);
                CpuSets.Set(features, name, CpuFeaturePolicy.Disable);
            }
        }
        if (exact && extra.Count + missing.Count > 0)
            throw Mismatch(extra, missing);
        if (started.Model is not null)
            CpuDecoder.AddRemoved(features, CpuSets.ModelOf(started));
        return started with { Check = FullCheck, Features = [.. features] };
    }

    private static WherryException Mismatch(HashSet<string> extra, HashSet<string> missing)
    {
        string?[] parts =
        [
            extra.Count > 0 ? $"extra features: {CpuSets.InOrder(extra, ",")}" : null,
            missing.Count > 0 ? $"missing features: {CpuSets.InOrder(missing, ",")}" : null,
        ];
        return new WherryException(
            ErrorCode.OperationFailed,
            $"guest CPU doesn't match specification: {string.Join(", ", parts.Where(part => part is not null))}",
            ErrorDomain.Cpu);
    }

    private static void RefuseForbidden(CpuSpec cpu, CpuSpec host)
    {
        foreach (var feature in cpu.Features.Where(feature => feature.Policy == CpuFeaturePolicy.Forbid))
        {
            if (host.Features.Any(has => has.Name == feature.Name && has.Policy != CpuFeaturePolicy.Disable))
                throw Incompatible($"Host CPU provides forbidden feature '{feature.Name}'");
        }
    }

    /// <summary>Whether the host has more than the definition asks for.</summary>
    /// <exception cref="WherryException">CpuIncompatible: it has less, or other things.</exception>
    internal static bool RefuseIncompatible(CpuSpec cpu, CpuSpec host)
    {
        if (cpu.Vendor is { } vendor && vendor != host.Vendor)
            throw Incompatible($"host CPU vendor does not match required CPU vendor {vendor}");
        var provided = CpuSets.Of(host);
        var forbidden = CpuSets.Of(cpu, CpuFeaturePolicy.Forbid);
        forbidden.IntersectWith(provided);
        if (forbidden.Count > 0)
            throw Incompatible($"Host CPU provides forbidden features: {CpuSets.InOrder(forbidden, ", ")}");
        var required = CpuSets.Of(cpu, CpuFeaturePolicy.Require);
        foreach (var policy in (CpuFeaturePolicy[])[CpuFeaturePolicy.Force, CpuFeaturePolicy.Optional, CpuFeaturePolicy.Disable])
        {
            var named = CpuSets.Of(cpu, policy);
            required.ExceptWith(named);
            provided.ExceptWith(named);
        }
        var missing = required.Except(CpuSets.Of(host), StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        if (missing.Count > 0)
            throw Incompatible($"Host CPU does not provide required features: {CpuSets.InOrder(missing, ", ")}");
        provided.ExceptWith(required);
        if (cpu.Match == "strict" && provided.Count > 0)
            throw Incompatible($"Host CPU does not strictly match guest CPU: Extra features: {CpuSets.InOrder(provided, ", ")}");
        return provided.Count > 0;
    }

    internal static WherryException Incompatible(string detail) => new(ErrorCode.CpuIncompatible, detail, ErrorDomain.Cpu);

    /// <summary>What the definition leaves to the host, decided.</summary>
    private static CpuSpec Update(CpuSpec cpu, CpuSpec host)
    {
        var relative = cpu.Mode == CpuMode.HostModel || cpu.Match == "minimum";
        if (relative || cpu.Features.Any(feature => feature.Policy == CpuFeaturePolicy.Optional))
        {
            var has = CpuSets.Of(host);
            cpu = cpu with { Features = [.. cpu.Features.Select(feature => Decided(feature, has))] };
        }
        if (relative)
        {
            var features = host.Features.ToList();
            foreach (var feature in cpu.Features)
                CpuSets.Set(features, feature.Name, feature.Policy);
            cpu = cpu with
            {
                Mode = CpuMode.Custom,
                Match = "exact",
                Model = host.Model,
                Vendor = cpu.Mode == CpuMode.HostModel ? host.Vendor : cpu.Vendor,
                Features = [.. features],
            };
        }
        var withRemoved = cpu.Features.ToList();
        CpuDecoder.AddRemoved(withRemoved, CpuSets.ModelOf(cpu));
        return cpu with { Features = [.. withRemoved] };
    }

    private static CpuFeatureSpec Decided(CpuFeatureSpec feature, HashSet<string> has) => feature.Policy != CpuFeaturePolicy.Optional
        ? feature
        : feature with { Policy = has.Contains(feature.Name) ? CpuFeaturePolicy.Require : CpuFeaturePolicy.Disable };

    /// <summary>A model that libvirt knows and QEMU does not, in the words of one that QEMU has.</summary>
    private static CpuSpec Translate(CpuSpec cpu, HypervisorCpus cpus)
    {
        if (cpus.Blockers.ContainsKey(cpu.Model!))
            return cpu;
        if (cpu.Fallback == "forbid")
            throw new WherryException(ErrorCode.ConfigUnsupported, $"CPU model {cpu.Model} is not supported by hypervisor", ErrorDomain.Cpu);
        var model = CpuSets.ModelOf(cpu);
        var signature = model.Signatures is [var first, ..] ? new CpuSignature(first.Family, first.Model, 0) : default;
        var translated = CpuDecoder.Decode(new CpuData(CpuSets.Of(cpu), model.Vendor, signature), cpus.Blockers);
        var features = translated.Features.ToList();
        foreach (var feature in cpu.Features)
            CpuSets.Set(features, feature.Name, feature.Policy);
        return cpu with { Model = translated.Model, Features = [.. features] };
    }
}
