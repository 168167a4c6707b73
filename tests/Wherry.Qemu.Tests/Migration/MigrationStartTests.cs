using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>What a user asks while the destination has not answered the first call yet. The clocks stand still here.</summary>
public sealed class MigrationStartTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private readonly TaskCompletionSource _way = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    [Fault(60)]
    public async Task A_migration_whose_destination_does_not_answer_can_be_given_up_at_once()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var migration = await DiallingAsync(hosts, MigrationFlags.None);
        await hosts.Guest.Jobs.AbortAsync!(false, Ct).Within();
        Assert.Equal(ErrorCode.OperationAborted, (await Assert.ThrowsAsync<WherryException>(() => migration.Within())).Code);
        Assert.Null(hosts.Guest.Jobs.Current.Async);
        Assert.True(hosts.Source.Running, hosts.Story());
    }

    [Fact]
    public async Task Post_copy_that_is_asked_for_before_the_destination_answers_is_remembered()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct);
        var migration = await DiallingAsync(hosts, MigrationFlags.PostCopy);
        var asked = hosts.Alpha.Migrations.StartPostCopyAsync(hosts.Guest, Ct);
        Assert.False(asked.IsCompleted);
        hosts.Source.HoldAt = MigrationStatus.Active;
        _way.SetResult();
        await asked.Within();
        await hosts.Source.ReceivedAsync("migrate-start-postcopy", Ct).Within();
        hosts.Source.GoOn();
        await migration.Within();
    }

    private async Task<Task> DiallingAsync(TwoHosts hosts, MigrationFlags more)
    {
        hosts.Alpha.PeerReachable = _way.Task;
        var migration = hosts.MigrateAsync(Ct, more: more);
        await hosts.Alpha.Dialled.Within();
        return migration;
    }
}
