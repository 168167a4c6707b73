using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;
using Wherry.Testing.Tls;

namespace Wherry.Fault.Tests.Memory;

/// <summary>Post-copy: the guest runs at the destination while part of its memory is still at the source, whatever happens to the link.</summary>
public sealed class PostCopyTests(ITestOutputHelper output)
{
    // Dirties memory faster than the link carries it, so that pre-copy never ends.
    private static readonly PassageOptions Restless = new() { Load = new GuestLoad(DirtyMiBps: 60, TouchMiB: 64) };
    // virsh asks for post-copy once: on a busy machine the migration must have begun by then.
    private static readonly string[] AfterThreeSeconds = ["--postcopy", "--bandwidth", "16", "--timeout", "3", "--timeout-postcopy"];

    // What is left for post-copy takes some seconds, in which things can be done to it. The test says when it begins.
    private static readonly string[] Slowly = ["--postcopy", "--bandwidth", "16", "--postcopy-bandwidth", "10"];

    [Theory]
    [Fault(83)]
    [InlineData("managed", Explicit = true)]
    [InlineData("peer-to-peer", "--p2p")]
    public async Task A_guest_that_never_converges_goes_there_and_back(string how, params string[] flags)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        await using var events = LongCommand.Start(pair.Bravo.Host, "virsh", "-c", pair.Bravo.PeerUri, "event", "--all", "--loop");
        var (here, there) = (pair.Alpha, pair.Bravo);
        for (var leg = 0; leg < 2; leg++)
        {
            var moved = await passage.MoveAsync(here, there, [.. AfterThreeSeconds, .. flags]);
            Assert.True(moved.Succeeded, $"{moved}\n{here.LogTail()}\n{there.LogTail()}");
            var problems = await passage.JudgeAsync(there);
            Assert.True(problems.Count == 0, $"{string.Join("; ", problems)}\n{here.LogTail()}\n{there.LogTail()}");
            Assert.Contains("running (migrated)", await there.Virsh.AskAsync("domstate", "--reason", passage.Domain.Name), StringComparison.Ordinal);
            output.WriteLine($"{how}, leg {leg + 1}: {moved.Elapsed.TotalSeconds:0.0} s, silent for {passage.Timeline.HandOvers[leg].Silence.TotalMilliseconds:0} ms");
            (here, there) = (there, here);
        }

