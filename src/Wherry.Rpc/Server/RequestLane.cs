using System.Diagnostics.CodeAnalysis;

namespace Wherry.Rpc;

/// <summary>
/// Decides which of a client's requests start and which wait for a place. Pure and not synchronised; the connection holds a lock.
/// <code>
///   read loop -&gt; Enter -&gt; in progress (max)          -&gt; reply written -&gt; Leave -&gt; the next one starts
///                    \--&gt; waiting (count and bytes) --------------------------^
///                     \-&gt; no room: the read loop stops, and the client's socket fills
/// </code>
/// </summary>
internal sealed class RequestLane<TRequest>(int maxInProgress, int maxWaiting, int maxWaitingBytes)
{
    private readonly Queue<(TRequest Request, int Bytes)> _waiting = [];
    private int _waitingBytes;

    /// <summary>Started and not left yet.</summary>
    public int InProgress { get; private set; }

    /// <summary>Entered and not started yet.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>One more may enter, whatever its size: the limits are of what already waits.</summary>
    public bool HasRoom => _waiting.Count < maxWaiting && _waitingBytes < maxWaitingBytes;

    /// <returns>True: it starts now. False: it waits, and <see cref="Leave"/> gives it out in its turn.</returns>
    public bool Enter(TRequest request, int bytes)
    {
        if (InProgress < maxInProgress)
        {
            InProgress++;
            return true;
        }

        _waiting.Enqueue((request, bytes));
        _waitingBytes += bytes;
        return false;
    }

    /// <summary>One has ended.</summary>
    /// <returns>True with the request that starts in its place.</returns>
    public bool Leave([MaybeNullWhen(false)] out TRequest next)
    {
        InProgress--;
        if (!_waiting.TryDequeue(out var entry))
        {
            next = default;
            return false;
        }

        InProgress++;
        _waitingBytes -= entry.Bytes;
        next = entry.Request;
        return true;
    }

    /// <summary>Takes out those that have not started: they never will.</summary>
    public IReadOnlyList<TRequest> Clear()
    {
        var requests = _waiting.Select(entry => entry.Request).ToList();
        _waiting.Clear();
        _waitingBytes = 0;
        return requests;
    }
}
