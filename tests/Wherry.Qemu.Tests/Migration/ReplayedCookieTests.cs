using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Commands;
using Wherry.Testing;
using MigrationParameters = Wherry.Qemu.Migration.MigrationParameters;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>A cookie of another attempt, or none where one is due, begins and commits nothing: an id stands for one attempt, and what became of it is told once.</summary>
public sealed class ReplayedCookieTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private const MigrationFlags Managed = MigrationFlags.Live;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Were it taken for a destination that has no ids, its word would not be asked for.</summary>
    [Fact]
    [Fault(96)]
    public async Task Perform_with_the_Prepare_cookie_of_another_attempt_is_refused_and_goes_on_with_its_own()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var client = new object();
        await hosts.Alpha.Migrations.BeginAsync(hosts.Guest, MigrationParameters.Default, Managed, client, Ct).Within();
        var foreign = Cookie(hosts, Guid.NewGuid(), hosts.Bravo.HostUuid);
        var parameters = MigrationParameters.Default with { MigrateUri = "tcp:bravo:49152" };
        var refused = await Assert.ThrowsAsync<WherryException>(
            () => hosts.Alpha.Migrations.PerformAsync(hosts.Guest, new PhaseCall(parameters, foreign, Managed), Ct).Within());
        Assert.Equal(ErrorCode.InternalError, refused.Code);
        Assert.Contains("Incoming cookie data is of hand-over", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("migrate", hosts.Source.Received);

        hosts.Alpha.Migrations.ClientGone(client);
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        Assert.True(hosts.Source.Running);
    }

    [Theory]
    [Fault(96)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hand_over_that_is_settled_is_not_prepared_again(bool ran)
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var (id, source) = (Guid.NewGuid(), Guid.NewGuid());
        await PrepareAsync(hosts, id, source);
        var first = hosts.Destination;
        if (ran)
        {
            await hosts.Guest.Qemu!.Monitor.ExecuteAsync(new Migrate("tcp:bravo:49152"), Ct); // ! : it runs
            await FinishAsync(hosts, Cookie(hosts, id, source), cancelled: false).Within();
            await hosts.Bravo.Migrations.ForgetAsync(id, Ct).Within();
            Assert.True(first.Running);
        }
        else
        {
            await Assert.ThrowsAsync<WherryException>(() => FinishAsync(hosts, Cookie(hosts, id, source), cancelled: true).Within());
        }

        var refused = await Assert.ThrowsAsync<WherryException>(() => PrepareAsync(hosts, id, source));
        Assert.Equal(ErrorCode.OperationInvalid, refused.Code);
        Assert.Contains($"hand-over {id:D} of domain 'web1' has been prepared before", refused.Message, StringComparison.Ordinal);
        Assert.Same(first, hosts.Destination);
    }

    /// <summary>The journal knows what the daemon before has done.</summary>
    [Fact]
    [Fault(96)]
    public async Task A_hand_over_that_ran_here_is_not_prepared_again_by_the_next_daemon()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var (id, source) = (Guid.NewGuid(), Guid.NewGuid());
        await PrepareAsync(hosts, id, source);
        await hosts.Guest.Qemu!.Monitor.ExecuteAsync(new Migrate("tcp:bravo:49152"), Ct); // ! : it runs
        await FinishAsync(hosts, Cookie(hosts, id, source), cancelled: false).Within();
        await hosts.Bravo.RestartAsync(Ct).Within();
        Assert.Contains("has been prepared before", (await Assert.ThrowsAsync<WherryException>(() => PrepareAsync(hosts, id, source))).Message, StringComparison.Ordinal);
        Assert.True(hosts.Destination.Running);
    }

    [Fact]
    [Fault(96)]
    public async Task The_id_of_an_attempt_that_is_on_its_way_does_not_begin_another_nor_end_it()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var (id, source) = (Guid.NewGuid(), Guid.NewGuid());
        await PrepareAsync(hosts, id, source);
        await Assert.ThrowsAsync<WherryException>(() => PrepareAsync(hosts, id, source));
        Assert.False(hosts.Destination.Process.Exited.IsCompleted);
        await hosts.Guest.Qemu!.Monitor.ExecuteAsync(new Migrate("tcp:bravo:49152"), Ct); // ! : it runs
        await FinishAsync(hosts, Cookie(hosts, id, source), cancelled: false).Within();
        Assert.True(hosts.Destination.Running);
    }

    [Fact]
    [Fault(96)]
    public async Task Finish_without_an_id_does_not_commit_an_attempt_that_has_one()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var (id, source) = (Guid.NewGuid(), Guid.NewGuid());
        await PrepareAsync(hosts, id, source);
        await hosts.Guest.Qemu!.Monitor.ExecuteAsync(new Migrate("tcp:bravo:49152"), Ct); // ! : it runs
        var refused = await Assert.ThrowsAsync<WherryException>(() => FinishAsync(hosts, [], cancelled: false).Within());
        Assert.Equal(ErrorCode.OperationInvalid, refused.Code);
        Assert.Contains($"does not name the hand-over with which it was prepared, {id:D}", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("cont", hosts.Destination.Received);

        // A managed client whose Perform failed has no cookie to give up with.
        var gone = await Assert.ThrowsAsync<WherryException>(() => FinishAsync(hosts, [], cancelled: true).Within());
        Assert.Equal(ErrorCode.MigrateFinishOk, gone.Code);
        Assert.True(hosts.Destination.Process.Exited.IsCompleted);
    }

    private static ImmutableArray<byte> Cookie(TwoHosts hosts, Guid id, Guid sender) => [.. new MigrationCookie
    {
        Name = hosts.Guest.Name,
        Uuid = hosts.Guest.Uuid,
        HostName = "sender",
        HostUuid = sender,
        Handover = new HandoverSection(id, "qemu+tcp://alpha/system", "boot of sender"),
    }.ToBytes()];

    private static async Task PrepareAsync(TwoHosts hosts, Guid id, Guid source)
    {
        var xml = MigrationDefinitions.ForDestination(hosts.Guest.Snapshot.Live!, asked: null); // ! : it runs
        await hosts.Bravo.Migrations.PrepareAsync(
            new PhaseCall(MigrationParameters.Default with { DestinationXml = xml }, Cookie(hosts, id, source), Managed),
            new IncomingClient(hosts, _ => Task.FromResult(true)),
            Ct).Within();
    }

    private static Task FinishAsync(TwoHosts hosts, ImmutableArray<byte> cookie, bool cancelled) => hosts.Bravo.Migrations.FinishAsync(
        new PhaseCall(MigrationParameters.Default with { DestinationName = hosts.Guest.Name }, cookie, Managed), cancelled, Ct);
}
