namespace Wherry.Qemu.Domains;

/// <summary>What became of a request to unplug a device.</summary>
internal enum RemovalOutcome
{
    Removed,

    /// <summary>The guest keeps it.</summary>
    Refused,
}

/// <summary>Somebody waits for a device to go. Made before QEMU is asked, since its answer may come first; dispose it when done.</summary>
internal sealed class PendingRemoval(string alias, Action<PendingRemoval> leave) : IDisposable
{
    private readonly TaskCompletionSource<RemovalOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Alias => alias;

    public Task<RemovalOutcome> Outcome => _outcome.Task;

    public void Dispose() => leave(this);

    public void Set(RemovalOutcome outcome) => _outcome.TrySetResult(outcome);

    /// <summary>Null when the time is up; from then on the event is nobody's here.</summary>
    /// <exception cref="WherryException">QEMU has ended.</exception>
    public async Task<RemovalOutcome?> WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken ending)
    {
        try
        {
            return await Outcome.WaitAsync(limit, time, ending);
        }
        catch (TimeoutException)
        {
            leave(this);
            // It may have come between the end of the wait and the leaving.
            return Outcome.IsCompletedSuccessfully ? await Outcome : null;
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            throw new WherryException(ErrorCode.OperationFailed, "domain is not running", ErrorDomain.Domain);
        }
    }
}
