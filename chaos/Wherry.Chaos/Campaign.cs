using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Chaos;

/// <summary>
/// Carries guests to and fro, hurts each migration, and judges.
/// <code>
///   guest ──► way ──► fault ──► the migration, struck ──► everything given back ──► settled? ──► judges ──► the next one
/// </code>
/// The seed decides who, how and what; when exactly a fault strikes depends on the machine as well.
/// </summary>
internal sealed class Campaign(HostPair pair, int seed)
{
    private const int MigrationsPerGuest = 10;
    private static readonly TimeSpan SettledWithin = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    // The client that would have asked for post-copy may be dead, and without it a migration that does not converge goes on for ever.
    private static readonly TimeSpan HurriedAfter = TimeSpan.FromSeconds(20);

    private readonly Random _random = new(seed);
    private readonly SortedDictionary<string, (int Struck, int Missed)> _faults = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _endings = new(StringComparer.Ordinal);

    /// <summary>False after a violation, which has been printed with the seed and the step.</summary>
    public async Task<bool> RunAsync(int migrations, CancellationToken ct)
    {
        for (var step = 1; step <= migrations;)
        {
            var guest = Fault.Pick(_random, Guest.All);
            await using var passage = await Passage.BoardAsync(pair, guest.Options with { Name = $"guest{step}" }, ct);
            DaemonRunner? home = pair.Alpha;
            for (var leg = 0; leg < MigrationsPerGuest && step <= migrations && home is not null; leg++, step++)
            {
                var (way, fault) = (Fault.Pick(_random, guest.Ways), Fault.Choose(_random));
                var (now, violation) = await MigrateAsync(passage, step, guest, way, fault, home, ct);
                home = now;
                if (violation is null)
                    continue;

                Console.WriteLine($"\nVIOLATION with seed {seed} at step {step} ({guest.Name}, {way.Name}, {fault.Name}):\n{violation}\n"
                    + $"{pair.Alpha.Host.Name}:\n{pair.Alpha.LogTail(200)}\n{pair.Bravo.Host.Name}:\n{pair.Bravo.LogTail(200)}");
                return false;
            }

            await RemoveAsync(passage);
        }

        Report(migrations);
        return true;
    }

    /// <returns>Where the guest runs now, or null when it died; and what must not be.</returns>
    private async Task<(DaemonRunner? Home, string? Violation)> MigrateAsync(
        Passage passage, int step, Guest guest, Way way, Fault fault, DaemonRunner from, CancellationToken ct)
    {
        var to = from == pair.Alpha ? pair.Bravo : pair.Alpha;
        await ArmAsync(from, fault.AtSource);
        await ArmAsync(to, fault.AtDestination);
        var began = Stopwatch.GetTimestamp();
        bool struck;
        CommandResult? told;
        using (var scene = await Scene.BeginAsync(passage, way, from, to, ct))
        {
            struck = await fault.StrikeAsync(scene);
            try
            {
                told = await scene.Over;
            }
            catch (TimeoutException e)
            {
                return (null, $"it hangs ({(struck ? "struck" : "missed")}): {e.Message}");
            }
        }

        var (home, unsettled) = await SettleAsync(passage, from, to, fault);
        var ending = home == from ? $"stayed on {from.Host.Name}" : home == to ? $"moved to {to.Host.Name}" : "died with its QEMU";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{step,4}  {guest.Name + ", " + way.Name,-42} {fault.Name + (struck ? "" : " (missed)"),-58} {ending,-18} {Stopwatch.GetElapsedTime(began).TotalSeconds,5:0.0} s"));
        Count(fault, struck, home == from ? "stayed" : home == to ? "moved" : "died with its QEMU");
        if (unsettled is not null)
            return (home, $"{unsettled}\nvirsh: {told}");

        if (home is null)
            return (null, passage.Timeline.Violations is { IsEmpty: false } seen ? string.Join("; ", seen) : null);

        if (told is not null && !fault.DeafensClient && told.Succeeded != (home == to))
            return (home, $"the guest {ending}, but {told}");

        if (fault.Name == "none" && home != to)
            return (home, $"nothing was done to it, and {told}");

        var problems = await passage.JudgeAsync(home, ct);
        return (home, problems.Count == 0 ? null : string.Join("; ", problems) + $"\nvirsh: {told}");
    }

