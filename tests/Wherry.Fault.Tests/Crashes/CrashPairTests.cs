using System.Diagnostics;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Crashes;

/// <summary>
/// Both daemons die in one migration, each at a point of its own. The explorer of the machines has every such pair; here is a sample of them
/// with everything real, in the order of a seed (WHERRY_SEED), for as long as there is time.
/// </summary>
public sealed class CrashPairTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Budget = TimeSpan.FromMinutes(6);

    // Which point is reached first is not known, nor whether the other is reached while the first daemon is dead, or when it is back, or never.
    private static readonly TimeSpan AlsoWithin = TimeSpan.FromSeconds(1);

    [Fact(Explicit = true)]
    [Fault(27)]
    public Task Both_daemons_die_around_the_point_of_no_return_and_one_guest_runs() => KillBothAsync(
        [("src.commit.sent", "dst.loaded"), ("src.handed.written", "dst.intent.written"), ("src.commit.reply", "dst.ran.written")], Budget);

    [Fact(Explicit = true)]
    [Fault(27)]
    public Task Both_daemons_die_anywhere_and_one_guest_runs()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("WHERRY_SEED"), out var chosen) ? chosen : 27;
        output.WriteLine($"seed {seed}");
        (string, string)[] pairs = [.. DaemonCrashTests.SourcePoints.SelectMany(source => DaemonCrashTests.DestinationPoints.Select(destination => (source, destination)))];
        new Random(seed).Shuffle(pairs);
        return KillBothAsync(pairs, Budget);
    }

    private async Task KillBothAsync((string Source, string Destination)[] points, TimeSpan budget)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        DaemonRunner home = pair.Alpha;
        var began = Stopwatch.GetTimestamp();
        var done = 0;
        foreach (var (source, destination) in points)
        {
            if (Stopwatch.GetElapsedTime(began) > budget)
                break;

            var other = home == pair.Alpha ? pair.Bravo : pair.Alpha;
            await Aftermath.ArmAsync(home, $"{source}:crash");
            await Aftermath.ArmAsync(other, $"{destination}:crash");
            var moving = passage.MoveAsync(home, other, ["--p2p", "--persistent"]);
            await Task.WhenAny(home.Exited(), other.Exited()).WaitAsync(Passage.Limit);
            try
            {
                await Task.WhenAll(home.Exited(), other.Exited()).WaitAsync(AlsoWithin);
            }
            catch (TimeoutException)
            {
                // The other one lives on, so far.
            }

            var killed = new List<string>();
            await Aftermath.UntilAsync(
                "one guest runs, with both daemons up",
                async () =>
                {
                    foreach (var daemon in new[] { other, home }.Where(daemon => daemon.HasExited))
                    {
                        killed.Add(daemon.Host.Name);
                        await daemon.StartAsync();
                    }

                    var settled = moving.IsCompleted && (await passage.StateAsync(home), await passage.StateAsync(other)) is
                        ("running", null or "shut off") or (null or "shut off", "running");
                    return settled && !home.HasExited && !other.HasExited;
                },
                Passage.Limit,
                home,
                other);
            home = await Aftermath.RunnerAsync(passage, home, other);
            await Aftermath.RunsAsync(passage, pair, home, $"{source} and {destination}");
            output.WriteLine($"{source}, {destination}: killed {string.Join(" and ", killed)}; runs on {home.Host.Name}");
            done++;
        }

        output.WriteLine($"{done} of {points.Length} pairs");
    }
}
