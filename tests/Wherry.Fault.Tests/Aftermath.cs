using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests;

/// <summary>What a test does after it has hurt something: waits for a condition, with a limit, and judges.</summary>
internal static class Aftermath
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>How long the bench may take, on a busy machine, for what takes the daemons less than a second.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    /// <summary>Looks again until the condition holds.</summary>
    /// <exception cref="TimeoutException">It did not within the limit.</exception>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, TimeSpan? limit = null, params DaemonRunner[] logs)
    {
        var began = Stopwatch.GetTimestamp();
        using var pause = new PeriodicTimer(Interval);
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(began) > (limit ?? Soon))
                throw new TimeoutException($"{what}: not within {(limit ?? Soon).TotalSeconds:0} s\n{Logs(logs)}");

            await pause.WaitForNextTickAsync();
        }
    }

    public static Task UntilAsync(string what, Func<bool> holds, TimeSpan? limit = null, params DaemonRunner[] logs) =>
        UntilAsync(what, () => Task.FromResult(holds()), limit, logs);

    /// <summary>The daemon has reached the fault point at which it was to hang: it is stopped, until <see cref="GoOn"/>.</summary>
    public static Task HangsAsync(DaemonRunner daemon, TimeSpan? limit = null) => UntilAsync(
        $"{daemon.Host.Name} at the fault point", () => IsStopped(daemon.Pid), limit ?? Passage.Limit, daemon);

    public static void GoOn(DaemonRunner daemon) => daemon.Signal(PosixSignal.Continue);

    /// <summary>Starts the daemon anew, to be hurt at these fault points: "src.stopped:hang", "dst.loaded:crash".</summary>
    public static async Task ArmAsync(DaemonRunner daemon, params string[] faults)
    {
        await daemon.StopAsync();
        await daemon.StartAsync(("WHERRY_FAULT", string.Join(',', faults)));
    }

    /// <summary>The daemon dies at its fault point. When the migration ends without that, or neither happens, everybody's words are the reason.</summary>
    public static async Task DiesAsync(DaemonRunner victim, Task<CommandResult> moving, HostPair pair)
    {
        var exited = victim.Exited();
        try
        {
            if (await Task.WhenAny(exited, moving).WaitAsync(Passage.Limit) == moving)
                await exited.WaitAsync(Soon); // its client saw the end first
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(
                $"{victim.Host.Name} has not died: {(moving.IsCompletedSuccessfully ? await moving : "the migration goes on")}\n{Logs(pair.Alpha, pair.Bravo)}", e);
        }
    }

    /// <summary>Waits until exactly one of the two daemons shows the guest running, and no copy of it is left at the other.</summary>
    public static async Task<DaemonRunner> RunnerAsync(Passage passage, DaemonRunner one, DaemonRunner other)
    {
        DaemonRunner? runner = null;
        await UntilAsync(
            "one guest runs",
            async () =>
            {
                runner = (await passage.StateAsync(one), await passage.StateAsync(other)) switch
                {
                    ("running", null or "shut off") => one,
                    (null or "shut off", "running") => other,
                    _ => null,
                };
                return runner is not null;
            },
            Soon,
            one,
            other);
        return runner!; // the wait ends when it is set
    }

    /// <summary>The guest runs at once; taking back what the migration had prepared may take a moment longer.</summary>
    public static Task NoJobAsync(Passage passage, DaemonRunner daemon) => UntilAsync(
        "no job is left",
        async () => (await daemon.Virsh.AskAsync("domjobinfo", passage.Domain.Name)).Contains("None", StringComparison.Ordinal),
        Soon,
        daemon);

    public static Task ReachesAsync(DaemonRunner daemon, string domain, string state, TimeSpan? limit = null) => UntilAsync(
        $"{domain} on {daemon.Host.Name} is {state}",
        async () => (await daemon.Virsh.RunAsync("domstate", "--reason", domain)).Output.Contains(state, StringComparison.Ordinal),
        limit ?? Passage.Limit,
        daemon);

    public static Task GoneAsync(DaemonRunner daemon, Passage passage) => UntilAsync(
        $"no domain is left on {daemon.Host.Name}", async () => await passage.StateAsync(daemon) is null, Passage.Limit, daemon);

    public static Task DeadAsync(int pid) => UntilAsync($"process {pid} ends", () => !IsAlive(pid), Passage.Limit);

    public static bool IsAlive(int pid) => File.Exists($"/proc/{pid}/exe");

    public static void Signal(int pid, PosixSignal signal) => PosixProcess.Signal(pid, signal);

    /// <summary>One guest runs, at <paramref name="home"/>, and all judges agree.</summary>
    public static async Task RunsAsync(Passage passage, HostPair pair, DaemonRunner home, string when = "")
    {
        var runner = await RunnerAsync(passage, pair.Alpha, pair.Bravo);
        Assert.True(runner == home, $"{when}: the guest runs on {runner.Host.Name}\n{Logs(pair.Alpha, pair.Bravo)}");
        await NoJobAsync(passage, home);
        var problems = await passage.JudgeAsync(home);
        Assert.True(problems.Count == 0, $"{when}: {string.Join("; ", problems)}\n{Logs(pair.Alpha, pair.Bravo)}");
    }

    /// <summary>One guest runs, at <paramref name="home"/>, and has done so all the time; but something of the attempt is known to be left.</summary>
    public static async Task RunsWithTracesAsync(Passage passage, HostPair pair, DaemonRunner home)
    {
        Assert.Same(home, await RunnerAsync(passage, pair.Alpha, pair.Bravo));
        await passage.Timeline.WaitForBeatAsync(Soon);
        Assert.Empty(passage.Timeline.Violations);
    }

    /// <summary>virsh failed, with these words.</summary>
    public static void Refused(CommandResult result, HostPair pair, params string[] words)
    {
        Assert.False(result.Succeeded, $"it succeeded\n{Logs(pair.Alpha, pair.Bravo)}");
        foreach (var word in words)
            Assert.True(result.Error.Contains(word, StringComparison.Ordinal), $"no '{word}' in: {result.Error}\n{Logs(pair.Alpha, pair.Bravo)}");
    }

    /// <summary>Both ways are open and nothing is in the way: there and back.</summary>
    public static async Task AgainAsync(Passage passage, HostPair pair, DaemonRunner home, params string[] flags)
    {
        var away = home == pair.Alpha ? pair.Bravo : pair.Alpha;
        var there = await passage.MoveAsync(home, away, ["--p2p", .. flags]);
        Assert.True(there.Succeeded, $"{there}\n{Logs(pair.Alpha, pair.Bravo)}");
        await RunsAsync(passage, pair, away, "again");
        var back = await passage.MoveAsync(away, home, ["--p2p", .. flags]);
        Assert.True(back.Succeeded, $"{back}\n{Logs(pair.Alpha, pair.Bravo)}");
        await RunsAsync(passage, pair, home, "and back");
    }

    public static string Logs(params DaemonRunner[] daemons) => string.Join('\n', daemons.Select(daemon => $"{daemon.Host.Name}:\n{daemon.LogTail()}"));

    private static bool IsStopped(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].StartsWith('T');
    }
}
