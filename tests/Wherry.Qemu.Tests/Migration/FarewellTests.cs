using Wherry.Errors;
using Wherry.Qemu.Domains.Jobs;
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
        var whole = await SendAsync(hosts, Guid.NewGuid(), source);

        Assert.Equal(ErrorCode.OperationInvalid, (await Assert.ThrowsAsync<WherryException>(() => PrepareAsync(hosts, stranger))).Code);
        Assert.False(whole.Process.Exited.IsCompleted);

        await PrepareAsync(hosts, source);
        Assert.True(whole.Process.Exited.IsCompleted);
        Assert.NotSame(whole, hosts.Destination);
    }

    /// <summary>It may be the only copy that is left: its source may have died with its host, and an operator may know that.</summary>
    [Fact]
    [Fault(23, 113)]
    public async Task A_destination_that_has_all_of_the_guest_keeps_it_while_its_own_daemon_restarts()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var (id, source) = (Guid.NewGuid(), Guid.NewGuid());
        var whole = await SendAsync(hosts, id, source);
        await hosts.Bravo.RestartAsync(Ct).Within();
        Assert.False(whole.Process.Exited.IsCompleted);
        var kept = Assert.Single(hosts.Bravo.Migrations.HandOvers);
        Assert.Equal(("loaded", "alpha", "qemu+tcp://alpha/system"), (kept.State, kept.PeerHost, kept.PeerUri));
        Assert.Contains("force-destination", kept.Command, StringComparison.Ordinal);

        Assert.Equal(ResolveAnswer.Pending, await hosts.Bravo.Migrations.ResolveAsync(id, hosts.Guest.Uuid, startPaused: false, Ct).Within());
        await hosts.Bravo.Driver.Domains.Find(hosts.Guest.Uuid)!.State.WaitAsync(now => now.Status.IsRunning, Ct).Within(); // ! : it is there
        Assert.True(whole.Running);
    }

    /// <summary>An address may have been given to another host, or, if it is a path, lead to one's own.</summary>
    [Theory]
    [Fault(113)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_host_that_answers_is_not_off_and_another_one_at_its_address_says_nothing(bool same)
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var id = Guid.NewGuid();
        var whole = await SendAsync(hosts, id, same ? hosts.Alpha.HostUuid : Guid.NewGuid());
        await hosts.Bravo.RestartAsync(Ct).Within(); // which looks at once how much of it is there
        hosts.Bravo.PeerReachable = Task.CompletedTask;
        var forcing = hosts.Bravo.Migrations.ForceDestinationAsync(id, "alpha", "root", Ct).Within();
        if (same)
            Assert.Contains("is not off", (await Assert.ThrowsAsync<WherryException>(() => forcing)).Message, StringComparison.Ordinal);
        else
            await forcing;

        Assert.Equal(!same, whole.Running);
    }

    [Fact]
    [Fault(23)]
    public async Task A_destination_that_has_not_all_of_the_guest_gives_it_up_when_its_daemon_restarts()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        await PrepareAsync(hosts, Guid.NewGuid());
        await hosts.Bravo.RestartAsync(Ct).Within();
        await hosts.Destination.Process.Exited.Within();
    }

    /// <summary>Its daemon died before HANDED, and when it was back the link was down: the guest runs on, and its whole copy waits at the destination.</summary>
    [Fact]
    [Fault(3, 19)]
    public async Task A_destination_that_could_not_be_reached_at_the_end_is_told_when_it_can_be_by_whatever_daemon_there_is_then()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var way = await StayUnheardAsync(hosts);
        await hosts.Alpha.RestartAsync(Ct).Within();
        Assert.Null(hosts.Alpha.Migrations.Refusal(hosts.Guest.Uuid)); // The host was on all the time: nobody has to wait for an answer.
        Assert.False(hosts.Destination.Process.Exited.IsCompleted);

        way.SetResult();
        await hosts.Destination.Process.Exited.Within();
        await hosts.Alpha.Log.WaitForAsync(4022);
        Assert.Empty(hosts.Alpha.Records);
        await AssertNextAttemptMovesAsync(hosts);
    }

    /// <summary>It went on here, its host was fenced, and the copy that had been left at the destination was let run by an operator, or not.</summary>
    [Theory]
    [Fault(113)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_source_that_closed_unheard_and_was_off_asks_before_it_starts_the_guest_anew(bool forced)
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var way = await StayUnheardAsync(hosts);
        var id = Assert.Single(hosts.Bravo.Migrations.HandOvers).Id;
        await hosts.Alpha.RestartAsync(Ct, () => DieAsync(hosts), reboot: true).Within();
        var uuid = hosts.Guest.Uuid;
        Assert.Contains("has died here", hosts.Alpha.Migrations.Refusal(uuid), StringComparison.Ordinal);
        if (forced)
            await hosts.Bravo.Migrations.ForceDestinationAsync(id, "alpha", "root", Ct).Within();

        var settled = hosts.Alpha.Migrations.MayStartAnewAsync(uuid, Ct);
        Assert.False(settled.IsCompleted);
        way.SetResult();
        if (forced)
        {
            await hosts.Alpha.Log.WaitForAsync(4025);
            Assert.False(await settled.Within());
            Assert.True(hosts.Destination.Running);
            Assert.Empty(hosts.Bravo.Records); // and need not be kept
            return;
        }

        Assert.True(await settled.Within());
        Assert.True(hosts.Destination.Process.Exited.IsCompleted);
        Assert.Null(hosts.Alpha.Migrations.Refusal(uuid));
    }

    [Fact]
    [Fault(113)]
    public async Task An_operator_who_fences_the_destination_frees_a_guest_whose_farewell_it_cannot_hear()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var way = await StayUnheardAsync(hosts);
        await hosts.Alpha.RestartAsync(Ct, () => DieAsync(hosts), reboot: true).Within();
        var report = Assert.Single(hosts.Alpha.Migrations.HandOvers);
        Assert.True(report is { State: HandOverReport.Withdrawing, PeerHost: "bravo", NeedsDecision: true }, report.ToString());
        Assert.Contains("force-source", hosts.Alpha.Migrations.Refusal(report.DomainUuid), StringComparison.Ordinal);
        way.SetException(new PeerLostException("no way to bravo"));

        Assert.Equal(
            ErrorCode.OperationInvalid,
            (await Assert.ThrowsAsync<WherryException>(() => hosts.Alpha.Migrations.ForceSourceAsync(report.Id, "charlie", "root", Ct).Within())).Code);
        Assert.Contains("may be started", await hosts.Alpha.Migrations.ForceSourceAsync(report.Id, "bravo", "root", Ct).Within(), StringComparison.Ordinal);
        Assert.Null(hosts.Alpha.Migrations.Refusal(report.DomainUuid));
        Assert.Empty(hosts.Alpha.Records);
    }

    private static async Task DieAsync(TwoHosts hosts)
    {
        hosts.Source.Process.End(new(0, Signal: 9));
        await hosts.Guest.State.WaitAsync(now => !now.IsActive, Ct);
    }

    /// <summary>The guest is back at the source, all of it is at the destination as well, and the source's farewell has not come through.</summary>
    /// <returns>Completed, it lets connections be made again.</returns>
    private static async Task<TaskCompletionSource> StayUnheardAsync(TwoHosts hosts)
    {
        hosts.Source.HoldAt = MigrationStatus.Device;
        var migration = hosts.MigrateAsync(Ct);
        await hosts.Source.ReceivedAsync("migrate-continue", Ct).Within();
        var way = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hosts.Alpha.PeerReachable = way.Task;
        await hosts.Alpha.RestartAsync(Ct, SentAsync).Within();
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        await hosts.Guest.State.WaitAsync(now => now.Job is null && now.Status.IsRunning, Ct).Within();
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        hosts.Alpha.Clock.Advance(TimeSpan.FromSeconds(3)); // as long as the migration itself tries
        Assert.True(hosts.Source.Running);
        Assert.Equal(MigrationStatus.Completed, hosts.Destination.Migration);
        return way;

        Task SentAsync()
        {
            hosts.Source.GoOn();
            return Task.CompletedTask;
        }
    }

    /// <summary>A source sends all of the guest, and is not heard of again.</summary>
    private static async Task<FakeQemu> SendAsync(TwoHosts hosts, Guid id, Guid source)
    {
        await PrepareAsync(hosts, source, id);
        await hosts.Guest.Qemu!.Monitor.ExecuteAsync(new Migrate("tcp:bravo:49152"), Ct); // ! : it runs
        Assert.Equal(MigrationStatus.Completed, hosts.Destination.Migration);
        return hosts.Destination;
    }

    private static async Task PrepareAsync(TwoHosts hosts, Guid source, Guid? id = null)
    {
        var guest = hosts.Guest;
        var begin = new MigrationCookie
        {
            Name = guest.Name,
            Uuid = guest.Uuid,
            HostName = "alpha",
            HostUuid = source,
            Handover = new HandoverSection(id ?? Guid.NewGuid(), "qemu+tcp://alpha/system", "boot of alpha"),
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
