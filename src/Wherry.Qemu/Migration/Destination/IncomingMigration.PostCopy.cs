using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>D6 while memory is still at the source: the guest runs, and is told apart from one that has arrived.</summary>
internal sealed partial class IncomingMigration
{
    private static readonly TimeSpan ListenDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan NoticesWithin = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _oneRecovery = new(1, 1);
    private PhaseCall? _recovery;
    private IDisposable? _recoveryPort;

    /// <summary>
    /// Out of band all through: QEMU's main loop may itself be waiting for a page that does not come. The source has seen the connection
    /// break, this side perhaps not yet. It is given a moment to: a QEMU that is just closing the broken connection must not be told to (7.2 uses it
    /// all the same). Then it is broken here too; how long that takes, QEMU does not tell, so it is asked again.
    /// </summary>
    private async Task<DestinationInput?> ListenAgainAsync(CancellationToken ct)
    {
        var monitor = Qemu.Monitor;
        var parameters = _recovery!.Parameters; // set before the machine hears of it
        var endpoint = IncomingPreparation.DataEndpoint.Choose(_context, parameters);
        _recoveryPort?.Dispose();
        _recoveryPort = endpoint.Port;
        using var limit = new CancellationTokenSource(ListenDeadline, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        var asked = _context.Time.GetTimestamp();
        await Lookout.UntilAsync(
            Qemu,
            _context.Time,
            async t =>
            {
                try
                {
                    await monitor.ExecuteOutOfBandAsync(new MigrateRecover(endpoint.Listen.ToQemu()), t);
                    return true;
                }
                catch (QmpErrorException)
                {
                    if (_context.Time.GetElapsedTime(asked) >= NoticesWithin)
                        await BreakAsync(monitor, t);
                    return false;
                }
            },
            either.Token);
        AnswerRecovery(new RecoveryAnswer(endpoint.UriOut, Error: null));
        return null;
    }

    private static async Task BreakAsync(MonitorSession monitor, CancellationToken ct)
    {
        try
        {
            await monitor.ExecuteOutOfBandAsync(new MigratePause(), ct);
        }
        catch (QmpErrorException)
        {
            // It is broken already, or is being taken up again.
        }
    }

    private DestinationInput? NotListening(Exception e)
    {
        AnswerRecovery(new RecoveryAnswer(
            UriOut: null,
            e as WherryException ?? new WherryException(ErrorCode.OperationFailed, $"domain '{_domain.Name}' could not listen for the rest of its memory: {e.Message}")));
        return null;
    }

    private void AnswerRecovery(RecoveryAnswer answer) => _progress.Update(p => p with { Recoveries = p.Recoveries + 1, Recovery = answer });

    private void ShowPostCopy(bool broken)
    {
        var status = DomainStatus.Running(broken ? RunningReason.PostcopyFailed : RunningReason.Postcopy);
        if (_domain.Snapshot.Status is { State: DomainState.Running } now && now != status)
            _domain.Apply(new DomainInput.StatusSet(status, LifecycleEvent.Resumed(broken ? ResumedDetail.PostcopyFailed : ResumedDetail.Postcopy)));
    }

    /// <summary>libvirt's second RESUMED, by which clients know that it is over. Statistics of the source's half would be stale by now.</summary>
    private void CompleteGuest()
    {
        if (_domain.Snapshot.Status.State == DomainState.Running)
            _domain.Apply(new DomainInput.StatusSet(DomainStatus.Running(RunningReason.Migrated), LifecycleEvent.Resumed(ResumedDetail.Migrated)));

        ResetQemu();
        _domain.Change(s => s with { Job = null, CompletedJob = null });
        GiveBack();
    }
}
