using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// A migration whose job has begun and whose destination may not have answered yet: who gives it up or asks for post-copy in this time is
/// not told that there is none. A client with a time limit asks once and never again.
/// </summary>
internal sealed class MigrationStart : IDisposable
{
    private readonly TaskCompletionSource<OutgoingMigration?> _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _aborted = new();

    /// <summary>The user has given it up.</summary>
    public CancellationToken Aborted => _aborted.Token;

    /// <summary>Its end: the migration, or null when it came to nothing.</summary>
    public void End(OutgoingMigration? migration) => _begun.TrySetResult(migration);

    /// <summary>virDomainAbortJobFlags.</summary>
    /// <param name="postCopy">Break a running post-copy, of which there is none yet.</param>
    /// <param name="ct">Stops waiting.</param>
    public async Task AbortAsync(bool postCopy, CancellationToken ct)
    {
        if (!postCopy)
            await _aborted.CancelAsync();

        if (await _begun.Task.WaitAsync(ct) is { } migration)
            await migration.AbortAsync(postCopy, ct);
        else if (postCopy)
            throw new WherryException(ErrorCode.OperationInvalid, "current job is not outgoing migration in post-copy mode");
    }

    /// <summary>Another call of a user.</summary>
    /// <exception cref="WherryException">OperationInvalid: the migration did not begin, or its machine refuses.</exception>
    public async Task AdmitAsync(UserCall call, CancellationToken ct)
    {
        var migration = await _begun.Task.WaitAsync(ct)
            ?? throw new WherryException(ErrorCode.OperationInvalid, "the migration did not begin");
        await migration.AdmitAsync(call, ct);
    }

    public void Dispose() => _aborted.Dispose();
}
