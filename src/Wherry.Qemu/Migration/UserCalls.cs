using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>
/// Users' calls that wait for a machine's Admit or Refuse. A machine answers each with exactly one of the two, in the order of its
/// mailbox, so the oldest waiting call of that kind is always the one meant. When the machine has ended, nothing is refused any more.
/// </summary>
internal sealed class UserCalls
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UserCall, Queue<TaskCompletionSource>> _waiting = [];
    private bool _ended;

    /// <summary>Completes when admitted.</summary>
    /// <exception cref="WherryException">OperationInvalid with the machine's reason.</exception>
    public Task Ask(UserCall call)
    {
        lock (_gate)
        {
            if (_ended)
                return Task.CompletedTask;

            var verdict = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!_waiting.TryGetValue(call, out var queue))
                _waiting[call] = queue = new Queue<TaskCompletionSource>();

            queue.Enqueue(verdict);
            return verdict.Task;
        }
    }

    public void Admit(UserCall call) => Next(call)?.TrySetResult();

    public void Refuse(UserCall call, string why) => Next(call)?.TrySetException(new WherryException(ErrorCode.OperationInvalid, why));

    /// <summary>The machine is gone: whoever waits, or comes later, deals with an ordinary guest.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (var verdict in _waiting.Values.SelectMany(queue => queue))
                verdict.TrySetResult();

            _waiting.Clear();
        }
    }

    private TaskCompletionSource? Next(UserCall call)
    {
        lock (_gate)
        {
            return _waiting.TryGetValue(call, out var queue) && queue.TryDequeue(out var verdict) ? verdict : null;
        }
    }
}
