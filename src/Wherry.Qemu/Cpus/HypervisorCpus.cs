using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qmp.Capabilities;
using Wherry.Xml;

namespace Wherry.Qemu.Cpus;

/// <summary>The CPUs that one QEMU binary can give to guests under one accelerator, in libvirt's words.</summary>
public sealed class HypervisorCpus
{
    private readonly CpuProbe _probe;
    private readonly Lazy<(CpuSpec Reported, CpuSpec Migratable)> _host;

    /// <param name="beyond">With acceleration: what this host's processor has; QEMU may be unable to say that it passes it on. Otherwise null.</param>
    public HypervisorCpus(CpuProbe probe, CpuSpec? beyond = null)
    {
        ArgumentNullException.ThrowIfNull(probe);
        _probe = probe;
        Blockers = probe.Models.ToFrozenDictionary(
            model => model.Name,
            model => (model.UnavailableFeatures ?? []).Select(CpuFeatures.FromQemu).ToImmutableArray(),
            StringComparer.Ordinal);
        KnownProperties = (probe.Host.Props ?? ImmutableDictionary<string, JsonElement>.Empty).Keys
            .Select(CpuFeatures.FromQemu).ToFrozenSet(StringComparer.Ordinal);
        _host = new(() => (Decode(migratable: false), Decode(migratable: true)));
        Full = beyond is null ? null : new Lazy<CpuSpec>(() => Union(beyond, Reported));
    }

    /// <summary>Names of all models that definitions may use, whatever QEMU has, in libvirt's order.</summary>
    public static ImmutableArray<string> ModelNames { get; } = [.. CpuModels.All.Select(model => model.Name)];

    /// <summary>What host-model stands for, with what ties a guest to this host.</summary>
    public CpuSpec HostModel => Reported;

    /// <summary>QEMU's models that definitions may name, in its order.</summary>
    public ImmutableArray<CpuModelChoice> Choices =>
    [
        .. from model in _probe.Models
           let known = CpuModels.Find(model.Name)
           where known is not null
           select new CpuModelChoice(model.Name, known.Vendor, model.UnavailableFeatures?.IsEmpty, model.Deprecated),
    ];

    /// <summary>QEMU's models; to each, the features that keep this host from providing it.</summary>
    internal IReadOnlyDictionary<string, ImmutableArray<string>> Blockers { get; }

    /// <summary>What <c>-cpu</c> may name as a feature.</summary>
    internal FrozenSet<string> KnownProperties { get; }

    /// <summary>The host's CPU as QEMU can provide it.</summary>
    internal CpuSpec Reported => _host.Value.Reported;

    /// <summary>That without features which cannot be migrated: what <c>host-model</c> stands for.</summary>
    internal CpuSpec Migratable => _host.Value.Migratable;

    /// <summary>All that a guest could find here: what definitions with <c>check='partial'</c> are held against.</summary>
    internal CpuSpec Best => Full?.Value ?? Reported;

    private Lazy<CpuSpec>? Full { get; }

    /// <summary>All features that <c>-cpu</c> may name.</summary>
    /// <param name="migratable">Without those that this host has, but only for guests that stay here.</param>
    internal IReadOnlySet<string> Features(bool migratable)
    {
        var properties = _probe.Host.Props ?? ImmutableDictionary<string, JsonElement>.Empty;
        var here = _probe.HostUnmigratable.Props ?? ImmutableDictionary<string, JsonElement>.Empty;
        return properties
            .Where(property => !migratable || property.Value.ValueKind != JsonValueKind.False
                || !here.TryGetValue(property.Key, out var value) || value.ValueKind != JsonValueKind.True)
            .Select(property => CpuFeatures.FromQemu(property.Key)).ToFrozenSet(StringComparer.Ordinal);
    }

    private CpuSpec Decode(bool migratable)
    {
        var features = new HashSet<string>(StringComparer.Ordinal);
        var properties = _probe.Host.Props ?? ImmutableDictionary<string, JsonElement>.Empty;
        foreach (var (property, value) in migratable ? properties : properties.Concat(_probe.HostUnmigratable.Props ?? properties))
        {
            if (value.ValueKind == JsonValueKind.True && CpuFeatures.FromQemu(property) is var name && CpuFeatures.IsKnown(name))
                features.Add(name);
        }
        var vendor = properties.TryGetValue("vendor", out var text) ? VendorOf(text.GetString()) : null;
        return CpuDecoder.Decode(new CpuData(features, vendor, new CpuSignature(Number("family"), Number("model"), Number("stepping"))), Blockers)
            with { Fallback = "forbid" };

        int Number(string property) =>
            properties.TryGetValue(property, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : 0;
    }

    private static string? VendorOf(string? id) => id switch
    {
        "GenuineIntel" => "Intel",
        "AuthenticAMD" => "AMD",
        "HygonGenuine" => "Hygon",
        _ => null,
    };

    private static CpuSpec Union(CpuSpec processor, CpuSpec reported)
    {
        var names = CpuSets.Of(processor);
        names.UnionWith(CpuSets.Of(reported));
        return processor with { Features = [.. names.Select(name => new CpuFeatureSpec(name, CpuFeaturePolicy.Require))] };
    }
}
