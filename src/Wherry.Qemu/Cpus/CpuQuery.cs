using System.Text.Json;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Cpus;

/// <summary>Asks a QEMU that has its CPUs what they became.</summary>
/// <remarks>
/// Three calls, however many features there are: CPUID's registers come in one list. libvirt reads each property of the CPU by itself, about 400
/// calls, and that is most of the time that a start takes it (288 ms).
/// </remarks>
internal static class CpuQuery
{
    /// <returns>What the guest can find, and what was asked for and could not be had.</returns>
    public static async Task<(HashSet<string> Enabled, HashSet<string> Unavailable)> AskAsync(MonitorSession monitor, CancellationToken ct)
    {
        var path = (await monitor.ExecuteAsync(new QueryCpusFast(), ct))[0].QomPath; // All CPUs of a guest are alike.
        var words = CpuFeatureWord.From(await monitor.ExecuteAsync(new QomGet(path, "feature-words"), ct));
        var enabled = CpuFeatures.In(words).ToHashSet(StringComparer.Ordinal);
        // The list of registers leaves out the MSRs; without these two bits, QEMU keeps all that is in them off.
        if (enabled.Contains("arch-capabilities") || enabled.Contains("core-capability"))
            enabled.UnionWith(await InMsrsAsync(monitor, path, ct));
        var unavailable = await monitor.ExecuteAsync(new QomGet(path, "unavailable-features"), ct);
        return (enabled, unavailable.EnumerateArray().Select(name => CpuFeatures.FromQemu(name.GetString()!)).ToHashSet(StringComparer.Ordinal));
    }

    private static async Task<IEnumerable<string>> InMsrsAsync(MonitorSession monitor, string path, CancellationToken ct)
    {
        var values = await Task.WhenAll(CpuFeatures.InMsrs.Select(name => monitor.ExecuteAsync(new QomGet(path, CpuFeatures.ToQemu(name)), ct)));
        return CpuFeatures.InMsrs.Zip(values).Where(pair => pair.Second.ValueKind == JsonValueKind.True).Select(pair => pair.First);
    }
}
