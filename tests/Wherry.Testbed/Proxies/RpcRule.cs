namespace Wherry.Testbed.Proxies;

/// <summary>What an <see cref="RpcProxy"/> does to some messages, and how often it has.</summary>
public sealed class RpcRule
{
    private readonly TaskCompletionSource<RpcFrame> _fired = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<RpcFrame, bool> _which;
    private int _left;
    private int _count;

    internal RpcRule(Func<RpcFrame, bool> which, int times, RpcTreatment treatment)
    {
        _which = which;
        _left = times;
        Treatment = treatment;
    }

    /// <summary>The first message that it was done to.</summary>
    public Task<RpcFrame> Fired => _fired.Task;

    public int Count => Volatile.Read(ref _count);

    internal RpcTreatment Treatment { get; }

    internal Func<byte[], byte[]> Alteration { get; init; } = bytes => bytes;

    internal Task Released => _released.Task;

    /// <summary>Lets go of what is held, and of what would be.</summary>
    public void Release() => _released.TrySetResult();

    /// <summary>From now on everything passes.</summary>
    public void End() => Volatile.Write(ref _left, 0);

    internal bool Takes(RpcFrame frame)
    {
        if (Volatile.Read(ref _left) <= 0 || !_which(frame) || Interlocked.Decrement(ref _left) < 0)
            return false;
        Interlocked.Increment(ref _count);
        _fired.TrySetResult(frame);
        return true;
    }
}

internal enum RpcTreatment
{
    Swallow,
    Hold,
    Duplicate,
    Alter,
    CutBefore,
    CutAfter,
    Notice,
}
