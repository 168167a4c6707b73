using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>
/// Users' calls that wait for a machine's Admit or Refuse. A machine answers each with exactly one of the two, in the order of its
/// mailbox, so the oldest waiting call of that kind is always the one meant. When the machine has ended, nothing is refused any more.
/// </summary>
internal sealed class UserCalls
{
    private readonly Lock gate = new();
    private readonly Dictionary<UserCall, Queue<TaskCompletionSource>> waiting = [];
    private bool ended;

    /// <summary>Completes when admitted.</summary>
    /// <exception cref="WherryException">OperationInvalid with the machine's reason.</exception>
    public Task Ask(UserCall call)
    {
        lock (gate)
        {
            if (ended)
            {
                return Task.CompletedTask;
            }

            var verdict = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!waiting.TryGetValue(call, out var queue))
            {
                waiting[call] = queue = new Queue<TaskCompletionSource>();
            }

            queue.Enqueue(verdict);
            return verdict.Task;
        }
    }

    public void Admit(UserCall call) => Next(call)?.TrySetResult();

    public void Refuse(UserCall call, string why) => Next(call)?.TrySetException(new WherryException(ErrorCode.OperationInvalid, why));

    /// <summary>The machine is gone: whoever waits, or comes later, deals with an ordinary guest.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
            foreach (var verdict in waiting.Values.SelectMany(queue => queue))
            {
                verdict.TrySetResult();
            }

            waiting.Clear();
        }
    }

    private TaskCompletionSource? Next(UserCall call)
    {
        lock (gate)
        {
            return waiting.TryGetValue(call, out var queue) && queue.TryDequeue(out var verdict) ? verdict : null;
        }
    }
}