    /// <summary>A daemon reads what it is to die of when it starts.</summary>
    private static async Task ArmAsync(DaemonRunner daemon, string? fault)
    {
        if (fault is null)
            return;
        await daemon.StopAsync();
        await daemon.StartAsync(("WHERRY_FAULT", fault));
    }

    /// <summary>Waits until the guest runs at one host, the other has nothing of it, and nobody has a job with it.</summary>
    private async Task<(DaemonRunner? Home, string? Unsettled)> SettleAsync(Passage passage, DaemonRunner from, DaemonRunner to, Fault fault)
    {
        var began = Stopwatch.GetTimestamp();
        using var pause = new PeriodicTimer(LookInterval);
        var hurried = false;
        while (true)
        {
            var (here, there) = (await StateAsync(passage, from), await StateAsync(passage, to));
            switch (here, there)
            {
                case ("running", null or "shut off") when await IsIdleAsync(passage, from):
                    return (from, null);
                case (null or "shut off", "running") when await IsIdleAsync(passage, to):
                    return (to, null);
                case ("paused (user)", null or "shut off"):
                    await from.Virsh.AskAsync("resume", passage.Domain.Name);
                    break;
                case (null or "shut off", "paused (user)"):
                    await to.Virsh.AskAsync("resume", passage.Domain.Name);
                    break;
                case (null or "shut off", null or "shut off") or ("paused (post-copy failed)", null or "shut off") when fault.KillsQemu:
                    return (null, null);
            }

            // Without a job it would set the guest's limit for good, while the other side only waits for its source.
            if (!hurried && Stopwatch.GetElapsedTime(began) > HurriedAfter && here is not null && !await IsIdleAsync(passage, from))
            {
                await from.Virsh.RunAsync("migrate-setspeed", passage.Domain.Name, "1000");
                hurried = true;
            }

            if (Stopwatch.GetElapsedTime(began) > SettledWithin)
                return (null, $"not settled after {SettledWithin.TotalSeconds:0} s: {from.Host.Name}: {here ?? "absent"}, {to.Host.Name}: {there ?? "absent"}");

            await pause.WaitForNextTickAsync();
        }
    }

    private static async Task<string?> StateAsync(Passage passage, DaemonRunner daemon)
    {
        if (await daemon.Virsh.RunAsync("domstate", "--reason", passage.Domain.Name) is not { Succeeded: true } answer)
            return null;
        var state = answer.Output.Trim();
        return state.StartsWith("running", StringComparison.Ordinal) ? "running" : state.StartsWith("shut off", StringComparison.Ordinal) ? "shut off" : state;
    }

    private static async Task<bool> IsIdleAsync(Passage passage, DaemonRunner daemon) =>
        (await daemon.Virsh.RunAsync("domjobinfo", passage.Domain.Name)).Output.Contains("None", StringComparison.Ordinal);

    private async Task RemoveAsync(Passage passage)
    {
        foreach (var daemon in new[] { pair.Alpha, pair.Bravo })
        {
            if (await passage.StateAsync(daemon) is not (null or "shut off"))
                await daemon.Virsh.AskAsync("destroy", passage.Domain.Name);
        }
    }

    private void Count(Fault fault, bool struck, string ending)
    {
        var (hits, misses) = _faults.GetValueOrDefault(fault.Name);
        _faults[fault.Name] = struck ? (hits + 1, misses) : (hits, misses + 1);
        _endings[ending] = _endings.GetValueOrDefault(ending) + 1;
    }

    private void Report(int migrations)
    {
        Console.WriteLine($"\n{"fault",-60} {"struck",7} {"missed",7}");
        foreach (var (name, (struck, missed)) in _faults)
            Console.WriteLine($"{name,-60} {struck,7} {missed,7}");
        Console.WriteLine($"\nseed {seed}, {migrations} migrations: {string.Join(", ", _endings.Select(ending => $"{ending.Value} {ending.Key}"))}; 0 violations");
    }
}
