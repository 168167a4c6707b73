using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>A migration may still need the stored definition: to send it, to remove it, or to be given up with it in its place.</summary>
public sealed class UndefineTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_definition_is_not_removed_while_its_guest_is_on_its_way()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        await hosts.Alpha.Driver.PersistAsync(hosts.Guest, hosts.Guest.Snapshot.Live!, Ct); // ! : it runs
        hosts.Source.HoldMirrors = true;
        var migration = hosts.MigrateAsync(Ct);
        await hosts.Source.ReceivedAsync("blockdev-mirror", Ct).Within();

        var undefining = hosts.Alpha.Driver.UndefineAsync(hosts.Guest, NvramFate.Refuse, "remoteDispatchDomainUndefine", Ct);
        Assert.False(undefining.IsCompleted);
        hosts.Alpha.Clock.Advance(TimeSpan.FromSeconds(30)); // as long as anybody waits for his turn
        var refused = await Assert.ThrowsAsync<WherryException>(() => undefining.Within());
        Assert.Equal(ErrorCode.OperationTimeout, refused.Code);
        Assert.Contains("cannot acquire state change lock (held by monitor=remoteDispatchDomainMigratePerform3Params)", refused.Message, StringComparison.Ordinal);
        Assert.True(hosts.Guest.Snapshot.IsPersistent);

        await hosts.Alpha.Migrations.AdmitAsync(hosts.Guest, MigrationUserCall.AbortJob, Ct).Within();
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        await hosts.Alpha.Driver.UndefineAsync(hosts.Guest, NvramFate.Refuse, "remoteDispatchDomainUndefine", Ct).Within();
        Assert.False(hosts.Guest.Snapshot.IsPersistent);
    }
}
