using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Wherry.Qmp.Commands;

namespace Wherry.Qmp.Capabilities;

/// <summary>
/// What one QEMU binary can do, as it says itself. Probed once per binary and kept in <see cref="CapabilitiesCache"/>.
/// <code>
///   binary --start, machine none--> monitor --query-qmp-schema, -machines, -cpu-definitions, qom-list-types, ...--> this --> cache file
/// </code>
/// Features are asked for by schema path, never by comparing versions: distributions backport and compile out.
/// </summary>
public sealed record QemuCapabilities
{
    private FrozenSet<string>? _schemaPaths;
    private FrozenSet<string>? _devices;
    private FrozenSet<string>? _options;

    public required QemuVersion Version { get; init; }

    /// <summary>The guest architecture: "x86_64".</summary>
    public required string Arch { get; init; }

    public required ImmutableArray<MachineInfo> Machines { get; init; }

    /// <summary>CPUs under TCG.</summary>
    public required CpuProbe Tcg { get; init; }

    /// <summary>CPUs under KVM; null where KVM does not work.</summary>
    public CpuProbe? Kvm { get; init; }

    /// <summary>Everything in the schema down to a depth that our questions need; see <see cref="SchemaIndex"/> for the form.</summary>
    public required ImmutableArray<string> Schema { get; init; }

    /// <summary>Types that <c>-device</c> takes.</summary>
    public required ImmutableArray<string> DeviceTypes { get; init; }

    /// <summary>Command line options that QEMU can list, and their parameters: "sandbox", "sandbox/enable".</summary>
    public required ImmutableArray<string> CommandLineOptions { get; init; }

    /// <summary>The machine that QEMU takes when none is named.</summary>
    [JsonIgnore]
    public MachineInfo? DefaultMachine => Machines.FirstOrDefault(m => m.IsDefault == true);

    /// <summary>
    /// Whether the schema has a path: <c>blockdev-set-active</c>, <c>blockdev-mirror/arg/copy-mode</c>,
    /// <c>migrate-set-capabilities/arg/capabilities/capability=return-path</c>, <c>query-block-jobs/ret/actively-synced</c>.
    /// </summary>
    public bool Has(string schemaPath) => (_schemaPaths ??= Schema.ToFrozenSet(StringComparer.Ordinal)).Contains(schemaPath);

    public bool HasDevice(string type) => (_devices ??= DeviceTypes.ToFrozenSet(StringComparer.Ordinal)).Contains(type);

    public bool HasCommandLineOption(string option) => (_options ??= CommandLineOptions.ToFrozenSet(StringComparer.Ordinal)).Contains(option);

    /// <summary>A machine by its name or alias.</summary>
    public MachineInfo? FindMachine(string nameOrAlias) =>
        Machines.FirstOrDefault(m => m.Name == nameOrAlias) ?? Machines.FirstOrDefault(m => m.Alias == nameOrAlias);

    /// <summary>Asks a QEMU that was started with <c>-machine none</c>.</summary>
    public static async Task<QemuCapabilities> ProbeAsync(MonitorSession monitor, CancellationToken ct)
    {
        var schema = await monitor.ExecuteAsync(new QueryQmpSchema(), ct).ConfigureAwait(false);
        var types = await monitor.ExecuteAsync(new QomListTypes { Implements = "device" }, ct).ConfigureAwait(false);
        var options = await monitor.ExecuteAsync(new QueryCommandLineOptions(), ct).ConfigureAwait(false);
        return new QemuCapabilities
        {
            Version = monitor.Greeting.Version,
            Arch = (await monitor.ExecuteAsync(new QueryTarget(), ct).ConfigureAwait(false)).Arch,
            Machines = await monitor.ExecuteAsync(new QueryMachines(), ct).ConfigureAwait(false),
            Tcg = await CpuProbe.AskAsync(monitor, "max", ct).ConfigureAwait(false),
            Schema = SchemaIndex.Build(schema),
            DeviceTypes = [.. types.Select(t => t.Name).Order(StringComparer.Ordinal)],
            CommandLineOptions = [.. options.SelectMany(o => (string[])[o.Option, .. o.Parameters.Select(p => $"{o.Option}/{p.Name}")]).Order(StringComparer.Ordinal)],
        };
    }
}
