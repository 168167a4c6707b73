using System.Collections.Immutable;
using Wherry.Testbed.Hosts;

namespace Wherry.Chaos;

/// <summary>What is done to a migration. Everything that the fault took away is given back before the guest is judged.</summary>
/// <param name="Name">In the report.</param>
/// <param name="StrikeAsync">Does it, at a random moment or at a moment of the machines; completes when it is over. Says whether it struck a
/// migration that was still going on.</param>
internal sealed record Fault(string Name, Func<Scene, Task<bool>> StrikeAsync)
{
    /// <summary>To be set before the daemons start: "src.stopped:crash".</summary>
    public string? AtSource { get; init; }

    public string? AtDestination { get; init; }

    /// <summary>The guest may die of it, with the QEMU that runs it.</summary>
    public bool KillsQemu { get; init; }

    /// <summary>Somebody who could have told the client how it ended was taken away, or the client was.</summary>
    public bool DeafensClient { get; init; }

    private static readonly ImmutableArray<string> SourcePoints =
    [
        "src.prepare.reply", "src.mirror.ready", "src.migrate.sent", "src.stopped", "src.drained", "src.continue.sent",
        "src.handed.written", "src.commit.sent", "src.commit.reply", "src.released.written", "src.killed",
    ];

    private static readonly ImmutableArray<string> DestinationPoints =
    [
        "dst.launched", "dst.nbd.up", "dst.incoming.sent", "dst.commit.received", "dst.loaded", "dst.persisted", "dst.intent.written", "dst.cont.sent",
        "dst.cont.reply", "dst.ran.written", "dst.run.replied",
    ];

    private static readonly ImmutableArray<Func<Random, Fault>> All =
    [
        _ => new("none", _ => Task.FromResult(true)),
        _ => new("none", _ => Task.FromResult(true)),
        random => AtPoint(Pick(random, SourcePoints), null),
        random => AtPoint(null, Pick(random, DestinationPoints)),
        random => AtPoint(Pick(random, SourcePoints), Pick(random, DestinationPoints)),
        random => Killed("source daemon killed", random, scene => [scene.From]),
        random => Killed("destination daemon killed", random, scene => [scene.To]),
        random => Killed("both daemons killed", random, scene => [scene.From, scene.To]),
        random => Frozen("source daemon stopped", random, scene => scene.From.Pid) with { DeafensClient = true },
        random => Frozen("destination daemon stopped", random, scene => scene.To.Pid),
        random => Frozen("destination QEMU stopped", random, scene => scene.IncomingQemu),
        random => Frozen("source QEMU stopped", random, scene => scene.OutgoingQemu),
        random => new("destination QEMU killed", async scene =>
        {
            await scene.AfterAsync(random.NextDouble() * 1.5);
            if (scene.IncomingQemu is not { } pid || scene.IsOver)
                return false;
            PosixProcess.Signal(pid, PosixSignal.Kill);
            return true;
        }) { KillsQemu = true },
        random => Cut("control link", random, "ctl"),
        random => Cut("data link", random, "dat"),
        random => Cut("both links", random, "ctl", "dat"),
        random => CutOneWay("control link", random, "ctl"),
        random => CutOneWay("data link", random, "dat"),
        random => Called("job aborted", random, "domjobabort"),
        random => Called("guest suspended", random, "suspend"),
        random => Called("guest destroyed", random, "destroy") with { KillsQemu = true },
        random => new("client killed", async scene =>
        {
            await scene.AfterAsync(random.NextDouble() * 1.5);
            return !scene.IsOver && await scene.KillClientAsync();
        }) { DeafensClient = true },
    ];

    public static Fault Choose(Random random) => Pick(random, All)(random);

    public static T Pick<T>(Random random, ImmutableArray<T> among) => among[random.Next(among.Length)];

    private static Fault AtPoint(string? source, string? destination) => new(
        $"daemon killed at {string.Join(" and ", new[] { source, destination }.OfType<string>())}",
        async scene =>
        {
            var struck = await Task.WhenAll(Victim(scene.From, source), Victim(scene.To, destination));
            return struck.Any(dead => dead);

            async Task<bool> Victim(DaemonRunner daemon, string? point)
            {
                if (point is null)
                    return false;
                var exited = daemon.Exited();
                await Task.WhenAny(exited, scene.Over);
                var died = !File.Exists($"/proc/{daemon.Pid}/exe");
                await (died ? exited : daemon.StopAsync()); // a moment that never came must not come later
                await daemon.StartAsync();
                return died;
            }
        })
    {
        AtSource = source is null ? null : $"{source}:crash",
        AtDestination = destination is null ? null : $"{destination}:crash",
        DeafensClient = true,
    };

    private static Fault Killed(string name, Random random, Func<Scene, DaemonRunner[]> victims) => new(name, async scene =>
    {
        await scene.AfterAsync(random.NextDouble() * 2);
        var struck = !scene.IsOver;
        foreach (var victim in victims(scene))
            await victim.KillAsync();
        await scene.AfterAsync(random.NextDouble());
        foreach (var victim in victims(scene))
            await victim.StartAsync();
        return struck;
    })
    { DeafensClient = true };

    private static Fault Frozen(string name, Random random, Func<Scene, int?> victim) => new(name, async scene =>
    {
        await scene.AfterAsync(random.NextDouble() * 1.5);
        if (victim(scene) is not { } pid || scene.IsOver)
            return false;
        PosixProcess.Signal(pid, PosixSignal.Stop);
        await scene.AfterAsync(random.NextDouble() * 8);
        PosixProcess.Signal(pid, PosixSignal.Continue);
        return true;
    });

    private static Fault Cut(string name, Random random, params ImmutableArray<string> links) => Cut($"{name} cut", random, bothWays: true, links);

    private static Fault CutOneWay(string name, Random random, string link) => Cut($"{name} cut one way", random, bothWays: false, [link]);

    private static Fault Cut(string name, Random random, bool bothWays, ImmutableArray<string> links) => new(name, async scene =>
    {
        var verdict = random.Next(3) == 0 ? "reject with tcp reset" : "drop";
        var (begin, length) = (random.NextDouble() * 1.5, random.NextDouble() * 12);
        TestHost[] hosts = bothWays ? [scene.From.Host, scene.To.Host] : random.Next(2) == 0 ? [scene.From.Host] : [scene.To.Host];
        await scene.AfterAsync(begin);
        var struck = !scene.IsOver;
        foreach (var host in hosts)
            await host.CutAsync(links.Select(link => $"oifname {link} meta l4proto tcp {verdict}"));

        await scene.AfterAsync(length);
        foreach (var host in hosts)
            await host.MendAsync();
        return struck;
    })
    { DeafensClient = links.Contains("ctl") };

    private static Fault Called(string name, Random random, string verb) => new(name, async scene =>
    {
        await scene.AfterAsync(random.NextDouble() * 1.5);
        return !scene.IsOver && (await scene.From.Virsh.RunAsync(verb, scene.Domain)).Succeeded;
    });
}
