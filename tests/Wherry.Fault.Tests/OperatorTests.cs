using System.Text.RegularExpressions;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests;

/// <summary>
/// A hand-over that its daemons cannot end: the source has let go of the guest, and the other side cannot be reached. An operator sees it with the
/// tools he has, nobody else can make a second guest of it, and he alone can say that the other host is dead.
/// </summary>
public sealed partial class OperatorTests(ITestOutputHelper output)
{
    private static readonly PassageOptions Passenger = new() { Disks = 1, SharedStorage = true, Load = new GuestLoad(WriteKiBps: 512) };

    /// <summary>The alarm comes after 30 s.</summary>
    [Fact(Explicit = true)]
    [Fault(113)]
    [Trait("req", "S1.12")]
    public async Task A_guest_in_doubt_is_seen_by_everybody_started_by_nobody_and_taken_back_by_who_fences_the_destination()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Passenger);
        var (alpha, name) = (pair.Alpha, passage.Domain.Name);
        await HandOverIntoTheVoidAsync(pair, passage);
        await using var events = LongCommand.Start(alpha.Host, "virsh", "-c", alpha.PeerUri, "event", "--event", "lifecycle", "--loop");

        var id = IdIn(await UntilAsync(alpha, text => text.Contains("no answer", StringComparison.Ordinal)));
        var command = $"wherryd handover force-source --id {id} --i-fenced bravo";
        var info = await alpha.Virsh.AskAsync("dominfo", name);
        foreach (var known in (string[])["migration in doubt", id, pair.Bravo.PeerUri, "paused, complete", "no answer", command])
            Assert.Contains(known, info, StringComparison.Ordinal);
        Assert.Contains("paused (migrating)", await alpha.Virsh.AskAsync("domstate", "--reason", name), StringComparison.Ordinal);

        // Nobody makes a second guest of it, and everybody is told the way out.
        var xml = await alpha.Virsh.AskAsync("dumpxml", name);
        await alpha.Virsh.RunWithXmlAsync("define", xml).Checked();
        await RefusedAsync(id, command, await alpha.Virsh.RunAsync("resume", name));
        await RefusedAsync(id, command, await StartAsync(alpha, name));
        await RefusedAsync(id, command, await alpha.Virsh.RunAsync("destroy", name));
        await RefusedAsync(id, command, await alpha.Virsh.RunAsync("suspend", name));
        await RefusedAsync(id, command, await alpha.Virsh.RunAsync("domjobabort", name));
        await RefusedAsync(id, command, await alpha.Virsh.RunWithXmlAsync("create", xml));
        await RefusedAsync(id, command, await passage.MoveAsync(alpha, pair.Bravo, ["--p2p"]));

        // Long enough to be somebody's business.
        Assert.True(
            await events.WaitAsync(lines => lines.Any(line => line.Contains("Suspended API error", StringComparison.Ordinal)), TimeSpan.FromSeconds(40)),
            string.Join('\n', events.Lines));
        var job = await alpha.Virsh.AskAsync("domjobinfo", name);
        output.WriteLine(job);
        Assert.Contains("Unbounded", job, StringComparison.Ordinal);
        Assert.Contains(command, job, StringComparison.Ordinal);
        Assert.Contains($"migration {id} is in doubt", alpha.LogTail(200), StringComparison.Ordinal);
        Assert.Equal(("handed", "bravo", command), await HandOverParametersAsync(alpha, name));

        // Not fenced, another host, a host that answers, and at last one that is dead.
        Assert.Contains("--i-fenced", (await HandoverAsync(alpha, "force-source", "--id", id)).Error, StringComparison.Ordinal);
        Assert.Contains("not the other side", (await HandoverAsync(alpha, "force-source", "--id", id, "--i-fenced", "charlie")).Error, StringComparison.Ordinal);
        Assert.Contains("not the destination of any", (await HandoverAsync(alpha, "force-destination", "--id", id, "--i-fenced", "bravo")).Error, StringComparison.Ordinal);
        Assert.Equal("paused", await passage.StateAsync(alpha));

        await PowerOffAsync(pair.Bravo, passage.Timeline.Pids[1]);
        var forced = await HandoverAsync(alpha, "force-source", "--id", id, "--i-fenced", "BRAVO").Checked();
        output.WriteLine(forced.Output);
        Assert.Contains("is back on this host", forced.Output, StringComparison.Ordinal);
        await passage.Timeline.WaitForBeatAsync(Passage.Limit);
        Assert.Empty(passage.Timeline.Violations);
        Assert.Equal("running", await passage.StateAsync(alpha));
        Assert.Matches("\"fencing\": \\{\\s*\"host\": \"BRAVO\",\\s*\"by\": \"root\",\\s*\"at\": ", await RecordAsync(alpha, id));
        await UntilAsync(alpha, text => text.Trim().Length == 0); // its farewell goes to a host that is off
    }

    /// <summary>Who finds a guest that is paused for no reason he knows may well restart the daemon first.</summary>
    [Theory(Explicit = true)]
    [Fault(113)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_whose_source_host_died_after_the_last_byte_is_started_by_who_fences_that_host(bool restarted)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Passenger);
        var (alpha, bravo, name) = (pair.Alpha, pair.Bravo, passage.Domain.Name);
        await HandOverIntoTheVoidAsync(pair, passage, restart: false);
        var listed = await UntilAsync(bravo, text => text.Contains("destination, loaded", StringComparison.Ordinal));
        if (restarted)
        {
            await bravo.KillAsync();
            await bravo.StartAsync();
            listed = await UntilAsync(bravo, text => text.Contains("not heard of", StringComparison.Ordinal));
            Assert.Contains("destination, loaded", listed, StringComparison.Ordinal);
        }

        var id = IdIn(listed);
        output.WriteLine(listed);
        Assert.Contains($"wherryd handover force-destination --id {id} --i-fenced alpha", listed, StringComparison.Ordinal);
        Assert.Contains("being migrated to this host", (await bravo.Virsh.RunAsync("resume", name)).Error + (await bravo.Virsh.RunWithXmlAsync("create", passage.Domain.Xml)).Error, StringComparison.Ordinal);

        Assert.Contains("not the other side", (await HandoverAsync(bravo, "force-destination", "--id", id, "--i-fenced", "bravo")).Error, StringComparison.Ordinal);
        Assert.Contains("not the source of any", (await HandoverAsync(bravo, "force-source", "--id", id, "--i-fenced", "alpha")).Error, StringComparison.Ordinal);
        await Command.RunAsync(["kill", "-KILL", $"{passage.Timeline.Pids[0]}"]).Checked(); // with alpha's power
        var forced = await HandoverAsync(bravo, "force-destination", "--id", id, "--i-fenced", "alpha").Checked();
        Assert.Contains("runs on this host", forced.Output, StringComparison.Ordinal);
        await passage.Timeline.WaitAsync("the guest at the destination", t => t.Speaker == 1, Passage.Limit);
        Assert.Equal("running", await passage.StateAsync(bravo));
        Assert.Matches("\"fencing\": \\{\\s*\"host\": \"alpha\"", await RecordAsync(bravo, id));

        // The host is repaired. Its record makes it ask, and what it hears ends its half.
        await alpha.Host.MendAsync();
        await alpha.StartAsync();
        await UntilAsync(alpha, text => text.Trim().Length == 0);
        Assert.Empty(await passage.JudgeAsync(bravo));
        Assert.False(File.Exists(RecordPath(bravo, id)), "the destination still remembers a hand-over that its source has been told of");
    }

    [Fact]
    [Fault(113)]
    public async Task A_guest_that_has_not_arrived_whole_cannot_be_forced()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions { Load = new GuestLoad(DirtyMiBps: 60, TouchMiB: 64) });
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--bandwidth", "8"]);
        var id = IdIn(await UntilAsync(pair.Bravo, text => text.Contains("destination, receiving", StringComparison.Ordinal)));
        Assert.Contains("only a guest that has been loaded whole", (await HandoverAsync(pair.Bravo, "force-destination", "--id", id, "--i-fenced", "alpha")).Error, StringComparison.Ordinal);
        Assert.Contains("is not in doubt", (await HandoverAsync(pair.Alpha, "force-source", "--id", id, "--i-fenced", "bravo")).Error, StringComparison.Ordinal);
        await pair.Alpha.Virsh.AskAsync("domjobabort", passage.Domain.Name);
        Assert.False((await moving).Succeeded);
        Assert.Empty(await passage.JudgeAsync(pair.Alpha));
    }

    /// <summary>The copy died with its host's reboot, the definition is marked to start with the host, and the guest may run elsewhere.</summary>
    [Fact(Explicit = true)]
    [Fault(112)]
    public async Task A_guest_in_doubt_is_not_started_with_its_host()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Passenger);
        var (alpha, name) = (pair.Alpha, passage.Domain.Name);
        await alpha.Virsh.RunWithXmlAsync("define", await alpha.Virsh.AskAsync("dumpxml", name)).Checked();
        await alpha.Virsh.AskAsync("autostart", name);
        await HandOverIntoTheVoidAsync(pair, passage, restart: false);
        await Command.RunAsync(["kill", "-KILL", $"{passage.Timeline.Pids[0]}"]).Checked();
        File.Delete(Path.Combine(((Wherryd)alpha).RuntimeDirectory, "qemu", "autostarted")); // which a reboot removes
        await alpha.StartAsync();

        var listed = await UntilAsync(alpha, text => text.Contains("no copy of the guest is left", StringComparison.Ordinal));
        await RefusedAsync(IdIn(listed), "force-source", await alpha.Virsh.RunAsync("start", name));
        Assert.Equal("shut off", await passage.StateAsync(alpha));
        Assert.Matches($"could not be started.*{IdIn(listed)}", alpha.LogTail(400));

        await alpha.Host.MendAsync();
        await passage.Timeline.WaitAsync("the guest at the destination", t => t.Speaker == 1, Passage.Limit);
        Assert.Empty(passage.Timeline.Violations);
    }

    /// <summary>Switched off between the last byte and HANDED: what it finds on its disk says that the guest is its own, and its copy is dead.</summary>
    [Theory]
    [Fault(112, 113)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_source_that_was_switched_off_before_it_had_let_go_asks_before_it_starts_the_guest_anew(bool forced)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, Passenger);
        var (alpha, bravo, name) = (pair.Alpha, pair.Bravo, passage.Domain.Name);
        await alpha.Virsh.RunWithXmlAsync("define", await alpha.Virsh.AskAsync("dumpxml", name)).Checked();
        await alpha.Virsh.AskAsync("autostart", name);
        await HandOverIntoTheVoidAsync(pair, passage, restart: false, at: "src.completed");
        var id = IdIn(await UntilAsync(bravo, text => text.Contains("destination, loaded", StringComparison.Ordinal)));
        await Command.RunAsync(["kill", "-KILL", $"{passage.Timeline.Pids[0]}"]).Checked(); // with alpha's power
        if (forced)
        {
            await HandoverAsync(bravo, "force-destination", "--id", id, "--i-fenced", "alpha").Checked();
            await passage.Timeline.WaitAsync("the guest at the destination", t => t.Speaker == 1, Passage.Limit);
        }

        File.Delete(Path.Combine(((Wherryd)alpha).RuntimeDirectory, "qemu", "autostarted")); // which a reboot removes
        await alpha.StartAsync();
        await UntilAsync(alpha, text => text.Contains("no copy of the guest is left", StringComparison.Ordinal));
        await RefusedAsync(id, "force-source", await alpha.Virsh.RunAsync("start", name));
        Assert.Contains("died here while it was sent", (await alpha.Virsh.RunAsync("start", name)).Error, StringComparison.Ordinal);
        Assert.Equal("shut off", await passage.StateAsync(alpha));
        Assert.Matches($"could not be started.*{id}", alpha.LogTail(400));

        await alpha.Host.MendAsync();
        await UntilAsync(alpha, text => text.Trim().Length == 0);
        if (forced)
        {
            Assert.Empty(await passage.JudgeAsync(bravo));
            Assert.False(File.Exists(RecordPath(bravo, id)), "the destination still remembers a hand-over that its source has been told of");
            return;
        }

        await UntilAsync(bravo, text => text.Trim().Length == 0);
        Assert.Null(await passage.StateAsync(bravo));
        await Aftermath.UntilAsync("it is started with its host after all", async () => await passage.StateAsync(alpha) == "running", Passage.Limit, alpha);
    }

    [Fact]
    public async Task Nobody_decides_over_a_network()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        var program = await pair.Bravo.Host.RunAsync(
            "/usr/bin/python3", "-c", UnknownProgram, pair.Alpha.Host.ControlAddress, "16509");
        Assert.True(program.Succeeded, program.ToString());
        Assert.Contains("cannot find program", program.Output, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Sends one call of the operator's program and prints the error that comes back.</summary>
    private const string UnknownProgram = """
        import socket, struct, sys
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
        s.sendall(struct.pack('>IIIiiIi', 28, 0x57485248, 1, 1, 0, 1, 0))
        size = struct.unpack('>I', s.recv(4, socket.MSG_WAITALL))[0]
        print(s.recv(size - 4, socket.MSG_WAITALL).decode('latin1'))
        """;

    /// <summary>The source has sent the last byte, and made HANDED durable or not, when its daemon dies and the control link with it.</summary>
    private static async Task HandOverIntoTheVoidAsync(HostPair pair, Passage passage, bool restart = true, string at = "src.handed.written")
    {
        var alpha = pair.Alpha;
        await alpha.StopAsync();
        await alpha.StartAsync(("WHERRY_FAULT", $"{at}:crash"));
        var moving = passage.MoveAsync(alpha, pair.Bravo, ["--p2p", "--migrateuri", $"tcp://{pair.Bravo.Host.DataAddress}"]);
        await alpha.Exited().WaitAsync(Passage.Limit);
        await alpha.Host.CutAsync(["oifname ctl drop"], "iifname ctl drop");
        await moving;
        if (restart)
            await alpha.StartAsync();
    }

    private static async Task PowerOffAsync(DaemonRunner daemon, int qemu)
    {
        await daemon.KillAsync();
        await Command.RunAsync(["kill", "-KILL", $"{qemu}"]).Checked();
    }

    private static Task<CommandResult> HandoverAsync(DaemonRunner daemon, params string[] arguments) => Command.RunAsync(
        [Repository.Daemon, "handover", .. arguments, "--socket", Path.Combine(((Wherryd)daemon).RuntimeDirectory, "libvirt-admin-sock")]);

    private static async Task<string> UntilAsync(DaemonRunner daemon, Func<string, bool> satisfied)
    {
        var listed = "";
        await Aftermath.UntilAsync(
            "the hand-over is listed so", async () => satisfied(listed = (await HandoverAsync(daemon, "list").Checked()).Output), Passage.Limit, daemon);
        return listed;
    }

    private static Task RefusedAsync(string id, string command, CommandResult result)
    {
        Assert.False(result.Succeeded, result.ToString());
        Assert.Contains("Requested operation is not valid", result.Error, StringComparison.Ordinal);
        Assert.Contains(id, result.Error, StringComparison.Ordinal);
        Assert.Contains("qemu+tcp://", result.Error, StringComparison.Ordinal);
        Assert.Contains(command, result.Error, StringComparison.Ordinal);
        return Task.CompletedTask;
    }

    /// <summary>By a client that does not look first, as virsh does, whether the domain is active.</summary>
    private static Task<CommandResult> StartAsync(DaemonRunner daemon, string domain) => Command.RunAsync(
        ["/usr/bin/python3", "-c", "import libvirt, sys\nlibvirt.open(sys.argv[1]).lookupByName(sys.argv[2]).create()", daemon.Uri, domain]);

    /// <summary>What a program finds in the job's statistics.</summary>
    private static async Task<(string State, string Host, string Command)> HandOverParametersAsync(DaemonRunner daemon, string domain)
    {
        var printed = await Command.RunAsync(
            ["/usr/bin/python3", "-c", "import libvirt, sys\ns = libvirt.open(sys.argv[1]).lookupByName(sys.argv[2]).jobStats()\n"
                + "assert s['wherry.handover.since'] > 0\nfor key in ('', '.peer_host', '.command'): print(s['wherry.handover' + key])", daemon.Uri, domain]).Checked();
        return printed.Output.Trim().Split('\n') is [var state, var host, var command] ? (state, host, command) : throw new InvalidOperationException(printed.Output);
    }

    private static string RecordPath(DaemonRunner daemon, string id) => Path.Combine(((Wherryd)daemon).StateDirectory, "handover", $"{id}.json");

    private static Task<string> RecordAsync(DaemonRunner daemon, string id) => File.ReadAllTextAsync(RecordPath(daemon, id));

    private static string IdIn(string listed) => Id().Match(listed).Value;

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Id();
}
