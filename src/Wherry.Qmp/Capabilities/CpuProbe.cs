using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;

namespace Wherry.Qmp.Capabilities;

/// <summary>The CPUs that one QEMU binary has under one accelerator, on this host.</summary>
/// <param name="Models">What <c>-cpu</c> takes, each with what keeps this host from providing it.</param>
/// <param name="Host">All that guests can have, by QEMU's preferred property names (<c>max</c> under TCG, <c>host</c> with acceleration).</param>
/// <param name="HostUnmigratable">The same with features that bind a guest to this host.</param>
public sealed record CpuProbe(ImmutableArray<CpuDefinitionInfo> Models, CpuModelInfo Host, CpuModelInfo HostUnmigratable)
{
    /// <summary>Asks a QEMU that was started with <c>-machine none</c> and an accelerator.</summary>
    public static async Task<CpuProbe> AskAsync(MonitorSession monitor, string hostModel, CancellationToken ct)
    {
        var models = await monitor.ExecuteAsync(new QueryCpuDefinitions(), ct).ConfigureAwait(false);
        var migratable = ImmutableDictionary<string, JsonElement>.Empty.Add("migratable", JsonElement.Parse("true"));
        var unmigratable = ImmutableDictionary<string, JsonElement>.Empty.Add("migratable", JsonElement.Parse("false"));
        return new(models, await ExpandAsync(migratable).ConfigureAwait(false), await ExpandAsync(unmigratable).ConfigureAwait(false));

        // Static: under one name each. A full expansion repeats features under names that QEMU keeps for old clients.
        async Task<CpuModelInfo> ExpandAsync(ImmutableDictionary<string, JsonElement> props) =>
            (await monitor.ExecuteAsync(new QueryCpuModelExpansion(CpuModelExpansionType.Static, new CpuModelInfo(hostModel, props)), ct)
                .ConfigureAwait(false)).Model;
    }
}
