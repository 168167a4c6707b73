using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests;

/// <summary>A guest that is faster than the link to its destination: it arrives all the same, or stays and says why, and never stands for long.</summary>
public sealed class ConvergenceTests(ITestOutputHelper output)
{
    /// <summary>The downtime limit is 300 ms. Loading and starting are on top of it, and this machine has other things to do.</summary>
    private static readonly TimeSpan LongestStandstill = TimeSpan.FromMilliseconds(300 + 1000);

    private static readonly TimeSpan AbortedWithin = TimeSpan.FromSeconds(5);

    // Dirties memory faster than the limit lets it go.
    private static readonly PassageOptions Restless = new() { Load = new GuestLoad(DirtyMiBps: 60, TouchMiB: 64) };

    /// <summary>Stock's result is only told: it lets the guest write on, and copies what is left while the guest stands. Nor how much longer the guest stands
    /// for the first migration of a daemon, which compiles its code while the guest waits.</summary>
    [Theory(Explicit = true)]
    [Fault(66)]
    [Trait("req", "S3.17")]
    [InlineData("wherryd", true)]
    [InlineData("wherryd", false)]
    [InlineData("stock libvirtd", true)]
    public async Task Two_disks_that_are_written_faster_than_the_link_carries_arrive_without_a_standstill(string daemons, bool first)
    {
        var stock = daemons != "wherryd";
        await using var pair = stock ? await RealHosts.TwoStockAsync() : await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions { Disks = 2, DiskMiB = 24, Load = new GuestLoad(WriteKiBps: 65536) });
        if (!first)
            await Aftermath.AgainAsync(passage, pair, pair.Alpha);

        var earlier = passage.Timeline.HandOvers.Length;
        foreach (var host in new[] { pair.Alpha.Host, pair.Bravo.Host })
            await host.RunAsync("tc", "qdisc", "add", "dev", "dat", "root", "tbf", "rate", "160mbit", "burst", "64kb", "latency", "50ms").Checked();

