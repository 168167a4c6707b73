using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>Whether it comes to an end, told to whoever can do something about it, and the limits that he may change meanwhile.</summary>
internal sealed partial class OutgoingMigration
{
    private ulong _speedMiBps;
    private string? _concern; // as it was told; only the looks write it

    /// <summary>virsh migrate-setspeed while it runs: the disks are copied with it at once, and the memory if it is not on its way yet.</summary>
    public async Task LimitAsync(ulong speedMiBps, CancellationToken ct)
    {
        Volatile.Write(ref _speedMiBps, speedMiBps);
        if (_state is SourceState.Copying or SourceState.Sending)
            await Qemu.LimitMirrorsAsync((long)(speedMiBps * MiB), ct);
    }

    /// <summary>Once when it begins and once when it is over: the figures in it change with every look.</summary>
    private void TellConcern()
    {
        if (_state is not (SourceState.Copying or SourceState.Sending))
            return;

        var now = _statistics.Complaint;
        if (now is not null && _concern is null)
            MigrationLog.DoesNotConverge(_logger, Id, _domain.Name, now);
        else if (now is null && _concern is not null)
            MigrationLog.Converges(_logger, Id, _domain.Name);

        _concern = now;
    }

    /// <summary>Who gives up, or sees time run out, may not have seen why it took so long.</summary>
    private MigrationOutcome WithConcern(MigrationOutcome outcome) =>
        outcome is MigrationOutcome.StayedOnSource { Why: { Kind: FailureKind.Cancelled or FailureKind.TimedOut or FailureKind.ClientGone } why } stayed
        && _statistics.Complaint is { } concern
            ? stayed with { Why = why with { Text = $"{why.Text}; {concern}" } }
            : outcome;
}
