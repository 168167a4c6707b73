using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Testing;
using MigrationParameters = Wherry.Qemu.Migration.MigrationParameters;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>
/// An attempt that ends at the source ends at the destination too, at once. The clocks stand still here: a destination that has to find out
/// by itself never does.
/// </summary>
public sealed class FarewellTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_migration_that_is_cancelled_is_over_at_its_destination()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        var migration = await CopyingAsync(hosts);
        await hosts.Alpha.Migrations.AdmitAsync(hosts.Guest, MigrationUserCall.AbortJob, Ct).Within();
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        Assert.Null(hosts.Bravo.Driver.Domains.Find(hosts.Guest.Uuid)); // Who hears of the end may try again at once.
        await AssertNextAttemptMovesAsync(hosts);
    }

    [Fact]
    [Fault(19)]
    public async Task A_migration_whose_daemon_restarted_is_over_at_its_destination()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        var migration = await CopyingAsync(hosts);
        var way = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hosts.Alpha.PeerReachable = way.Task;
        await hosts.Alpha.RestartAsync(Ct).Within();
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        await hosts.Guest.State.WaitAsync(now => now.Job is null, Ct).Within(); // The guest waits for nobody.
        way.SetResult();
        await AssertNextAttemptMovesAsync(hosts);
    }

    /// <summary>The link took the farewell with it, and the copy at the destination is whole: nothing there would end it for an hour.</summary>
    [Fact]
    [Fault(3)]
    public async Task The_next_attempt_of_the_same_source_is_the_farewell_of_the_one_before()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var (source, stranger) = (Guid.NewGuid(), Guid.NewGuid());
        await PrepareAsync(hosts, source);
        await hosts.Guest.Qemu!.Monitor.ExecuteAsync(new Migrate("tcp:bravo:49152"), Ct); // ! : it runs
        var whole = hosts.Destination;
        Assert.Equal(MigrationStatus.Completed, whole.Migration);

        Assert.Equal(ErrorCode.OperationInvalid, (await Assert.ThrowsAsync<WherryException>(() => PrepareAsync(hosts, stranger))).Code);
        Assert.False(whole.Process.Exited.IsCompleted);

        await PrepareAsync(hosts, source);
        Assert.True(whole.Process.Exited.IsCompleted);
        Assert.NotSame(whole, hosts.Destination);
    }

    private static async Task PrepareAsync(TwoHosts hosts, Guid source)
    {
        var guest = hosts.Guest;
        var begin = new MigrationCookie
        {
            Name = guest.Name,
            Uuid = guest.Uuid,
            HostName = "alpha",
            HostUuid = source,
            Handover = new HandoverSection(Guid.NewGuid(), "qemu+tcp://alpha/system", "boot of alpha"),
        };
        var xml = MigrationDefinitions.ForDestination(guest.Snapshot.Live!, asked: null); // ! : it runs
        await hosts.Bravo.Migrations.PrepareAsync(
            new PhaseCall(MigrationParameters.Default with { DestinationXml = xml }, [.. begin.ToBytes()], MigrationFlags.Live | MigrationFlags.PeerToPeer),
            new IncomingClient(hosts, _ => Task.FromResult(true)),
            Ct).Within();
    }

    /// <summary>A migration that copies its disk: there is no stream yet by whose end the destination would notice.</summary>
    private static async Task<Task> CopyingAsync(TwoHosts hosts)
    {
        hosts.Source.HoldMirrors = true;
        var migration = hosts.MigrateAsync(Ct);
        await hosts.Source.ReceivedAsync("blockdev-mirror", Ct).Within();
        return migration;
    }

    private static async Task AssertNextAttemptMovesAsync(TwoHosts hosts)
    {
        hosts.Source.HoldMirrors = false;
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        if (hosts.Bravo.Driver.Domains.Find(hosts.Guest.Uuid) is { } ending) // The guest waits for nobody, so the farewell may still be on its way.
            await ending.State.WaitAsync(now => !now.IsActive, Ct).Within();
        Assert.Null(hosts.Bravo.Driver.Domains.Find(hosts.Guest.Uuid));
        await hosts.MigrateAsync(Ct).Within();
        Assert.True(hosts.Destination.Running, hosts.Story());
    }
}
