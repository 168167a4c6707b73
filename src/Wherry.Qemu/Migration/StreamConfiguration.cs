using System.Collections.Immutable;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using QmpParameters = Wherry.Qmp.Commands.MigrationParameters;

namespace Wherry.Qemu.Migration;

/// <summary>
/// QEMU's migration capabilities and parameters (migration.md B1). QEMU keeps them from one migration to the next, so every one is set
/// before each migration, and put back after it.
/// </summary>
internal static class StreamConfiguration
{
    // QEMU's own defaults, for the way back of an attempt whose record does not tell what was there before.
    private static readonly QmpParameters Defaults = new()
    {
        MaxBandwidth = StreamSettings.Unlimited,
        MaxPostcopyBandwidth = 0,
        CpuThrottleInitial = 20,
        CpuThrottleIncrement = 10,
        MultifdChannels = 2,
        XbzrleCacheSize = 64 * 1024 * 1024,
        TlsCreds = "",
        TlsHostname = "",
    };

    /// <summary>What is there before we touch it, for <see cref="RestoreAsync"/>.</summary>
    public static async Task<string> SaveAsync(MonitorSession monitor, CancellationToken ct) =>
        (await monitor.ExecuteAsync(new QueryMigrateParameters(), ct)).ToJson();

    /// <param name="monitor">The QEMU's.</param>
    /// <param name="party">Which half it is.</param>
    /// <param name="settings">What was asked for.</param>
    /// <param name="tlsCredentials">The id of the credentials in that QEMU; null for a stream in the clear.</param>
    /// <param name="ct">Stops waiting.</param>
    /// <exception cref="WherryException">ArgumentUnsupported: this QEMU lacks what was asked for, or its host does (post-copy without userfaultfd).</exception>
    public static async Task ApplyAsync(MonitorSession monitor, MigrationParty party, StreamSettings settings, string? tlsCredentials, CancellationToken ct)
    {
        await SetCapabilitiesAsync(monitor, settings.Capabilities(party), ct);
        await monitor.ExecuteAsync(new MigrateSetParameters(settings.Parameters(party, tlsCredentials)), ct);
    }

    /// <summary>As if nothing had been tried. Capabilities as a QEMU that has never migrated has them; of the parameters those that
    /// <see cref="ApplyAsync"/> sets, as they were. One that this QEMU lacks was not saved, and is not sent.</summary>
    /// <param name="monitor">The QEMU's.</param>
    /// <param name="party">Which half it was.</param>
    /// <param name="saved">What <see cref="SaveAsync"/> found; null when the attempt is of a daemon that did not save it, or for a QEMU that was new.</param>
    /// <param name="ct">Stops waiting.</param>
    public static async Task RestoreAsync(MonitorSession monitor, MigrationParty party, string? saved, CancellationToken ct)
    {
        await SetCapabilitiesAsync(monitor, [MigrationCapability.Events], ct);
        var before = saved is null ? Defaults : QmpParameters.FromJson(saved);
        var both = new QmpParameters
        {
            MaxPostcopyBandwidth = before.MaxPostcopyBandwidth,
            MultifdChannels = before.MultifdChannels,
            XbzrleCacheSize = before.XbzrleCacheSize,
            CompressLevel = before.CompressLevel,
            CompressThreads = before.CompressThreads,
            DecompressThreads = before.DecompressThreads,
            TlsCreds = before.TlsCreds,
            TlsHostname = before.TlsHostname,
        };
        var touched = party == MigrationParty.Destination
            ? both
            : both with
            {
                MaxBandwidth = before.MaxBandwidth,
                CpuThrottleInitial = before.CpuThrottleInitial,
                CpuThrottleIncrement = before.CpuThrottleIncrement,
            };
        await monitor.ExecuteAsync(new MigrateSetParameters(touched), ct);
    }

    private static async Task SetCapabilitiesAsync(MonitorSession monitor, ImmutableArray<MigrationCapability> on, CancellationToken ct)
    {
        var offered = await monitor.ExecuteAsync(new QueryMigrateCapabilities(), ct);
        foreach (var needed in on)
        {
            if (!offered.Any(o => o.Capability == needed))
                throw new WherryException(ErrorCode.ArgumentUnsupported, $"Migration option '{needed.Value}' is not supported by QEMU binary");
        }

        await monitor.ExecuteAsync(
            new MigrateSetCapabilities([.. offered.Select(o => o with { State = on.Contains(o.Capability) })]), ct);
    }
}
