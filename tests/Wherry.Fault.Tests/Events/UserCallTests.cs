using Wherry.Testbed;
using Wherry.Testbed.Proxies;
using Wherry.Wire.Remote;

namespace Wherry.Fault.Tests.Events;

/// <summary>What users do to a guest that is being migrated: each phase answers at once, and one verdict counts.</summary>
public sealed class UserCallTests(UserCallTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<UserCallTests.Hosts>
{
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(5);

    /// <summary>Each moment is held open until the abort has been accepted.</summary>
    [Theory]
    [Fault(60)]
    [InlineData("Preparing")]
    [InlineData("Copying", Explicit = true)]
    [InlineData("ready to send", Explicit = true)]
    [InlineData("Sending")]
    [InlineData("Draining")]
    [InlineData("Switching")]
    public async Task A_migration_can_be_aborted_until_the_guest_is_handed_over(string moment)
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var replies = hosts.Monitor.Replies;
        string[] flags = [];
        var reached = Task.CompletedTask;
        Func<Task> release = () => Task.CompletedTask;
        switch (moment)
        {
            case "Preparing":
                var prepared = proxy.Hold(RpcFrame.Reply(RemoteProcedure.DomainMigratePrepare3Params));
                reached = prepared.Fired;
                release = () =>
                {
                    prepared.Release();
                    return Task.CompletedTask;
                };
                break;
            case "Sending":
                flags = ["--bandwidth", "1"];
                break;
            default:
                var command = moment switch
                {
                    "Copying" => "blockdev-mirror",
                    "ready to send" => "migrate",
                    "Draining" => "block-job-cancel",
                    _ => "migrate-continue",
                };
                var gate = replies.Hold(command);
                (reached, release) = (gate.Reached, gate.ReleaseAsync);
                break;
        }

        var moving = crossing.MoveAsync(proxy.Uri, flags);
        if (moment == "Sending")
            await crossing.SendingAsync();
        await crossing.ReachAsync(reached, moving);
        await crossing.From.Virsh.AskAsync("domjobabort", crossing.Name);
        var aborted = System.Diagnostics.Stopwatch.GetTimestamp();
        await release();
        var moved = await moving;
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(aborted);
        await crossing.StayedAsync(moved, "operation aborted");
        Assert.True(took < EndsWithin, $"{moment}: ended {took.TotalSeconds:0.0} s after the abort\n{crossing.Logs()}");
    }

    [Fact]
    [Fault(60)]
    public async Task Who_aborts_a_migration_whose_guest_is_handed_over_is_refused()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var finished = proxy.Hold(RpcFrame.FinishReply);
        var moving = crossing.MoveAsync(proxy.Uri);
        await crossing.ReachAsync(finished.Fired, moving);
        foreach (var verb in new[] { "domjobabort", "destroy", "resume", "suspend" })
        {
            var refused = await crossing.From.Virsh.RunAsync(verb, crossing.Name);
            Assert.False(refused.Succeeded, verb);
            output.WriteLine($"{verb}: {refused.Error.Trim()}");
        }

        finished.Release();
        await crossing.MovedAsync(await moving);
    }

    [Fact(Explicit = true)]
    [Fault(61)]
    public async Task Of_two_aborts_one_counts_and_an_abort_beside_the_end_hangs_nobody()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var moving = crossing.MoveAsync(flags: ["--bandwidth", "1"]);
        await crossing.SendingAsync();
        var both = await Task.WhenAll(
            crossing.From.Virsh.RunAsync("domjobabort", crossing.Name), crossing.From.Virsh.RunAsync("domjobabort", crossing.Name));
        Assert.Contains(both, abort => abort.Succeeded);
        Assert.All(both, abort => Assert.True(abort.Succeeded || abort.Error.Contains("no job is active", StringComparison.Ordinal), $"{abort}"));
        var stayed = await moving;
        Assert.Contains("operation aborted", stayed.Error, StringComparison.Ordinal);

        // As it completes: whoever is first wins, and the other is told.
        var last = hosts.Monitor.Replies.Hold("migrate-continue");
        moving = crossing.MoveAsync();
        await crossing.ReachAsync(last.Reached, moving);
        var aborting = crossing.From.Virsh.RunAsync("domjobabort", crossing.Name);
        await last.ReleaseAsync();
        var (abort, moved) = (await aborting, await moving);
        output.WriteLine($"abort {(abort.Succeeded ? "accepted" : abort.Error.Trim())}");
        if (moved.Succeeded)
            await crossing.MovedAsync(moved);
        else
            await crossing.StayedAsync(moved, "operation aborted");
    }

    [Fact(Explicit = true)]
    [Fault(62)]
    public async Task What_is_allowed_while_migrating_happens_at_once_and_the_rest_is_refused_at_once()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var (virsh, name) = (crossing.From.Virsh, crossing.Name);
        var moving = crossing.MoveAsync(flags: ["--bandwidth", "1"]);
        await crossing.SendingAsync();
        foreach (var allowed in (string[][])[["migrate-setmaxdowntime", name, "500"], ["migrate-setspeed", name, "2"], ["domjobinfo", name], ["domstats", name], ["suspend", name], ["resume", name]])
            Assert.True(await virsh.RunAsync(allowed) is { Succeeded: true } done && done.Elapsed < EndsWithin, $"{allowed[0]}\n{crossing.Logs()}");
        foreach (var refused in (string[][])
        [
            ["migrate", "--live", "--p2p", name, crossing.To.PeerUri],
            ["snapshot-create", name],
            ["setmem", name, "65536", "--live"],
            ["reboot", name],
            ["save", name, "/nonexistent/state"],
        ])
        {
            var result = await virsh.RunAsync(refused);
            output.WriteLine($"{refused[0]}: {result.Error.Trim()} ({result.Elapsed.TotalSeconds:0.0} s)");
            Assert.False(result.Succeeded, refused[0]);
            Assert.True(result.Elapsed < EndsWithin, $"{result}");
        }

        await virsh.AskAsync("migrate-setspeed", name, "1000");
        await crossing.MovedAsync(await moving);
    }

    /// <summary>The guest is ended on purpose: neither host keeps anything of it, and both say so.</summary>
    [Fact(Explicit = true)]
    [Fault(61, 62)]
    public async Task Who_destroys_a_guest_while_it_migrates_ends_both_halves()
    {
        await using var crossing = await hosts.EnterTappedAsync(output);
        var moving = crossing.MoveAsync(flags: ["--bandwidth", "1"]);
        await crossing.SendingAsync();
        var (abort, destroy) = (crossing.From.Virsh.RunAsync("domjobabort", crossing.Name), crossing.From.Virsh.RunAsync("destroy", crossing.Name));
        Assert.True((await destroy).Succeeded, $"{await destroy}\n{crossing.Logs()}");
        output.WriteLine($"abort beside it: {(await abort).Error.Trim()}");
        Assert.False((await moving).Succeeded);
        await crossing.UntilAsync("both halves are gone", async () =>
            await crossing.Passage.StateAsync(crossing.From) is null && await crossing.Passage.StateAsync(crossing.To) is null);
        await crossing.UntilAsync("both QEMUs have ended", () => crossing.Passage.Timeline.Pids.All(pid => !File.Exists($"/proc/{pid}/exe")));
        Assert.Empty(crossing.Passage.Timeline.Violations);
    }

    public sealed class Hosts() : TappedCrossings(PassageOptions.TwoWrittenDisks with { Bystander = true });
}
