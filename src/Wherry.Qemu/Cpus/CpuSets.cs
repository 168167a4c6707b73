using Wherry.Xml;

namespace Wherry.Qemu.Cpus;

/// <summary>The features that a CPU definition comes to.</summary>
internal static class CpuSets
{
    /// <summary>All features of the CPU that is defined: the model's, with what the definition adds and takes away.</summary>
    public static HashSet<string> Of(CpuSpec cpu)
    {
        var features = OfModel(cpu);
        foreach (var feature in cpu.Features)
        {
            switch (feature.Policy)
            {
                case CpuFeaturePolicy.Force or CpuFeaturePolicy.Require:
                    features.Add(Known(feature.Name));
                    break;
                case CpuFeaturePolicy.Disable or CpuFeaturePolicy.Forbid:
                    features.Remove(Known(feature.Name));
                    break;
            }
        }
        return features;
    }

    /// <summary>The features with one policy; the model's own are required.</summary>
    public static HashSet<string> Of(CpuSpec cpu, CpuFeaturePolicy policy)
    {
        var features = policy == CpuFeaturePolicy.Require ? OfModel(cpu) : new HashSet<string>(StringComparer.Ordinal);
        features.UnionWith(cpu.Features.Where(feature => feature.Policy == policy).Select(feature => Known(feature.Name)));
        return features;
    }

    /// <exception cref="WherryException">InternalError, as in libvirt: nobody has heard of that model.</exception>
    public static CpuModel ModelOf(CpuSpec cpu) => CpuModels.Find(cpu.Model!)
        ?? throw new WherryException(ErrorCode.InternalError, $"Unknown CPU model {cpu.Model}", ErrorDomain.Cpu);

    public static string InOrder(IReadOnlySet<string> features, string separator) => string.Join(separator, CpuFeatures.All.Where(features.Contains));

    /// <summary>Sets a policy where the feature is listed, or lists it last.</summary>
    public static void Set(List<CpuFeatureSpec> features, string name, CpuFeaturePolicy policy)
    {
        var index = features.FindIndex(feature => feature.Name == name);
        if (index >= 0)
            features[index] = features[index] with { Policy = policy };
        else
            features.Add(new CpuFeatureSpec(name, policy));
    }

    private static HashSet<string> OfModel(CpuSpec cpu) =>
        cpu.Model is null ? new(StringComparer.Ordinal) : ModelOf(cpu).Features.ToHashSet(StringComparer.Ordinal);

    private static string Known(string name) => CpuFeatures.IsKnown(name)
        ? name
        : throw new WherryException(ErrorCode.InternalError, $"Unknown CPU feature {name}", ErrorDomain.Cpu);
}
