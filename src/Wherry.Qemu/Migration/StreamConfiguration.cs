using System.Collections.Immutable;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using QmpParameters = Wherry.Qmp.Commands.MigrationParameters;

namespace Wherry.Qemu.Migration;

/// <summary>Limits of one memory stream.</summary>
/// <param name="BandwidthBytesPerSecond">0 for no limit.</param>
/// <param name="AutoConverge">Throttle the guest when it dirties memory faster than the link carries it.</param>
/// <param name="ThrottleInitialPercent">Null keeps QEMU's default.</param>
/// <param name="ThrottleIncrementPercent">Null keeps QEMU's default.</param>
internal sealed record StreamSettings(
    ulong BandwidthBytesPerSecond, bool AutoConverge = false, int? ThrottleInitialPercent = null, int? ThrottleIncrementPercent = null);

/// <summary>
/// QEMU's migration capabilities and parameters (migration.md B1). QEMU keeps them from one migration to the next, so every one is set
/// before each migration, and put back after it.
/// </summary>
internal static class StreamConfiguration
{
    // What libvirt sends for "no limit": the largest multiple of 1 MiB that QEMU takes (requirement S0.16).
    private const long Unlimited = 9_223_372_036_853_727_232;

    // QEMU's own defaults, for the way back.
    private const int DefaultThrottleInitial = 20;
    private const int DefaultThrottleIncrement = 10;

    public static async Task ApplyToSourceAsync(MonitorSession monitor, StreamSettings settings, CancellationToken ct)
    {
        await SetCapabilitiesAsync(
            monitor,
            [
                MigrationCapability.Events,
                MigrationCapability.PauseBeforeSwitchover,

                // Without it the source says "completed" although the destination has loaded nothing and may be dead.
                MigrationCapability.ReturnPath,
                .. settings.AutoConverge ? [MigrationCapability.AutoConverge] : ImmutableArray<MigrationCapability>.Empty,
            ],
            ct);
        await monitor.ExecuteAsync(
            new MigrateSetParameters(new QmpParameters
            {
                MaxBandwidth = settings.BandwidthBytesPerSecond == 0 ? Unlimited : (long)settings.BandwidthBytesPerSecond,
                CpuThrottleInitial = settings.ThrottleInitialPercent,
                CpuThrottleIncrement = settings.ThrottleIncrementPercent,
                TlsCreds = "",
                TlsHostname = "",
            }),
            ct);
    }

    public static async Task ApplyToDestinationAsync(MonitorSession monitor, CancellationToken ct)
    {
        // late-block-activate: the images stay the source's until our cont, whatever the stream says.
        await SetCapabilitiesAsync(
            monitor, [MigrationCapability.Events, MigrationCapability.LateBlockActivate, MigrationCapability.ReturnPath], ct);
        await monitor.ExecuteAsync(new MigrateSetParameters(new QmpParameters { TlsCreds = "", TlsHostname = "" }), ct);
    }

    /// <summary>As a QEMU that has never migrated.</summary>
    public static async Task ResetAsync(MonitorSession monitor, CancellationToken ct)
    {
        await SetCapabilitiesAsync(monitor, [MigrationCapability.Events], ct);
        await monitor.ExecuteAsync(
            new MigrateSetParameters(new QmpParameters
            {
                MaxBandwidth = Unlimited,
                CpuThrottleInitial = DefaultThrottleInitial,
                CpuThrottleIncrement = DefaultThrottleIncrement,
                TlsCreds = "",
                TlsHostname = "",
            }),
            ct);
    }

    private static async Task SetCapabilitiesAsync(MonitorSession monitor, ImmutableArray<MigrationCapability> on, CancellationToken ct)
    {
        var offered = await monitor.ExecuteAsync(new QueryMigrateCapabilities(), ct);
        foreach (var needed in on)
        {
            if (!offered.Any(o => o.Capability == needed))
            {
                throw new WherryException(ErrorCode.OperationUnsupported, $"QEMU does not offer the migration capability '{needed.Value}'");
            }
        }

        await monitor.ExecuteAsync(
            new MigrateSetCapabilities([.. offered.Select(o => o with { State = on.Contains(o.Capability) })]), ct);
    }
}
