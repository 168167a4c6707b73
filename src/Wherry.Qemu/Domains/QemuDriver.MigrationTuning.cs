using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// Limits of a migration, present or future: QEMU keeps them, except the speed, which every migration sets anew.
public sealed partial class QemuDriver
{
    private const ulong MiB = 1024 * 1024;

    /// <summary>virsh migrate-setspeed: of the migrations that set none themselves, and of the one that runs.</summary>
    /// <param name="speedMiBps">0: none of the memory is to go, which a migration takes for no limit.</param>
    public async Task SetMigrationSpeedAsync(Domain domain, ulong speedMiBps, string owner, CancellationToken ct)
    {
        if (domain.Snapshot.IsActive)
            await SetMigrationAsync(domain, new MigrationParameters { MaxBandwidth = (long)(speedMiBps * MiB) }, owner, ct);
        domain.MigrationSpeedMiBps = speedMiBps;
    }

    /// <summary>virsh migrate-setspeed --postcopy. 0: no limit.</summary>
    public Task SetPostCopySpeedAsync(Domain domain, ulong speedMiBps, string owner, CancellationToken ct) =>
        SetMigrationAsync(domain, new MigrationParameters { MaxPostcopyBandwidth = unchecked((long)(speedMiBps * MiB)) }, owner, ct);

    /// <summary>virsh migrate-setmaxdowntime: for how long the guest may stand, as QEMU estimates it.</summary>
    public Task SetMigrationDowntimeAsync(Domain domain, ulong milliseconds, string owner, CancellationToken ct) =>
        SetMigrationAsync(domain, new MigrationParameters { DowntimeLimit = unchecked((long)milliseconds) }, owner, ct);

    /// <summary>virsh migrate-compcache.</summary>
    public Task SetXbzrleCacheAsync(Domain domain, ulong bytes, string owner, CancellationToken ct) =>
        SetMigrationAsync(domain, new MigrationParameters { XbzrleCacheSize = unchecked((long)bytes) }, owner, ct);

    public async Task<MigrationTuning> AskMigrationAsync(Domain domain, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        var now = await ActiveQemu(domain).Monitor.ExecuteAsync(new QueryMigrateParameters(), ct);
        return new MigrationTuning(
            (ulong)(now.DowntimeLimit ?? 0), (ulong)(now.MaxPostcopyBandwidth ?? 0) / MiB, (ulong)(now.XbzrleCacheSize ?? 0));
    }

    private async Task SetMigrationAsync(Domain domain, MigrationParameters parameters, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.MigrationOperation, owner, ct);
        await ActiveQemu(domain).Monitor.ExecuteAsync(new MigrateSetParameters(parameters), ct);
    }
}

/// <param name="DowntimeMs">QEMU's downtime-limit.</param>
/// <param name="PostCopySpeedMiBps">0: no limit.</param>
/// <param name="XbzrleCacheBytes">What compression by differences may use.</param>
public sealed record MigrationTuning(ulong DowntimeMs, ulong PostCopySpeedMiBps, ulong XbzrleCacheBytes);
