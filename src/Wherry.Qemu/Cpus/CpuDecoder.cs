using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Cpus;

/// <summary>A CPU by what it can do, before anybody has named it.</summary>
/// <param name="Vendor">libvirt's word; null for a vendor that libvirt has no word for.</param>
internal sealed record CpuData(IReadOnlySet<string> Features, string? Vendor, CpuSignature Signature);

/// <summary>Describes a CPU as a model and the features that it has beyond, or lacks of, that model.</summary>
/// <remarks>
/// The choice is libvirt's, step by step: two hosts have to describe one CPU in the same words, and a definition that says host-model has to
/// become the same guest under either daemon. Source: x86Decode in libvirt 9.0.
/// </remarks>
internal static class CpuDecoder
{
    /// <param name="blockers">Models that the emulator has, each with the features (libvirt's names) that keep this host from providing it.
    /// Null: all models will do.</param>
    /// <param name="preferred">Models to be taken rather than others; a single one is taken if at all possible.</param>
    /// <exception cref="WherryException">No model fits: the emulator has none of those we know.</exception>
    public static CpuSpec Decode(
        CpuData data, IReadOnlyDictionary<string, ImmutableArray<string>>? blockers, ImmutableArray<string> preferred = default)
    {
        preferred = preferred.IsDefault ? [] : preferred;
        var features = data.Features;
        if (HasBrokenTsx(data))
            features = features.Except(["hle", "rtm"], StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        CpuModel? best = null;
        List<CpuFeatureSpec> bestFeatures = [];
        // The newest first; an older one has to be better than those.
        foreach (var model in CpuModels.All.Reverse())
        {
            ImmutableArray<string> lacking = [];
            if (blockers?.TryGetValue(model.Name, out lacking) == false || !model.ForGuests
                || (data.Vendor is not null && model.Vendor is not null && data.Vendor != model.Vendor))
            {
                continue;
            }
            var difference = Difference(features, model, lacking);
            var isPreferred = preferred.Contains(model.Name);
            var settles = isPreferred && preferred.Length == 1;
            if (settles || best is null || IsBetter(model, difference, best, bestFeatures, data.Signature, isPreferred))
                (best, bestFeatures) = (model, difference);
            if (settles)
                break;
        }
        if (best is null)
            throw new WherryException(ErrorCode.InternalError, "Cannot find suitable CPU model for given data", ErrorDomain.Cpu);
        return new CpuSpec { Mode = CpuMode.Custom, Match = "exact", Model = best.Name, Vendor = data.Vendor, Features = [.. bestFeatures] };
    }

    /// <summary>Early Haswells whose microcode switches their faulty TSX off.</summary>
    private static bool HasBrokenTsx(CpuData data) => data is
    {
        Vendor: "Intel",
        Signature: { Family: 6, Model: 60 or 69 or 70 } or { Family: 6, Model: 63, Stepping: < 4 },
    };

    private static List<CpuFeatureSpec> Difference(IReadOnlySet<string> features, CpuModel model, ImmutableArray<string> blockers)
    {
        var difference = CpuFeatures.All.Where(name => features.Contains(name) && !model.Features.Contains(name))
            .Select(name => new CpuFeatureSpec(name, CpuFeaturePolicy.Require)).ToList();
        // QEMU's model of that name may have more than libvirt's: what cannot be had of it is switched off by name.
        var beyond = blockers.Where(name => model.Features.Contains(name) || !features.Contains(name)).ToHashSet(StringComparer.Ordinal);
        difference.AddRange(CpuFeatures.All
            .Where(name => (model.Features.Contains(name) && !features.Contains(name)) || beyond.Contains(name))
            .Select(name => new CpuFeatureSpec(name, CpuFeaturePolicy.Disable)));
        AddRemoved(difference, model);
        return difference;
    }

    public static void AddRemoved(List<CpuFeatureSpec> features, CpuModel model)
    {
        foreach (var name in model.Removed.Where(name => !features.Exists(feature => feature.Name == name)))
            features.Add(new CpuFeatureSpec(name, CpuFeaturePolicy.Disable));
    }

    private static bool IsBetter(
        CpuModel model, List<CpuFeatureSpec> features, CpuModel best, List<CpuFeatureSpec> bestFeatures, CpuSignature signature, bool isPreferred)
    {
        if (signature != default && best.Is(signature) != model.Is(signature))
            return model.Is(signature);
        var (cost, disabled) = Cost(features);
        var (bestCost, bestDisabled) = Cost(bestFeatures);
        return cost < bestCost || (disabled < bestDisabled && (isPreferred || cost == bestCost));
    }

    /// <summary>A feature beyond the model costs one, each further one that the CPU lacks costs more than the one before.</summary>
    /// <remarks>The bound moves while the loop goes, so that it ends half-way through the lacking ones. So it does in libvirt, and the choice
    /// of the model hangs on it.</remarks>
    private static (int Cost, int Disabled) Cost(List<CpuFeatureSpec> features)
    {
        var (enabled, disabled, penalty) = (features.Count, 0, 2);
        for (var i = 0; i < enabled; i++)
        {
            if (features[i].Policy == CpuFeaturePolicy.Disable)
            {
                enabled--;
                disabled += penalty++;
            }
        }
        return (enabled + disabled, disabled);
    }
}
