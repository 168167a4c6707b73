using System.Collections.Immutable;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using QmpParameters = Wherry.Qmp.Commands.MigrationParameters;

namespace Wherry.Qemu.Migration;

/// <summary>Limits of one memory stream.</summary>
/// <param name="BandwidthBytesPerSecond">0 for no limit.</param>
/// <param name="PostCopyBandwidthBytesPerSecond">The same once the guest runs at the destination.</param>
/// <param name="PostCopy">The user may switch to post-copy.</param>
/// <param name="AutoConverge">Throttle the guest when it dirties memory faster than the link carries it.</param>
/// <param name="ThrottleInitialPercent">Null keeps QEMU's default.</param>
/// <param name="ThrottleIncrementPercent">Null keeps QEMU's default.</param>
internal sealed record StreamSettings(
    ulong BandwidthBytesPerSecond,
    ulong PostCopyBandwidthBytesPerSecond = 0,
    bool PostCopy = false,
    bool AutoConverge = false,
    int? ThrottleInitialPercent = null,
    int? ThrottleIncrementPercent = null);

/// <summary>
/// QEMU's migration capabilities and parameters (migration.md B1). QEMU keeps them from one migration to the next, so every one is set
/// before each migration, and put back after it.
/// </summary>
internal static class StreamConfiguration
{
    // What libvirt sends for "no limit": the largest multiple of 1 MiB that QEMU takes (requirement S0.16).
    private const long Unlimited = 9_223_372_036_853_727_232;

    // QEMU's own defaults, for the way back of an attempt whose record does not tell what was there before.
    private static readonly QmpParameters Defaults = new()
    {
        MaxBandwidth = Unlimited,
        MaxPostcopyBandwidth = 0,
        CpuThrottleInitial = 20,
        CpuThrottleIncrement = 10,
        TlsCreds = "",
        TlsHostname = "",
    };

    /// <summary>What is there before we touch it, for <see cref="RestoreAsync"/>.</summary>
    public static async Task<string> SaveAsync(MonitorSession monitor, CancellationToken ct) =>
        (await monitor.ExecuteAsync(new QueryMigrateParameters(), ct)).ToJson();

    public static async Task ApplyToSourceAsync(MonitorSession monitor, StreamSettings settings, CancellationToken ct)
    {
        await SetCapabilitiesAsync(
            monitor,
            [
                MigrationCapability.Events,
                MigrationCapability.PauseBeforeSwitchover,

                // Without it the source says "completed" although the destination has loaded nothing and may be dead.
                MigrationCapability.ReturnPath,
                .. Optional(MigrationCapability.AutoConverge, settings.AutoConverge),
                .. Optional(MigrationCapability.PostcopyRam, settings.PostCopy),
            ],
            ct);
        await monitor.ExecuteAsync(
            new MigrateSetParameters(new QmpParameters
            {
                MaxBandwidth = settings.BandwidthBytesPerSecond == 0 ? Unlimited : (long)settings.BandwidthBytesPerSecond,
                MaxPostcopyBandwidth = (long)settings.PostCopyBandwidthBytesPerSecond,
                CpuThrottleInitial = settings.ThrottleInitialPercent,
                CpuThrottleIncrement = settings.ThrottleIncrementPercent,
                TlsCreds = "",
                TlsHostname = "",
            }),
            ct);
    }

    /// <exception cref="QmpErrorException">Post-copy is asked for and not possible on this host: the userfaultfd system call is not there or not allowed.</exception>
    public static async Task ApplyToDestinationAsync(MonitorSession monitor, bool postCopy, CancellationToken ct)
    {
        // late-block-activate: the images stay the source's until our cont, whatever the stream says.
        await SetCapabilitiesAsync(
            monitor,
            [
                MigrationCapability.Events,
                MigrationCapability.LateBlockActivate,
                MigrationCapability.ReturnPath,
                .. Optional(MigrationCapability.PostcopyRam, postCopy),
            ],
            ct);
        await monitor.ExecuteAsync(new MigrateSetParameters(new QmpParameters { TlsCreds = "", TlsHostname = "" }), ct);
    }

    /// <summary>As if nothing had been tried. Capabilities as a QEMU that has never migrated has them; of the parameters those that
    /// <see cref="ApplyToSourceAsync"/> sets, as they were. One that this QEMU lacks was not saved, and is not sent.</summary>
    /// <param name="monitor">The source's.</param>
    /// <param name="saved">What <see cref="SaveAsync"/> found; null when the attempt is of a daemon that did not save it.</param>
    /// <param name="ct">Stops waiting.</param>
    public static async Task RestoreAsync(MonitorSession monitor, string? saved, CancellationToken ct)
    {
        await SetCapabilitiesAsync(monitor, [MigrationCapability.Events], ct);
        var before = saved is null ? Defaults : QmpParameters.FromJson(saved);
        await monitor.ExecuteAsync(
            new MigrateSetParameters(new QmpParameters
            {
                MaxBandwidth = before.MaxBandwidth,
                MaxPostcopyBandwidth = before.MaxPostcopyBandwidth,
                CpuThrottleInitial = before.CpuThrottleInitial,
                CpuThrottleIncrement = before.CpuThrottleIncrement,
                TlsCreds = before.TlsCreds,
                TlsHostname = before.TlsHostname,
            }),
            ct);
    }

    private static ImmutableArray<MigrationCapability> Optional(MigrationCapability capability, bool wanted) => wanted ? [capability] : [];

    private static async Task SetCapabilitiesAsync(MonitorSession monitor, ImmutableArray<MigrationCapability> on, CancellationToken ct)
    {
        var offered = await monitor.ExecuteAsync(new QueryMigrateCapabilities(), ct);
        foreach (var needed in on)
        {
            if (!offered.Any(o => o.Capability == needed))
                throw new WherryException(ErrorCode.OperationUnsupported, $"QEMU does not offer the migration capability '{needed.Value}'");
        }

        await monitor.ExecuteAsync(
            new MigrateSetCapabilities([.. offered.Select(o => o with { State = on.Contains(o.Capability) })]), ct);
    }
}