        var began = Stopwatch.GetTimestamp();
        CommandResult moved;
        try
        {
            moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}"]);
        }
        catch (TimeoutException) when (stock)
        {
            output.WriteLine($"{daemons}: no end within {Passage.Limit.TotalSeconds} s, the guest stood for {passage.Timeline.LongestSilence(began).TotalMilliseconds:0} ms at most and is {await passage.StateAsync(pair.Alpha)} at the source");
            return;
        }

        Assert.True(stock || moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        if (moved.Succeeded)
            await passage.Timeline.WaitAsync("the guest at the destination", t => t.HandOvers.Length > earlier, Passage.Limit);
        var gap = moved.Succeeded ? passage.Timeline.HandOvers[earlier].Silence : passage.Timeline.LongestSilence(began);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{daemons}, {(first ? "their first migration" : "not their first migration")}: {(moved.Succeeded ? "moved" : "not moved")} in {moved.Elapsed.TotalSeconds:0.0} s, the guest stood for {gap.TotalMilliseconds:0} ms {moved.Error.Trim()}"));
        if (stock)
            return;
        var problems = await passage.JudgeAsync(pair.Bravo);
        Assert.True(problems.Count == 0, string.Join("; ", problems));
        Assert.True(gap < LongestStandstill, $"the guest stood for {gap.TotalMilliseconds:0} ms\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
    }

    [Fact(Explicit = true)]
    [Fault(83)]
    public async Task Memory_that_never_converges_is_named_while_it_lasts_and_when_it_is_given_up_and_arrives_once_the_limit_is_raised()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var (alpha, name) = (pair.Alpha, passage.Domain.Name);
        await using var events = LongCommand.Start(alpha.Host, "virsh", "-c", alpha.PeerUri, "event", "--event", "migration-iteration", "--loop");
        var moving = passage.MoveAsync(alpha, pair.Bravo, ["--p2p", "--bandwidth", "16"]);
        await UntilAsync(alpha, "memory does not converge: dirtied at ", "dominfo", name);

        var job = await alpha.Virsh.AskAsync("domjobinfo", name);
        output.WriteLine(job);
        Assert.Matches(@"Iteration: +([3-9]|\d\d)", job);
        Assert.Matches(@"Dirty rate: +[1-9]\d* ", job);
        Assert.Matches(@"Expected downtime: +\d{4,} +ms", job); // 64 MiB at 16 MiB/s
        Assert.Contains("memory does not converge", await ConcernAsync(alpha, name), StringComparison.Ordinal);
        Assert.Contains("memory does not converge", alpha.LogTail(100), StringComparison.Ordinal);
        Assert.True(await events.WaitAsync(lines => lines.Any(line => line.Contains("iteration: '3'", StringComparison.Ordinal)), TimeSpan.FromSeconds(10)), string.Join('\n', events.Lines));

        await alpha.Virsh.AskAsync("domjobabort", name);
        var given = await moving.WaitAsync(AbortedWithin);
        Assert.Contains("canceled by client; memory does not converge: dirtied at ", given.Error, StringComparison.Ordinal);
        Assert.Empty(await passage.JudgeAsync(alpha));
        Assert.DoesNotContain("converge", await alpha.Virsh.AskAsync("dominfo", name), StringComparison.Ordinal);

        // And the way out that needs nobody to stop the guest for longer than he says.
        moving = passage.MoveAsync(alpha, pair.Bravo, ["--p2p", "--bandwidth", "16"]);
        await UntilAsync(alpha, "memory does not converge", "dominfo", name);
        await alpha.Virsh.AskAsync("migrate-setmaxdowntime", name, "20000");
        var moved = await moving;
        Assert.True(moved.Succeeded, $"{moved}\n{alpha.LogTail()}");
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    [Fact(Explicit = true)]
    public async Task A_limit_that_is_raised_while_disks_are_copied_reaches_them_and_the_memory_after_them()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { Load = new GuestLoad(WriteKiBps: 256) });
        var began = Stopwatch.GetTimestamp();
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--bandwidth", "1"]);
        await UntilAsync(pair.Alpha, "File processed", "domjobinfo", passage.Domain.Name);
        await pair.Alpha.Virsh.AskAsync("migrate-setspeed", passage.Domain.Name, "400");
        var moved = await moving;
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}");
        output.WriteLine($"{Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s instead of 64 for the disks and 90 for the memory");
        Assert.True(moved.Elapsed < TimeSpan.FromSeconds(40), $"the disks were copied as slowly as before: {moved.Elapsed}");
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    /// <summary>Handed over and in post-copy it is refused: <see cref="OperatorTests"/> and <see cref="Memory.PostCopyTests"/>.</summary>
    [Fact(Explicit = true)]
    [Fault(60)]
    public async Task A_migration_is_given_up_in_every_phase_and_the_guest_runs_on()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { Load = new GuestLoad(WriteKiBps: 256, DirtyMiBps: 40) });
        var name = passage.Domain.Name;

        // Its packets vanish, so it connects for as long as it is willing to.
        await pair.Alpha.Host.CutAsync(["oifname ctl drop"]);
        await AbortsAsync("while it connects", "10", () => Task.CompletedTask);
        await pair.Alpha.Host.MendAsync();

        await AbortsAsync("while disks are copied", "1", () => UntilAsync(pair.Alpha, "File processed", "domjobinfo", name));
        await AbortsAsync("while memory is sent", "24", () => UntilAsync(pair.Alpha, "Dirty rate", "domjobinfo", name));

        // Nothing is acknowledged any more, and a write of the guest may be among it.
        await AbortsAsync("while memory is sent to a QEMU that hangs", "24", async () =>
        {
            await UntilAsync(pair.Alpha, "Dirty rate", "domjobinfo", name);
            await Command.RunAsync(["kill", "-STOP", string.Create(CultureInfo.InvariantCulture, $"{passage.Timeline.Pids[^1]}")]).Checked();
        });

        async Task AbortsAsync(string phase, string bandwidth, Func<Task> reached)
        {
            var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--bandwidth", bandwidth]);
            await reached();
            var asked = Stopwatch.GetTimestamp();
            while (!(await pair.Alpha.Virsh.RunAsync("domjobabort", name)).Succeeded)
                Assert.True(Stopwatch.GetElapsedTime(asked) < AbortedWithin, $"{phase}: there is nothing to abort\n{pair.Alpha.LogTail()}");
            var given = await moving;
            var took = Stopwatch.GetElapsedTime(asked);
            output.WriteLine($"{phase}: {took.TotalSeconds:0.0} s, {given.Error.Trim()}");
            Assert.Contains("canceled by client", given.Error, StringComparison.Ordinal);
            Assert.True(took < AbortedWithin, $"{phase}: {took.TotalSeconds:0.0} s\n{pair.Alpha.LogTail()}");
            await passage.Timeline.WaitForBeatAsync(Passage.Limit);
            Assert.Empty(passage.Timeline.Violations);
            Assert.Equal("running", await passage.StateAsync(pair.Alpha));
        }
    }

    private static Task UntilAsync(DaemonRunner daemon, string text, params string[] question) => Aftermath.UntilAsync(
        $"'{text}' comes", async () => (await daemon.Virsh.RunAsync(question)).Output.Contains(text, StringComparison.Ordinal), Passage.Limit, daemon);

    private static async Task<string> ConcernAsync(DaemonRunner daemon, string domain) => (await Command.RunAsync(
        ["/usr/bin/python3", "-c", "import libvirt, sys\nprint(libvirt.open(sys.argv[1]).lookupByName(sys.argv[2]).jobStats()['wherry.concern'])", daemon.Uri, domain]).Checked()).Output;
}
