using System.Threading.Channels;

namespace Wherry.Qemu.Migration;

/// <summary>
/// What surrounds a pure machine: its mailbox, its timers and the effects that are under way.
/// </summary>
/// <remarks>
/// <code>
///   calls, QEMU, peer, timers --Post--> [ mailbox ] --> handle(input): Step, then its effects in order
///                                            ^                                   |
///                                            +---- result of a long effect ------+ Start
/// </code>
/// One reader, so a machine never sees two inputs at once. Long effects run beside the loop and come back as inputs; their number is
/// bounded by the machine, which starts none twice without need.
/// </remarks>
/// <typeparam name="TInput">The machine's inputs.</typeparam>
/// <typeparam name="TTimer">The machine's timers.</typeparam>
internal sealed class MachineLoop<TInput, TTimer> : IAsyncDisposable
    where TInput : class
    where TTimer : struct, Enum
{
    // Far more than a machine can have outstanding: effects, timers and callers are each few. Full means a bug, and is treated as one.
    private const int Capacity = 1024;

    private readonly Channel<TInput> _mailbox = Channel.CreateBounded<TInput>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Dictionary<TTimer, ITimer> _timers = [];
    private readonly List<Task> _running = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly TimeProvider _time;
    private readonly Func<TTimer, TInput> _expired;
    private readonly Lock _gate = new();

    public MachineLoop(TimeProvider time, Func<TTimer, TInput> expired)
    {
        _time = time;
        _expired = expired;
    }

    /// <summary>Cancelled when the loop is disposed; effects that outlive their use end by it.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Puts an input into the mailbox. After the end of the loop inputs are dropped: nobody is left to whom they matter.</summary>
    public void Post(TInput input)
    {
        if (!_mailbox.Writer.TryWrite(input) && !_ending.IsCancellationRequested && !_mailbox.Reader.Completion.IsCompleted)
            throw new InvalidOperationException($"migration mailbox is full ({Capacity} inputs)");
    }

    /// <summary>Starts or restarts a timer; its expiry is an input.</summary>
    public void Arm(TTimer timer, TimeSpan after)
    {
        Disarm(timer);
        lock (_gate)
        {
            _timers[timer] = _time.CreateTimer(_ => Post(_expired(timer)), null, after, Timeout.InfiniteTimeSpan);
        }
    }

    public void Disarm(TTimer timer)
    {
        lock (_gate)
        {
            if (_timers.Remove(timer, out var armed))
                armed.Dispose();
        }
    }

    /// <summary>Runs a long effect beside the loop; what it returns, or what <paramref name="failed"/> makes of its exception, is posted.</summary>
    /// <param name="effect">Null result: nothing to tell.</param>
    /// <param name="failed">Turns an exception into an input; every failure of an effect is an answer of some kind.</param>
    public void Start(Func<CancellationToken, Task<TInput?>> effect, Func<Exception, TInput?> failed) => _ = StartTask(effect, failed);

    /// <summary>As <see cref="Start"/>; the task ends with the effect, and never fails.</summary>
    public Task StartTask(Func<CancellationToken, Task<TInput?>> effect, Func<Exception, TInput?> failed)
    {
        lock (_gate)
        {
            _running.RemoveAll(task => task.IsCompleted);
            var running = RunEffectAsync(effect, failed);
            _running.Add(running);
            return running;
        }
    }

    /// <summary>Handles inputs until <paramref name="handle"/> says that the machine is done.</summary>
    public async Task RunAsync(Func<TInput, ValueTask<bool>> handle)
    {
        await foreach (var input in _mailbox.Reader.ReadAllAsync(_ending.Token))
        {
            if (!await handle(input))
                return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _mailbox.Writer.TryComplete();
        Task[] left;
        lock (_gate)
        {
            foreach (var timer in _timers.Values)
                timer.Dispose();

            _timers.Clear();
            left = [.. _running];
        }

        await Task.WhenAll(left);
    }

    private async Task RunEffectAsync(Func<CancellationToken, Task<TInput?>> effect, Func<Exception, TInput?> failed)
    {
        // Off the loop from the first instruction: an effect that computes must not hold up the mailbox.
        await Task.Yield();
        TInput? result;
        try
        {
            result = await effect(_ending.Token);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            result = failed(e);
        }

        if (result is not null)
            Post(result);
    }
}
