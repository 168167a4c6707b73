using System.Diagnostics;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Demo;

/// <summary>One passenger's way there and back, told on the terminal.</summary>
internal sealed class Journey(HostPair pair, CancellationToken ct)
{
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>True when the guest arrived twice, whole.</summary>
    public async Task<bool> RunAsync()
    {
        var options = PassageOptions.TwoWrittenDisks;
        Say($"{pair.Alpha.Name} runs twice on this machine, as hosts \"alpha\" and \"bravo\"");
        await using var passage = await Passage.BoardAsync(pair, options, ct);
        Say($"a Linux guest runs on alpha: {options.MemoryMiB} MiB of memory, {options.Disks} disks, each written at {options.Load.WriteKiBps / 1024} MiB/s, a heartbeat every 5 ms");

        var home = pair.Alpha;
        foreach (var next in new[] { pair.Bravo, pair.Alpha })
        {
            if (!await MoveAsync(passage, home, next))
                return false;
            home = next;
        }

        return await CheckAsync(passage, home);
    }

    private async Task<bool> MoveAsync(Passage passage, DaemonRunner from, DaemonRunner to)
    {
        var before = passage.Timeline.HandOvers.Length;
        string[] flags = ["--p2p", "--verbose"];
        Console.WriteLine($"\n  {string.Join(' ', await passage.MoveCommandAsync(from, to, flags))}");
        var result = await passage.MoveAsync(from, to, flags, Console.Write, ct: ct);
        Console.WriteLine();
        var verdict = (await passage.StateAsync(from), await passage.StateAsync(to)) switch
        {
            (null, "running") => "Moved",
            ("running", null) => "StayedOnSource",
            var (source, destination) => $"NeedsDecision ({from.Host.Name}: {source ?? "absent"}, {to.Host.Name}: {destination ?? "absent"})",
        };
        if (!result.Succeeded)
        {
            Say($"verdict: {verdict}\n{result}\n{from.Host.Name}: {from.LogTail()}\n{to.Host.Name}: {to.LogTail()}");
            return false;
        }

        await passage.Timeline.WaitAsync("a heartbeat from the destination", t => t.HandOvers.Length > before, Passage.Limit, ct);
        Say($"verdict: {verdict}   {from.Host.Name} -> {to.Host.Name} in {result.Elapsed.TotalSeconds:0.00} s, "
            + $"the guest was silent for {passage.Timeline.HandOvers[before].Silence.TotalMilliseconds:0} ms");
        return true;
    }

    private async Task<bool> CheckAsync(Passage passage, DaemonRunner home)
    {
        // It must have had time to write at its new home.
        await passage.Timeline.WaitForBeatAsync(Passage.Limit, ct);
        var problems = await passage.JudgeAsync(home, ct);
        Console.WriteLine();
        if (passage.Timeline.Violations.IsEmpty)
            Say($"heartbeat: {passage.Timeline.Beats.Length} beats, each count greater than the one before, never two copies at once");
        foreach (var report in await passage.CheckDisksAsync(home, ct))
            Say($"disk {report}");
        foreach (var problem in problems)
            Say($"PROBLEM: {problem}");
        Say($"{(problems.Count == 0 ? "arrived whole, there and back" : "FAILED")}, {Stopwatch.GetElapsedTime(_started).TotalSeconds:0} s in all");
        return problems.Count == 0;
    }

    private void Say(string line) => Console.WriteLine($"[{Stopwatch.GetElapsedTime(_started).TotalSeconds,5:0.0} s] {line}");
}
