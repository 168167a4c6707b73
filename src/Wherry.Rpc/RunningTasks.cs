namespace Wherry.Rpc;

/// <summary>
/// Work started on behalf of one owner, so that the owner can wait for all of it before it ends. The work handles its own failures: one
/// that escapes is kept and thrown by <see cref="WhenEmptyAsync"/>.
/// </summary>
internal sealed class RunningTasks
{
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _tasks = [];

    /// <summary>Runs <paramref name="work"/> on the thread pool.</summary>
    public void Run(Func<Task> work) => Track(Task.Run(work));

    public void Track(Task task)
    {
        if (task.IsCompletedSuccessfully) return;
        lock (_lock) _tasks.Add(task);
        _ = task.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits until nothing runs, also not what was started meanwhile.</summary>
    public async Task WhenEmptyAsync()
    {
        while (Snapshot() is { Length: > 0 } tasks) await Task.WhenAll(tasks).ConfigureAwait(false);
    }

    private Task[] Snapshot()
    {
        lock (_lock) return [.. _tasks];
    }

    private void Forget(Task task)
    {
        // A failure stays in the set: nobody may lose it.
        if (!task.IsCompletedSuccessfully) return;
        lock (_lock) _tasks.Remove(task);
    }
}
