using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Testing;
using MigrationParameters = Wherry.Qemu.Migration.MigrationParameters;
using QmpParameters = Wherry.Qmp.Commands.MigrationParameters;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>QEMU keeps its migration parameters; an attempt that fails gives it back those that it found.</summary>
public sealed class SavedParametersTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private static readonly QmpParameters Before = new() { MaxBandwidth = 7_000_000, CpuThrottleInitial = 33, CpuThrottleIncrement = 4 };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_migration_that_is_cancelled_leaves_the_parameters_as_they_were()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var migration = await SendingAsync(hosts);
        await hosts.Alpha.Migrations.AdmitAsync(hosts.Guest, MigrationUserCall.AbortJob, Ct).Within();
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        await AssertAsBeforeAsync(hosts);
    }

    [Fact]
    public async Task A_daemon_that_restarts_in_the_middle_knows_the_parameters_from_its_record()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var migration = await SendingAsync(hosts);
        await hosts.Alpha.RestartAsync(Ct).Within();
        await Assert.ThrowsAsync<WherryException>(() => migration.Within());
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
        await AssertAsBeforeAsync(hosts);
        Assert.True(hosts.Source.Running);
    }

    /// <summary>A migration with limits of its own that has come to the memory.</summary>
    private static async Task<Task> SendingAsync(TwoHosts hosts)
    {
        var monitor = Monitor(hosts);
        await monitor.ExecuteAsync(new MigrateSetParameters(Before), Ct);
        hosts.Source.HoldAt = MigrationStatus.Active;
        var migration = hosts.MigrateAsync(
            Ct,
            MigrationParameters.Default with { BandwidthMiBps = 5, AutoConvergeInitial = 50, AutoConvergeIncrement = 20 },
            MigrationFlags.AutoConverge);
        await hosts.Source.ReceivedAsync("migrate", Ct).Within();
        var now = await monitor.ExecuteAsync(new QueryMigrateParameters(), Ct);
        Assert.Equal((5 << 20, 50, 20), (now.MaxBandwidth, now.CpuThrottleInitial, now.CpuThrottleIncrement));
        return migration;
    }

    private static async Task AssertAsBeforeAsync(TwoHosts hosts)
    {
        var after = await Monitor(hosts).ExecuteAsync(new QueryMigrateParameters(), Ct);
        Assert.Equal(
            (Before.MaxBandwidth, Before.CpuThrottleInitial, Before.CpuThrottleIncrement),
            (after.MaxBandwidth, after.CpuThrottleInitial, after.CpuThrottleIncrement));
    }

    private static MonitorSession Monitor(TwoHosts hosts) => hosts.Guest.Qemu!.Monitor; // ! : it runs at alpha all the time
}
