using System.Runtime.CompilerServices;

namespace Wherry.Qemu.State;

/// <summary>
/// One value with a version, published by its owner and awaited by anyone. The only way to wait in this code base.
/// </summary>
/// <remarks>
/// <code>
///   owner:   Publish(v1) ---> Publish(v2) ---> Publish(v3) ---> Complete(cause)
///                |                |                |
///   node:      [v1|next] ----> [v2|next] ----> [v3|next]        next = task that ends when the node is replaced
///                                                  ^
///   waiter:    look at Current; predicate false -> await next of exactly the node that was looked at; look again
/// </code>
/// A wake-up cannot be lost: the waiter awaits the <c>next</c> of the node whose value it judged, and publishing completes that very
/// task. A waiter always judges the newest value, so it may not see a value that was replaced at once: conditions are about state,
/// never about pulses. When the condition can never come true any more, <see cref="Complete"/> fails all waiters with the cause.
/// </remarks>
public sealed class VersionedState<T>
{
    private readonly Lock _gate = new();
    private Node _node;

    public VersionedState(T initial) => _node = new Node(initial, 1);

    public T Current => Volatile.Read(ref _node).Value;

    /// <summary>Grows by one with every publication; starts at 1.</summary>
    public long Version => Volatile.Read(ref _node).Version;

    public long Publish(T next)
    {
        lock (_gate)
            return Replace(next);
    }

    /// <summary>Publishes what <paramref name="change"/> makes of the current value; two updates never overwrite each other.
    /// The function runs under the lock: it must be short and call nothing. Returning the same reference publishes nothing.</summary>
    public T Update(Func<T, T> change)
    {
        lock (_gate)
        {
            var next = change(_node.Value);
            if (!ReferenceEquals(next, _node.Value))
                Replace(next);
            return next;
        }
    }

    /// <summary>No value will follow: every present and future waiter whose condition is not met fails with this cause.</summary>
    public void Complete(Exception cause)
    {
        lock (_gate)
        {
            if (_node.Next.TrySetException(cause))
                _ = _node.Next.Task.Exception; // observed: nobody may be waiting
        }
    }

    /// <summary>Waits until the newest value satisfies the condition, and returns that value.</summary>
    /// <exception cref="OperationCanceledException">The caller stopped waiting; the state is not affected.</exception>
    public async Task<T> WaitAsync(Func<T, bool> until, CancellationToken ct)
    {
        while (true)
        {
            var seen = Volatile.Read(ref _node);
            if (until(seen.Value))
                return seen.Value;
            await seen.Next.Task.WaitAsync(ct);
        }
    }

    /// <summary>As <see cref="WaitAsync(Func{T, bool}, CancellationToken)"/> with a deadline.</summary>
    /// <exception cref="TimeoutException">Names what was awaited and for how long.</exception>
    public async Task<T> WaitAsync(Func<T, bool> until, TimeSpan limit, TimeProvider time, string what, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            return await WaitAsync(until, linked.Token);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new TimeoutException($"waited {limit.TotalSeconds:0.###} s for {what}", e);
        }
    }

    /// <summary>Every change from now on, newest first when the reader is slow: intermediate values may be skipped, the last never is.
    /// Ends when the state is completed.</summary>
    public async IAsyncEnumerable<T> Watch([EnumeratorCancellation] CancellationToken ct)
    {
        var seen = Volatile.Read(ref _node);
        yield return seen.Value;
        while (true)
        {
            try
            {
                await seen.Next.Task.WaitAsync(ct);
            }
            catch (Exception) when (seen.Next.Task.IsFaulted)
            {
                yield break;
            }
            seen = Volatile.Read(ref _node);
            yield return seen.Value;
        }
    }

    private long Replace(T value)
    {
        var old = _node;
        if (old.Next.Task.IsCompleted)
            throw new InvalidOperationException("published after the state was completed");
        var next = new Node(value, old.Version + 1);
        Volatile.Write(ref _node, next);
        old.Next.SetResult();
        return next.Version;
    }

    private sealed class Node(T value, long version)
    {
        public T Value { get; } = value;
        public long Version { get; } = version;
        public TaskCompletionSource Next { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
