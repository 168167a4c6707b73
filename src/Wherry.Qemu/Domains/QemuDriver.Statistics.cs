using System.Globalization;
using System.Text.Json;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Host;
using Wherry.Qemu.Statistics;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// Counters of one domain, for a caller who wants them of this moment or an error. Those who want many domains' at once, and rather old
// ones than none, ask QemuInstance.Figures.
public sealed partial class QemuDriver
{
    /// <summary>virsh dommemstat: the balloon's and QEMU's own.</summary>
    public async Task<IReadOnlyList<MemoryStatistic>> AskMemoryStatisticsAsync(Domain domain, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        var qemu = ActiveQemu(domain);
        var guest = await GuestMemoryFigures.AskAsync(qemu.Monitor, BalloonOf(domain.Snapshot), ct);
        return ProcessUsage.Read(qemu.Process.Pid) is { } usage
            ? [.. guest.Statistics, new MemoryStatistic(MemoryStatisticKind.Rss, usage.ResidentKiB)]
            : guest.Statistics;
    }

    /// <summary>virsh domblkstat and domblkinfo.</summary>
    public async Task<DriveFigures> AskDrivesAsync(Domain domain, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        return await DriveFigures.AskAsync(ActiveQemu(domain).Monitor, ct);
    }

    /// <summary>virsh domblkerror: the drives of a guest that had to be stopped, or that was told of the error.</summary>
    public async Task<IReadOnlyList<BlockInfo>> AskDriveErrorsAsync(Domain domain, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        return await ActiveQemu(domain).Monitor.ExecuteAsync(new QueryBlock(), ct);
    }

    /// <summary>virsh dommemstat --period: how often QEMU asks the guest's balloon driver for its figures.</summary>
    /// <param name="period">Zero: never.</param>
    /// <exception cref="WherryException">OperationInvalid: the domain does not have the document that was asked for; InternalError: it has no balloon.</exception>
    public Task SetMemoryStatisticsPeriodAsync(Domain domain, TimeSpan period, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            if (new[] { affected.Live, affected.Config }.OfType<DomainDefinition>().Any(definition => definition.Document.WithMemoryStatisticsPeriod(period) is null))
                throw NoBalloon();
            if (affected.Qemu is { } qemu)
            {
                var path = GuestMemoryFigures.PathOf(BalloonOf(domain.Snapshot) ?? throw NoBalloon());
                var seconds = JsonElement.Parse(((long)period.TotalSeconds).ToString(CultureInfo.InvariantCulture));
                await qemu.Monitor.ExecuteAsync(new QomSet(path, "guest-stats-polling-interval", seconds), ct);
            }
            return DocumentChanges.Both(document => document.WithMemoryStatisticsPeriod(period) ?? throw NoBalloon());
        },
        ct);

    private static WherryException NoBalloon() =>
        new(ErrorCode.InternalError, "No memory balloon device configured, can not set the collection period");

    /// <summary>The balloon's alias; null for a guest without one.</summary>
    public static string? BalloonOf(DomainSnapshot snapshot) =>
        snapshot.Live?.Spec.Memballoon is { Model: not "none", Alias: { } alias } ? alias : null;
}
