using System.Text.Json.Nodes;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Crashes;

/// <summary>The journal decides who may run the guest. What happens when it cannot be written, and when what was written cannot be read.</summary>
public sealed class JournalTests(ITestOutputHelper output)
{
    /// <summary>enospc: the record of before stands. error: either may.</summary>
    [Theory(Explicit = true)]
    [Fault(30)]
    [InlineData(false, "dst.prepared.written:enospc", "src.begun:enospc", "src.ownsend.written:enospc", "src.handed.written:enospc",
        "src.handed.written:error", "dst.intent.written:enospc", "dst.intent.written:error")]
    [InlineData(true, "dst.ran.written:enospc", "dst.ran.written:error", "src.released.written:enospc", "src.released.written:error", "src.closed.written:enospc")]
    public async Task A_record_that_cannot_be_written_stops_the_migration_before_the_point_of_no_return_and_delays_it_after(
        bool arrives, params string[] faults)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var (home, away) = (pair.Alpha, pair.Bravo);
        foreach (var fault in faults)
        {
            await Aftermath.ArmAsync(fault.StartsWith("src.", StringComparison.Ordinal) ? home : away, fault);
            var moved = await passage.MoveAsync(home, away, ["--p2p"]);
            output.WriteLine($"{fault}: {moved}");
            if (arrives)
            {
                Assert.True(moved.Succeeded, $"{fault}: {moved}\n{Aftermath.Logs(home, away)}");
                (home, away) = (away, home);
            }
            else
            {
                Aftermath.Refused(moved, pair, fault.EndsWith("enospc", StringComparison.Ordinal) ? "No space left on device" : "Input/output error");
            }

            await Aftermath.RunsAsync(passage, pair, home, fault);
        }

        await Aftermath.AgainAsync(passage, pair, home);
    }

    /// <summary>The destination has said on disk that the guest runs there, and the disk has lost it: the source must not hear "unknown".</summary>
    [Theory(Explicit = true)]
    [Fault(31)]
    [InlineData(100)]
    [InlineData(0)]
    public async Task A_source_that_asks_for_a_record_which_was_destroyed_is_not_told_to_run_the_guest_again(int bytesLeft)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        var name = passage.Domain.Name;
        await Aftermath.ArmAsync(pair.Bravo, "dst.ran.written:crash");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await pair.Bravo.Exited().WaitAsync(Passage.Limit);
        var record = Record(pair.Bravo);
        await File.WriteAllBytesAsync(record, (await File.ReadAllBytesAsync(record))[..bytesLeft]);
        await pair.Bravo.StartAsync();
        await pair.Bravo.StopAsync();
        await pair.Bravo.StartAsync(); // it still knows after another restart

        await Aftermath.UntilAsync(
            "the source has asked", () => Count(pair.Alpha, "Resolve") > 0 || pair.Alpha.LogTail(200).Contains("Handed", StringComparison.Ordinal), logs: pair.Alpha);
        var resumed = await pair.Alpha.Virsh.RunAsync("resume", name);
        Aftermath.Refused(resumed, pair, "handed over");
        Assert.Equal("paused", await passage.StateAsync(pair.Alpha));
        Assert.Equal("running", await passage.StateAsync(pair.Bravo));
        await passage.Timeline.WaitForBeatAsync(Aftermath.Soon);
        Assert.Empty(passage.Timeline.Violations);

        // A person has seen that it runs here.
        File.Delete(Directory.GetFiles(Path.GetDirectoryName(record)!, "*.corrupt-*").Single());
        await moving;

        // With the record went what would have told how to tidy up after it.
        await Aftermath.RunsWithTracesAsync(passage, pair, pair.Bravo);
    }

    [Theory(Explicit = true)]
    [Fault(31)]
    [InlineData(100)]
    [InlineData(0)]
    public async Task A_guest_whose_record_was_destroyed_at_its_source_is_started_by_nobody_and_the_others_live_on(int bytesLeft)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        await using var bystander = await Passage.BoardAsync(pair, new PassageOptions { Name = "bystander" });
        var name = passage.Domain.Name;
        await Aftermath.ArmAsync(pair.Alpha, "src.handed.written:crash");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await pair.Alpha.Exited().WaitAsync(Passage.Limit);
        await moving;
        var record = Record(pair.Alpha);
        await File.WriteAllBytesAsync(record, (await File.ReadAllBytesAsync(record))[..bytesLeft]);
        await pair.Alpha.StartAsync();

        Assert.Equal("paused", await passage.StateAsync(pair.Alpha));
        foreach (var verb in new[] { "resume", "managedsave" })
            Aftermath.Refused(await pair.Alpha.Virsh.RunAsync(verb, name), pair, verb == "resume" ? "damaged" : "");
        Aftermath.Refused(await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]), pair, "damaged");
        await Aftermath.RunsWithTracesAsync(bystander, pair, pair.Alpha);

        // The destination gives up by itself in the end; here a person makes sure that it does not run there, and says so.
        await pair.Bravo.Virsh.AskAsync("destroy", name);
        await Aftermath.GoneAsync(pair.Bravo, passage);
        File.Delete(Directory.GetFiles(Path.GetDirectoryName(record)!, "*.corrupt-*").Single());
        await pair.Alpha.Virsh.AskAsync("resume", name);
        await Aftermath.RunsWithTracesAsync(passage, pair, pair.Alpha);
    }

    /// <summary>Back to an older daemon in the middle of a hand-over: its record is none of ours to guess at, or to throw away.</summary>
    [Fact(Explicit = true)]
    [Fault(29)]
    public async Task A_record_of_a_later_version_is_left_for_it_and_said()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        await Aftermath.ArmAsync(pair.Alpha, "src.commit.sent:crash");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await pair.Alpha.Exited().WaitAsync(Passage.Limit);
        await moving;

        var file = Record(pair.Alpha);
        var ours = await File.ReadAllTextAsync(file);
        output.WriteLine(ours);
        var later = JsonNode.Parse(ours)!;
        later["schema"] = 2;
        later["source"] = "told in another way"; // what it means is not ours to know
        await File.WriteAllTextAsync(file, later.ToJsonString());
        await pair.Alpha.StartAsync();
        Aftermath.Refused(await pair.Alpha.Virsh.RunAsync("resume", passage.Domain.Name), pair, Path.GetFileName(file));
        Assert.Contains("schema 2 of a later version", pair.Alpha.LogTail(), StringComparison.Ordinal);
        Assert.Equal(later.ToJsonString(), await File.ReadAllTextAsync(file));

        // The daemon that wrote it is back, and goes on.
        await pair.Alpha.StopAsync();
        await File.WriteAllTextAsync(file, ours);
        await pair.Alpha.StartAsync();
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
    }

    private static string Record(DaemonRunner daemon) =>
        Directory.GetFiles(Path.Combine(((Wherryd)daemon).StateDirectory, "handover"), "*.json").Single();

    private static int Count(DaemonRunner daemon, string text) => daemon.LogTail(200).Split(text).Length - 1;
}
