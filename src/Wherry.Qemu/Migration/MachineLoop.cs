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

    private readonly Channel<TInput> mailbox = Channel.CreateBounded<TInput>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Dictionary<TTimer, ITimer> timers = [];
    private readonly List<Task> running = [];
    private readonly CancellationTokenSource ending = new();
    private readonly TimeProvider time;
    private readonly Func<TTimer, TInput> expired;
    private readonly Lock gate = new();

    public MachineLoop(TimeProvider time, Func<TTimer, TInput> expired)
    {
        this.time = time;
        this.expired = expired;
    }

    /// <summary>Cancelled when the loop is disposed; effects that outlive their use end by it.</summary>
    public CancellationToken Ending => ending.Token;

    /// <summary>Puts an input into the mailbox. After the end of the loop inputs are dropped: nobody is left to whom they matter.</summary>
    public void Post(TInput input)
    {
        if (!mailbox.Writer.TryWrite(input) && !ending.IsCancellationRequested && !mailbox.Reader.Completion.IsCompleted)
        {
            throw new InvalidOperationException($"migration mailbox is full ({Capacity} inputs)");
        }
    }

    /// <summary>Starts or restarts a timer; its expiry is an input.</summary>
    public void Arm(TTimer timer, TimeSpan after)
    {
        Disarm(timer);
        lock (gate)
        {
            timers[timer] = time.CreateTimer(_ => Post(expired(timer)), null, after, Timeout.InfiniteTimeSpan);
        }
    }

    public void Disarm(TTimer timer)
    {
        lock (gate)
        {
            if (timers.Remove(timer, out var armed))
            {
                armed.Dispose();
            }
        }
    }

    /// <summary>Runs a long effect beside the loop; what it returns, or what <paramref name="failed"/> makes of its exception, is posted.</summary>
    /// <param name="effect">Null result: nothing to tell.</param>
    /// <param name="failed">Turns an exception into an input; every failure of an effect is an answer of some kind.</param>
    public void Start(Func<CancellationToken, Task<TInput?>> effect, Func<Exception, TInput?> failed)
    {
        lock (gate)
        {
            running.RemoveAll(task => task.IsCompleted);
            running.Add(RunEffectAsync(effect, failed));
        }
    }

    /// <summary>Handles inputs until <paramref name="handle"/> says that the machine is done.</summary>
    public async Task RunAsync(Func<TInput, ValueTask<bool>> handle)
    {
        await foreach (var input in mailbox.Reader.ReadAllAsync(ending.Token))
        {
            if (!await handle(input))
            {
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        mailbox.Writer.TryComplete();
        Task[] left;
        lock (gate)
        {
            foreach (var timer in timers.Values)
            {
                timer.Dispose();
            }

            timers.Clear();
            left = [.. running];
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
            result = await effect(ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            result = failed(e);
        }

        if (result is not null)
        {
            Post(result);
        }
    }
}
