using Wherry.Qmp;

namespace Wherry.Qemu.Statistics;

/// <summary>
/// One question to QEMU that many callers share: it is asked once at a time, each caller waits for a limited time, and whoever ran out of
/// patience gets the last answer with its age. A QEMU that owes an answer for longer than that is not waited for at all.
/// </summary>
/// <remarks>
/// <code>
///   caller --&gt; asked already? --no--&gt; ask            answered in time: fresh
///                    |                                 too late:        the last answer, and how old it is
///                    '--yes, and overdue-------------&gt; at once:          the same
/// </code>
/// </remarks>
internal sealed class RememberedAnswer<T>(TimeProvider time)
    where T : class
{
    private readonly Lock _gate = new();
    private readonly long _born = time.GetTimestamp();
    private Task<bool> _asking = Task.FromResult(false); // under _gate, as all below; true when QEMU answered
    private long _askedAt;
    private bool _overdue;
    private T? _last;
    private long? _lastAt;

    /// <param name="ask">Not given the caller's token: others wait for the same answer.</param>
    /// <param name="patience">How long a caller waits for a QEMU that was not overdue so far.</param>
    public async Task<Answer<T>> AskAsync(Func<Task<T>> ask, TimeSpan patience, CancellationToken ct)
    {
        Task<bool> asking;
        TimeSpan left;
        lock (_gate)
        {
            if (_asking.IsCompleted)
            {
                _askedAt = time.GetTimestamp();
                _asking = AskAndRememberAsync(ask);
            }
            asking = _asking;
            left = _overdue ? TimeSpan.Zero : patience - time.GetElapsedTime(_askedAt);
        }
        var answered = false;
        try
        {
            answered = await asking.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, ct);
        }
        catch (TimeoutException)
        {
            // The caller's patience has ended; the question goes on.
        }
        lock (_gate)
            return new Answer<T>(_last, answered ? null : time.GetElapsedTime(_lastAt ?? _born));
    }

    private async Task<bool> AskAndRememberAsync(Func<Task<T>> ask)
    {
        await Task.Yield(); // out of the lock
        T? answer;
        try
        {
            answer = await ask();
        }
        catch (QmpTimeoutException)
        {
            lock (_gate)
                _overdue = true;
            return false;
        }
        catch (WherryException)
        {
            answer = null; // QEMU has no such device, or is gone: there is nothing to tell, and that is no failure of the caller.
        }
        lock (_gate)
        {
            _overdue = false;
            (_last, _lastAt) = (answer, time.GetTimestamp());
        }
        return true;
    }
}

/// <param name="Value">Null: QEMU has nothing of the kind, or has never answered.</param>
/// <param name="Age">Null for an answer to this very question; otherwise how long ago it was given (or, without one, how long nothing has been heard).</param>
internal readonly record struct Answer<T>(T? Value, TimeSpan? Age)
    where T : class;
