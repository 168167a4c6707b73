using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Testing;
using MigrationParameters = Wherry.Qemu.Migration.MigrationParameters;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>
/// A source that has no hand-over id resumes its guest when it sees its connection die. So the last thing before INTENT is one round trip
/// on that connection (migration.md C7).
/// </summary>
public sealed class StockSourceTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private const MigrationFlags Flags = MigrationFlags.Live | MigrationFlags.PeerToPeer;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stock_source_that_answers_the_last_ping_hands_its_guest_over()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var pings = 0;
        await SendAsync(hosts, _ => Task.FromResult(++pings == 1));
        await FinishAsync(hosts).Within();
        Assert.Equal(1, pings);
        Assert.True(hosts.Destination.Running);
    }

    [Fact]
    public async Task A_stock_source_that_leaves_the_last_ping_unanswered_keeps_its_guest()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource<bool>(); // which never comes
        await SendAsync(hosts, ct =>
        {
            asked.SetResult();
            return answer.Task.WaitAsync(ct);
        });
        var finish = FinishAsync(hosts);
        await asked.Task.Within();
        Assert.False(finish.IsCompleted);
        Assert.Equal(DestinationPhase.Prepared, Assert.Single(hosts.Bravo.Records).Destination?.Phase);

        hosts.Bravo.Clock.Advance(MigrationLimits.Default.PingSource);
        var refused = await Assert.ThrowsAsync<WherryException>(() => finish.Within());
        Assert.Equal("operation failed: the connection that prepared the migration is gone", refused.Message);
        Assert.True(hosts.Destination.Process.Exited.IsCompleted);
        Assert.DoesNotContain("cont", hosts.Destination.Received);
    }

    /// <summary>What a stock daemon's calls and QEMU do, up to "completed".</summary>
    private static async Task SendAsync(TwoHosts hosts, Func<CancellationToken, Task<bool>> ping)
    {
        var guest = hosts.Guest;
        var begin = new MigrationCookie { Name = guest.Name, Uuid = guest.Uuid, HostName = "alpha", HostUuid = Guid.NewGuid() };
        var xml = MigrationDefinitions.ForDestination(guest.Snapshot.Live!, asked: null); // ! : it runs
        await hosts.Bravo.Migrations.PrepareAsync(
            new PhaseCall(MigrationParameters.Default with { DestinationXml = xml }, [.. begin.ToBytes()], Flags), new IncomingClient(hosts, ping), Ct).Within();
        var source = guest.Qemu!.Monitor; // ! : it runs
        await source.ExecuteAsync(new Migrate("tcp:bravo:49152"), Ct);
        Assert.Equal(MigrationStatus.Completed, hosts.Destination.Migration);
    }

    private static Task FinishAsync(TwoHosts hosts) => hosts.Bravo.Migrations.FinishAsync(
        new PhaseCall(MigrationParameters.Default with { DestinationName = hosts.Guest.Name }, ImmutableArray<byte>.Empty, Flags), cancelled: false, Ct);
}
