namespace Wherry.Qemu.Domains;

/// <summary>
/// Looks at QEMU whenever it said anything at all, and otherwise every half a second. What an event says is not read: a look is a
/// query, and its answer is the truth however many events were lost, doubled or out of order (rule 8).
/// </summary>
internal static class Lookout
{
    // Slow enough to cost nothing, quick enough for progress bars and for the one event that never came.
    internal static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Looks until <paramref name="look"/> is satisfied, or QEMU has sent its last event.</summary>
    /// <param name="qemu">Whose events wake us.</param>
    /// <param name="time">For the interval.</param>
    /// <param name="look">True: enough.</param>
    /// <param name="ct">Stops looking.</param>
    /// <returns>False when the monitor ended first.</returns>
    public static async Task<bool> UntilAsync(QemuInstance qemu, TimeProvider time, Func<CancellationToken, Task<bool>> look, CancellationToken ct)
    {
        using var feed = qemu.Subscribe();
        while (true)
        {
            // Emptied before the look: what arrives during it makes us look again at once.
            while (feed.Events.TryRead(out _))
            {
            }

            if (await look(ct))
                return true;

            using var interval = new CancellationTokenSource(LookInterval, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, interval.Token);
            try
            {
                if (!await feed.Events.WaitToReadAsync(either.Token))
                    return false;
            }
            catch (OperationCanceledException) when (interval.IsCancellationRequested && !ct.IsCancellationRequested)
            {
                // Time for a look without an event.
            }
        }
    }
}
