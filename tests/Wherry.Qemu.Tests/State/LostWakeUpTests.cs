using Wherry.Qemu.State;

namespace Wherry.Qemu.Tests.State;

/// <summary>
/// The race of libvirt 3.2.0 (fixed by 0feebab), which left a guest paused on both hosts: the worker reads every disk's state, and while it does so the
/// domain is unlocked; a completion that falls between that read and the wait signals nobody, and no other signal follows.
/// <code>
///   worker:   read disks  .........  wait                     old: a pulse in the window is lost
///   events:                completed                          ours: the wait is on the very value that was read
/// </code>
/// Every order of completions and every placement of each in a window or in a wait is run, on the old algorithm and on ours.
/// </summary>
[Trait("req", "S0.19")]
[Fault(55)]
public sealed class LostWakeUpTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [Trait("req", "S0.14")]
    [Trait("req", "S0.17")]
    [Trait("req", "S0.18")]
    public async Task Waiting_for_the_state_that_was_read_never_hangs_where_waiting_for_a_pulse_does(int disks)
    {
        int schedules = 0, hung = 0;
        foreach (int[] order in Orders([.. Enumerable.Range(0, disks)]))
        {
            foreach (int[] windows in Placements(disks))
            {
                schedules++;
                bool oldFinished = await OldAlgorithm(new Schedule(order, windows));
                if (!oldFinished) hung++;

                // The old algorithm is not a straw man: it hangs exactly when the last completion fell into a window.
                Assert.Equal(EndsInAWait(windows, disks), oldFinished);
                Assert.True(await OurAlgorithm(new Schedule(order, windows)), $"order {string.Join(',', order)}, windows {string.Join(',', windows)}");
            }
        }
        output.WriteLine($"{disks} disks: {schedules} schedules, the old algorithm hangs in {hung}, ours in none");
        Assert.NotEqual(0, hung);
    }

    /// <summary>libvirt 3.2: look at the disks, then wait for the domain's condition. True when it came back.</summary>
    private static async Task<bool> OldAlgorithm(Schedule schedule)
    {
        var condition = new PulsedCondition();
        var done = new bool[schedule.Order.Length];
        void Complete(int disk)
        {
            done[disk] = true;
            condition.Broadcast();
        }

        async Task Worker()
        {
            while (true)
            {
                bool all = done.All(disk => disk);
                schedule.Window(Complete);
                if (all) return;
                await condition.WaitAsync();
            }
        }

        var worker = Worker();
        while (!worker.IsCompleted && schedule.Next(out int disk))
            Complete(disk);
        await Task.CompletedTask;
        return worker.IsCompleted;
    }

    /// <summary>The same worker on <see cref="VersionedState{T}"/>; the window is inside its look at the value.</summary>
    private static async Task<bool> OurAlgorithm(Schedule schedule)
    {
        var state = new VersionedState<ulong>(0);
        ulong all = (1UL << schedule.Order.Length) - 1;
        var looks = new VersionedState<int>(0);
        void Complete(int disk) => state.Update(done => done | 1UL << disk);

        var worker = state.WaitAsync(
            done =>
            {
                schedule.Window(Complete);
                looks.Update(count => count + 1);
                return done == all;
            },
            TestContext.Current.CancellationToken);

        // Between two completions the worker goes back to its wait, as in the old algorithm: at least one more look each.
        for (int seen = looks.Current; !worker.IsCompleted && schedule.Next(out int disk); seen = looks.Current)
        {
            Complete(disk);
            await Task.WhenAny(worker, looks.WaitAsync(count => count > seen, TestContext.Current.CancellationToken));
        }
        return await worker.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken) == all;
    }

    private static IEnumerable<int[]> Orders(int[] disks)
    {
        if (disks.Length <= 1)
        {
            yield return disks;
            yield break;
        }
        foreach (int first in disks)
        {
            foreach (int[] rest in Orders([.. disks.Where(disk => disk != first)]))
                yield return [first, .. rest];
        }
    }

    /// <summary>How many completions fall into the window of the first look, of the second, ...; those left over arrive one by one while it waits.</summary>
    private static IEnumerable<int[]> Placements(int events)
    {
        for (int first = 0; first <= events; first++)
        {
            if (first == events)
            {
                yield return [first];
                continue;
            }

            // One event wakes the worker from its wait; the rest is placed in the windows from there on.
            foreach (int[] rest in events - first - 1 == 0 ? [[]] : Placements(events - first - 1))
                yield return [first, .. rest];
        }
    }

    private static bool EndsInAWait(int[] windows, int events) => windows.Sum() + windows.Length == events;

    /// <summary>Hands out the completions in one order, some of them in given windows.</summary>
    private sealed class Schedule(int[] order, int[] windows)
    {
        private int _given;
        private int _look;

        public int[] Order => order;

        public void Window(Action<int> complete)
        {
            int here = _look < windows.Length ? windows[_look] : 0;
            _look++;
            for (int i = 0; i < here && Next(out int disk); i++)
                complete(disk);
        }

        public bool Next(out int disk)
        {
            bool left = _given < order.Length;
            disk = left ? order[_given++] : -1;
            return left;
        }
    }

    /// <summary>pthread_cond_broadcast: wakes who waits at this moment, and nobody who comes later. Wakes on the caller's stack, so that a schedule is one run.</summary>
    private sealed class PulsedCondition
    {
        private TaskCompletionSource _waiting = new();

        public Task WaitAsync() => _waiting.Task;

        public void Broadcast()
        {
            var woken = _waiting;
            _waiting = new TaskCompletionSource();
            woken.SetResult();
        }
    }
}
