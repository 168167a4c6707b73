using Wherry.Qemu.Domains;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Domains;

/// <summary>QEMU tells of every stop and start by an event and by a reply; two tasks read them, and clients must hear of one change once.</summary>
public sealed class SuspendResumeTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private const int Rounds = 1000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_suspends_and_resumes_in_haste_hears_of_each_once_and_with_its_reason()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var (driver, guest) = (hosts.Alpha.Driver, hosts.Guest);
        var told = hosts.Alpha.Events.Count;
        for (var round = 0; round < Rounds; round++)
        {
            await driver.SuspendAsync(guest, "test", Ct).Within();
            Assert.Equal(DomainStatus.Paused(PausedReason.User), guest.Snapshot.Status);
            await driver.ResumeAsync(guest, "test", Ct).Within();
            Assert.Equal(DomainStatus.Running(RunningReason.Unpaused), guest.Snapshot.Status);
        }

        var lifecycle = hosts.Alpha.Events.Skip(told).OfType<DomainEvent.Lifecycle>().Select(happened => happened.Event);
        var once = new[] { LifecycleEvent.Suspended(SuspendedDetail.Paused), LifecycleEvent.Resumed(ResumedDetail.Unpaused) };
        Assert.Equal(Enumerable.Repeat(once, Rounds).SelectMany(pair => pair), lifecycle);
    }
}
