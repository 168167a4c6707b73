using System.Runtime.CompilerServices;

namespace Wherry.Testing;

/// <summary>Every wait of a test ends: by its condition, or by failing with the name of what did not happen.</summary>
public static class Deadline
{
    /// <summary>Far more than anything in memory needs, also on a busy machine.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(20);

    public static async Task Within(
        this Task task, TimeSpan? deadline = null, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        try
        {
            await task.WaitAsync(deadline ?? Default);
        }
        catch (TimeoutException e) when (!task.IsCompleted)
        {
            throw new TimeoutException($"not within {deadline ?? Default}: {what}", e);
        }
    }

    public static async Task<T> Within<T>(
        this Task<T> task, TimeSpan? deadline = null, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await ((Task)task).Within(deadline, what);
        return await task;
    }
}
