using System.Text.Json.Nodes;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Crashes;

/// <summary>Who drove the migration, or owned the process, does not come back.</summary>
public sealed class AbandonedTests(ITestOutputHelper output)
{
    // T_ctl is a minute.
    private static readonly TimeSpan GivenUpWithin = TimeSpan.FromSeconds(75);

    [Fact(Explicit = true)]
    [Fault(28)]
    public async Task A_destination_whose_source_daemon_does_not_come_back_gives_up_by_itself_and_the_guest_runs_on()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        await Aftermath.ArmAsync(pair.Alpha, "src.migrate.sent:crash");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--bandwidth", "8"]);
        await pair.Alpha.Exited().WaitAsync(Passage.Limit);
        await moving;
        await Aftermath.UntilAsync(
            "the destination gives up", async () => await passage.StateAsync(pair.Bravo) is null, GivenUpWithin, pair.Bravo);
        await pair.Alpha.StartAsync();
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>libvirt records there that it has been told of a cancel, and resumes after the restart, with the destination perhaps running.</summary>
    [Theory(Explicit = true)]
    [Fault(34)]
    [InlineData("dst.commit.received")]
    [InlineData("dst.intent.written")]
    [InlineData("dst.run.replied")]
    public async Task A_source_daemon_that_dies_just_after_its_client_does_not_resume_before_it_has_asked(string at)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        await Aftermath.ArmAsync(pair.Bravo, $"{at}:hang");
        await using var client = LongCommand.Start(pair.Alpha.Host, await passage.MoveCommandAsync(pair.Alpha, pair.Bravo, []));
        await Aftermath.HangsAsync(pair.Bravo);
        Aftermath.Signal(client.Pid, PosixSignal.Kill);
        await pair.Alpha.KillAsync();
        await pair.Alpha.StartAsync();

        var resumed = await pair.Alpha.Virsh.RunAsync("resume", passage.Domain.Name);
        Aftermath.Refused(resumed, pair, "handed over");
        Aftermath.GoOn(pair.Bravo);
        var home = await Aftermath.RunnerAsync(passage, pair.Alpha, pair.Bravo);
        output.WriteLine($"{at}: the guest runs on {home.Host.Name}");
        await Aftermath.RunsAsync(passage, pair, home);
    }

    /// <summary>While no daemon looked, QEMU ended and another process got its number.</summary>
    [Fact(Explicit = true)]
    [Fault(35)]
    public async Task A_stranger_with_the_number_of_a_dead_QEMU_is_neither_adopted_nor_killed()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        await Aftermath.ArmAsync(pair.Alpha, "src.migrate.sent:crash");
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        await pair.Alpha.Exited().WaitAsync(Passage.Limit);
        await moving;
        Aftermath.Signal(passage.Timeline.Pids[0], PosixSignal.Kill);
        await Aftermath.DeadAsync(passage.Timeline.Pids[0]);

        await using var stranger = LongCommand.Start(pair.Alpha.Host, "sh", "-c", "echo $$; exec sleep 600");
        Assert.True(await stranger.WaitAsync(lines => lines.Count > 0, Aftermath.Soon));
        var file = Directory.GetFiles(Path.Combine(((Wherryd)pair.Alpha).RuntimeDirectory, "qemu"), "*.json").Single();
        var status = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        status["pid"] = int.Parse(stranger.Lines[0], System.Globalization.CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(file, status.ToJsonString());

        await pair.Alpha.StartAsync();
        await Aftermath.GoneAsync(pair.Alpha, passage);
        await Aftermath.GoneAsync(pair.Bravo, passage);
        Assert.True(Aftermath.IsAlive(stranger.Pid), "the stranger was killed");
    }
}
