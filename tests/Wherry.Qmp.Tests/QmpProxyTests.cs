using Wherry.Qmp.Commands;
using Wherry.Qmp.Events;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

/// <summary>The proxy before a real QEMU that mirrors four real disks: all 24 orders of their ends can be made to happen.</summary>
public sealed class QmpProxyTests
{
    private static readonly string[] Disks = ["vda", "vdb", "vdc", "vdd"];

    public static TheoryData<string> Orders => [.. Permutations(Disks).Select(p => string.Join(' ', p))];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [Trait("req", "S0.14")]
    [Fault(54)]
    [MemberData(nameof(Orders))]
    public async Task Four_mirrors_end_in_every_order_and_the_queries_say_concluded_without_error(string text)
    {
        var order = text.Split(' ');
        await using var qemu = await RealQemu.StartAsync(Ct, arguments: [.. Disks.SelectMany(d => (string[])[.. Node(d), .. Node($"target-{d}")])]);
        await qemu.Monitor.DisposeAsync();
        await using var proxy = new QmpProxy(Path.Combine(qemu.Directory, "proxy"), qemu.MonitorPath);
        proxy.Events.EndJobsInOrder([.. order]);
        await using var monitor = await MonitorSession.ConnectAsync(proxy.Path, new MonitorOptions { Owner = "web1" }, Ct).Within();

        foreach (var disk in Disks)
        {
            await monitor.ExecuteAsync(new BlockdevMirror(disk, disk, $"target-{disk}", MirrorSyncMode.Full) { AutoDismiss = false }, Ct);
        }

        await ReadAsync(monitor, e => e.Is(QmpEvents.BlockJobReady, out var job) ? job.Device : null);
        foreach (var disk in Disks)
        {
            await monitor.ExecuteAsync(new BlockJobCancel(disk), Ct);
        }

        Assert.Equal(order, await ReadAsync(monitor, e => e.Is(QmpEvents.BlockJobCompleted, out var job) ? job.Device : null));
        var jobs = await monitor.ExecuteAsync(new QueryJobs(), Ct);
        Assert.Equal(4, jobs.Length);
        Assert.All(jobs, j => Assert.Equal((JobStatus.Concluded, null), (j.Status, j.Error)));
    }

    private static string[] Node(string name) => ["-blockdev", $$"""{"driver": "null-co", "node-name": "{{name}}", "size": 65536, "read-zeroes": true}"""];

    private static async Task<List<string>> ReadAsync(MonitorSession monitor, Func<QmpEvent, string?> device)
    {
        var seen = new List<string>();
        while (seen.Count < Disks.Length)
        {
            if (device(await monitor.Events.ReadAsync(Ct).AsTask().Within()) is { } disk)
            {
                seen.Add(disk);
            }
        }

        return seen;
    }

    private static IEnumerable<string[]> Permutations(string[] items) =>
        items.Length == 0 ? [[]] : items.SelectMany(first => Permutations([.. items.Where(i => i != first)]).Select(rest => (string[])[first, .. rest]));
}
