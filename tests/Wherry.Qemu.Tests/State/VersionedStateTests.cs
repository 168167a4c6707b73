using Wherry.Qemu.State;

namespace Wherry.Qemu.Tests.State;

public class VersionedStateTests
{
    private static readonly TimeSpan Watchdog = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_condition_that_already_holds_is_not_waited_for()
    {
        var state = new VersionedState<string>("ready");
        Assert.Equal("ready", await state.WaitAsync(v => v == "ready", CancellationToken.None));
    }

    [Fact, Trait("req", "S0.17"), Trait("req", "S0.18")]
    public async Task No_update_is_lost_between_looking_and_waiting()
    {
        // Publishes from inside the predicate, that is exactly between "look" and "wait": the window of libvirt's lost wake-up.
        var state = new VersionedState<string>("busy");
        var looks = 0;
        var seen = await state.WaitAsync(
            v =>
            {
                if (looks++ == 0)
                    state.Publish("done");
                return v == "done";
            },
            CancellationToken.None).WaitAsync(Watchdog);
        Assert.Equal("done", seen);
        Assert.Equal(2, looks);
    }

    [Fact]
    public async Task Many_waiters_see_many_publications_under_contention()
    {
        var state = new VersionedState<int[]>([0]);
        var waiters = Enumerable.Range(1, 200).Select(n => state.WaitAsync(v => v[0] >= n, CancellationToken.None)).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 50; i++)
                state.Update(v => [v[0] + 1]);
        })));
        await Task.WhenAll(waiters).WaitAsync(Watchdog);
        Assert.Equal(200, state.Current[0]);
        Assert.Equal(201, state.Version);
    }

    [Fact]
    public async Task When_no_value_can_follow_waiters_fail_with_the_cause()
    {
        var state = new VersionedState<string>("a");
        var waiter = state.WaitAsync(v => v == "b", CancellationToken.None);
        state.Complete(new InvalidOperationException("the domain is gone"));
        Assert.Equal("the domain is gone", (await Assert.ThrowsAsync<InvalidOperationException>(() => waiter)).Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => state.WaitAsync(v => v == "b", CancellationToken.None));
    }

    [Fact]
    public void An_update_that_changes_nothing_publishes_nothing()
    {
        var state = new VersionedState<string>("a");
        state.Update(v => v);
        Assert.Equal(1, state.Version);
    }
}
