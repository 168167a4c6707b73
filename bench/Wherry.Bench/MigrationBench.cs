using System.Collections.Immutable;
using System.Diagnostics;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Bench;

/// <summary>A guest goes to and fro, peer to peer; each leg is one sample.</summary>
internal sealed record MigrationBench(string Name, GuestLoad Load, int DiskCount = 0, int Flags = 0)
{
    private const int Live = 1, PeerToPeer = 2, Tunnelled = 4, CopyStorageAll = 64, Tls = 1 << 16, Parallel = 1 << 17; // VIR_MIGRATE_* of libvirt's API
    private const int DiskMiB = 512, FilledMiB = 128;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public static readonly ImmutableArray<MigrationBench> Kinds =
    [
        new("idle", GuestLoad.Idle),
        new("40 MiB/s dirtied", new GuestLoad(DirtyMiBps: 40)),
        new("two copied disks, 4 MiB/s each", new GuestLoad(WriteKiBps: 4096), DiskCount: 2, CopyStorageAll),
        new("tunnelled", GuestLoad.Idle, Flags: Tunnelled),
        new("TLS", GuestLoad.Idle, Flags: Tls),
        new("parallel", GuestLoad.Idle, Flags: Parallel),
    ];

    private string DomainName => $"bench-{Kinds.IndexOf(this)}";

    public async Task RunAsync(HostPair pair, int n, Figures figures)
    {
        await using var serial = new SerialListener(pair.Run.File($"serial-{DomainName}"));
        var domain = await CreateAsync(pair, serial);
        await using var alpha = new BenchClient(pair.Alpha);
        await using var bravo = new BenchClient(pair.Bravo);
        var file = pair.Run.File("domain.xml");
        await File.WriteAllTextAsync(file, domain.Xml);
        await alpha.CallAsync("create", file);
        await serial.Timeline.WaitAsync("the guest's first beats", t => t.LastCount > 100 && (DiskCount == 0 || t.Flushed('b') > 0), Limit);

        for (var leg = 0; leg < n; leg++)
        {
            var (from, to, client) = leg % 2 == 0 ? (pair.Alpha, pair.Bravo, alpha) : (pair.Bravo, pair.Alpha, bravo);
            await MoveAsync(serial.Timeline, domain.Name, from, to, client, figures);
        }

        await (n % 2 == 0 ? alpha : bravo).CallAsync("destroy", domain.Name);
        if (!serial.Timeline.Violations.IsEmpty)
            throw new InvalidOperationException(string.Join('\n', serial.Timeline.Violations));
    }

    private async Task MoveAsync(GuestTimeline timeline, string domain, DaemonRunner from, DaemonRunner to, BenchClient client, Figures figures)
    {
        var before = timeline.HandOvers.Length;
        await using var events = new MonitorEvents(from, domain);
        string[] parameters = (Flags & Tls) != 0 ? [$"tls.destination={to.Host.Name}"] : [];
        // The guest must have settled after the leg before, and virsh be listening for events: half a second of heartbeats is both.
        var settled = timeline.LastCount + 100;
        await timeline.WaitAsync("half a second of heartbeats", t => t.LastCount >= settled, Limit);
        var call = await client.CallAsync(["migrate", domain, to.PeerUri, $"{Live | PeerToPeer | Flags}", .. parameters]);
        await timeline.WaitAsync("a heartbeat from the destination", t => t.HandOvers.Length > before, Limit);
        var handOver = timeline.HandOvers[before];
        figures.Add($"{Name}: wall", call.Elapsed);
        figures.Add($"{Name}: wall minus QEMU's own time", call.Elapsed - await events.MigrationTimeAsync());
        figures.Add($"{Name}: wall minus the daemon's job time", call.Elapsed - await JobTimeAsync(to, domain));
        figures.Add($"{Name}: call returned after the guest runs", Stopwatch.GetElapsedTime(handOver.Timestamp, call.Ended));
        figures.Add($"{Name}: guest silent", handOver.Silence);

        // What the silence is made of. QEMU stamps its events with the time of day.
        var runs = DateTime.UtcNow - Stopwatch.GetElapsedTime(handOver.Timestamp);
        var since = runs - handOver.Silence;
        foreach (var (step, at) in events.Steps.Append(("the guest is heard", runs)))
        {
            figures.Add($"{Name}: of it until {step}", at - since);
            since = at;
        }
    }

    // What the daemon itself counts as the migration; it leaves out what comes after QEMU's "completed".
    private static async Task<TimeSpan> JobTimeAsync(DaemonRunner destination, string domain)
    {
        var statistics = await destination.Virsh.AskAsync("domjobinfo", "--completed", domain);
        var line = statistics.Split('\n').FirstOrDefault(line => line.StartsWith("Time elapsed:", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"no elapsed time in:\n{statistics}");
        return TimeSpan.FromMilliseconds(double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2]));
    }

    private async Task<TestDomain> CreateAsync(HostPair pair, SerialListener serial)
    {
        var disks = Enumerable.Range(0, DiskCount).Select(index => $"disk{index}.img").ToImmutableArray();
        foreach (var disk in disks)
        {
            var filled = new byte[FilledMiB << 20];
            new Random(1).NextBytes(filled);
            await File.WriteAllBytesAsync(Path.Combine(pair.Alpha.Host.ImagesOutside, disk), filled);
            foreach (var host in new[] { pair.Alpha.Host, pair.Bravo.Host })
            {
                await using var image = File.Open(Path.Combine(host.ImagesOutside, disk), FileMode.OpenOrCreate);
                image.SetLength((long)DiskMiB << 20);
            }
        }

        return new TestDomain(DomainName, await GuestImage.GetAsync(), serial)
        {
            MemoryMiB = 512,
            Load = Load,
            Disks = [.. disks.Select(disk => new TestDisk(Path.Combine(pair.Alpha.Host.Images, disk)))],
        };
    }
}