        Assert.Equal(["Resumed Post-copy", "Resumed Migrated"], events.Lines
            .Where(line => line.Contains("'lifecycle'", StringComparison.Ordinal) && line.Contains("Resumed", StringComparison.Ordinal))
            .Take(2)
            .Select(line => line[(line.LastIndexOf(':') + 2)..].Trim()));
    }

    [Theory(Explicit = true)]
    [Fault(91)]
    [InlineData("managed")]
    [InlineData("peer-to-peer", "--p2p")]
    public async Task Who_breaks_post_copy_finds_the_guest_running_and_can_take_it_up_again(string how, params string[] flags)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var name = passage.Domain.Name;
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, [.. Slowly, .. flags]);
        await InPostCopyAsync(pair, passage);

        Assert.Contains("cannot abort migration in post-copy mode", (await pair.Alpha.Virsh.RunAsync("domjobabort", name)).Error, StringComparison.Ordinal);
        Assert.Contains("needs the memory that is still here", (await pair.Alpha.Virsh.RunAsync("destroy", name)).Error, StringComparison.Ordinal);
        await pair.Alpha.Virsh.AskAsync("domjobabort", "--postcopy", name);
        await Aftermath.ReachesAsync(pair.Alpha, name, "paused (post-copy failed)");
        await Aftermath.ReachesAsync(pair.Bravo, name, "running (post-copy failed)");

        var resumed = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--postcopy", "--postcopy-resume", .. flags]);
        Assert.True(resumed.Succeeded, $"{resumed}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.True((await moving).Succeeded);
        var problems = await passage.JudgeAsync(pair.Bravo);
        Assert.True(problems.Count == 0, $"{string.Join("; ", problems)}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        output.WriteLine($"{how}: resumed in {resumed.Elapsed.TotalSeconds:0.0} s");
    }

    [Theory]
    [Fault(90)]
    [InlineData("in the clear")]
    [InlineData("encrypted", "--tls")]
    public async Task A_link_that_breaks_in_post_copy_is_replaced_without_anybody_asking(string how, params string[] flags)
    {
        await using var pair = await WithCertificatesAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var name = passage.Domain.Name;
        var moving = passage.MoveAsync(
            pair.Alpha, pair.Bravo, [.. Slowly, "--p2p", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}", .. flags]);
        await InPostCopyAsync(pair, passage);

        await Tampering.CutAsync(pair.Alpha.Host, "oifname dat meta l4proto tcp reject with tcp reset");
        await Aftermath.ReachesAsync(pair.Alpha, name, "paused (post-copy failed)");
        await Tampering.HealAsync(pair.Alpha);

        var moved = await EndAsync(pair, moving);
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
        output.WriteLine($"{how}: longest silence {passage.Timeline.LongestSilence().TotalSeconds:0.0} s");
    }

    /// <summary>Nobody is told of such a cut: what was sent is lost, and every new connection goes unanswered.</summary>
    [Fact(Explicit = true)]
    [Fault(90)]
    public async Task A_link_that_is_dead_for_twenty_seconds_in_post_copy_is_replaced_without_anybody_asking()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var moving = passage.MoveAsync(
            pair.Alpha, pair.Bravo, [.. Slowly, "--p2p", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}"]);
        await InPostCopyAsync(pair, passage);

        await Tampering.CutAsync(pair.Alpha.Host, "oifname dat meta l4proto tcp drop");
        await Task.Delay(TimeSpan.FromSeconds(20), TimeProvider.System, TestContext.Current.CancellationToken); // the fault itself, not a wait for something
        await Tampering.HealAsync(pair.Alpha);

        var moved = await EndAsync(pair, moving);
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
        output.WriteLine($"longest silence {passage.Timeline.LongestSilence().TotalSeconds:0.0} s");
    }

    [Theory(Explicit = true)]
    [Fault(93)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_daemon_that_is_killed_in_post_copy_goes_on_with_it(bool atDestination)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, [.. Slowly, "--p2p"]);
        await InPostCopyAsync(pair, passage);

        var victim = atDestination ? pair.Bravo : pair.Alpha;
        await victim.KillAsync();
        await victim.StartAsync();
        Assert.Equal(atDestination, (await moving).Succeeded); // a client whose daemon dies cannot be told
        await Aftermath.ReachesAsync(pair.Bravo, passage.Domain.Name, "running (migrated)");
        await Aftermath.GoneAsync(pair.Alpha, passage);
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    /// <summary>What the caller has said of the network is on record: memory goes nowhere else after a restart, here because it cannot.</summary>
    [Fact(Explicit = true)]
    [Fault(93)]
    public async Task A_post_copy_whose_source_daemon_was_killed_is_taken_up_again_over_the_network_it_began_on()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        await pair.Bravo.Host.CutAsync([], "iifname ctl tcp dport 49152-49215 drop");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, [.. Slowly, "--p2p", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}"]);
        await InPostCopyAsync(pair, passage);
        await pair.Alpha.KillAsync();
        await Tampering.CutAsync(pair.Alpha.Host, "oifname dat meta l4proto tcp reject with tcp reset");
        await pair.Alpha.StartAsync();
        await Aftermath.ReachesAsync(pair.Alpha, passage.Domain.Name, "paused (post-copy failed)");
        await Tampering.HealAsync(pair.Alpha);

        await moving;
        await Aftermath.ReachesAsync(pair.Bravo, passage.Domain.Name, "running (migrated)");
        await Aftermath.GoneAsync(pair.Alpha, passage);
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    [Fact(Explicit = true)]
    [Fault(92)]
    public async Task A_guest_whose_QEMU_dies_in_post_copy_is_lost_and_what_is_left_of_it_is_kept()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var name = passage.Domain.Name;
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, [.. Slowly, "--p2p"]);
        await InPostCopyAsync(pair, passage);

        await Command.RunAsync(["kill", "-KILL", $"{passage.Timeline.Pids[1]}"]).Checked();
        var lost = await moving;
        output.WriteLine(lost.ToString());
        Assert.False(lost.Succeeded);
        Assert.Contains("has died", lost.Error, StringComparison.Ordinal);
        Assert.Contains("paused (post-copy failed)", await pair.Alpha.Virsh.AskAsync("domstate", "--reason", name), StringComparison.Ordinal);
        Assert.Contains("was lost in post-copy", (await pair.Alpha.Virsh.RunAsync("resume", name)).Error, StringComparison.Ordinal);
        Assert.True(File.Exists($"/proc/{passage.Timeline.Pids[0]}/exe"), "the source's memory is gone");

        await pair.Alpha.Virsh.AskAsync("destroy", name);
        await Aftermath.GoneAsync(pair.Alpha, passage);
    }

    /// <summary>Each for the address that its memory comes by.</summary>
    private static Task<HostPair> WithCertificatesAsync()
    {
        var authority = new TestAuthority("Migration CA");
        return RealHosts.PairAsync((host, port) => new Wherryd(host, port)
        {
            MoreQemuConfiguration = authority.InstallForMigration(host.Directory, host.Name, host.DataAddress),
        });
    }

    /// <summary>The end of a move, or what both daemons said until it was waited for in vain.</summary>
    private static async Task<CommandResult> EndAsync(HostPair pair, Task<CommandResult> moving)
    {
        try
        {
            return await moving;
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}", e);
        }
    }

    /// <summary>Asks for post-copy as soon as there is a migration; returns when the guest speaks from its second QEMU.</summary>
    private static async Task InPostCopyAsync(HostPair pair, Passage passage)
    {
        await Aftermath.UntilAsync(
            "post-copy is admitted", async () => (await pair.Alpha.Virsh.RunAsync("migrate-postcopy", passage.Domain.Name)).Succeeded, Passage.Limit, pair.Alpha);
        try
        {
            await passage.Timeline.WaitAsync("the guest at the destination", t => t.Speaker == 1, Passage.Limit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}", e);
        }
    }
}
