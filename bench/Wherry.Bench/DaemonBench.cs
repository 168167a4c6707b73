using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Remote;

namespace Wherry.Bench;

/// <summary>What the daemon itself costs: calls per second, definitions, lists, memory, and the time to come up.</summary>
internal static class DaemonBench
{
    private const int Many = 1000, Running = 10, InFlight = 32;

    public static async Task RunAsync(DaemonRunner daemon, Figures figures)
    {
        for (var round = 0; round < 5; round++)
            figures.Add("cold start to the first virsh list, nothing defined", await ColdStartAsync(daemon));
        figures.Add("memory after a fresh start, MiB", ResidentMiB(daemon));

        await figures.AddRateAsync("connect and close", async () =>
        {
            await using var brief = await RawClient.OpenAsync(daemon);
        });
        await using (var client = await RawClient.OpenAsync(daemon))
        {
            await CallsAsync(client, figures);
            await ManyAsync(client, figures);
        }

        figures.Add($"memory when {Many} have been defined and asked for, MiB", ResidentMiB(daemon));
        for (var round = 0; round < 5; round++)
            figures.Add($"cold start to the first virsh list, {Many} defined", await ColdStartAsync(daemon));
        figures.Add($"memory after a start with {Many} defined, MiB", ResidentMiB(daemon));
        await using (var client = await RawClient.OpenAsync(daemon))
        {
            foreach (var domain in (await client.ListAsync()).Domains)
                await client.UndefineAsync(domain);
            await RunningAsync(daemon, client, figures);
        }
    }

    private static async Task CallsAsync(RawClient client, Figures figures)
    {
        var domain = await client.DefineAsync(FirmwareGuest.Xml("lookup"));
        await figures.AddRateAsync("lookups, one after another", () => client.FindAsync("lookup"));
        var began = Stopwatch.GetTimestamp();
        const int Calls = 20_000;
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
        {
            for (var call = 0; call < Calls / InFlight; call++)
                await client.FindAsync("lookup");
        }));
        figures.Add($"lookups, {InFlight} in flight, 1/s", Calls / Stopwatch.GetElapsedTime(began).TotalSeconds);
        await client.UndefineAsync(domain);

        await figures.AddRateAsync("define and undefine", async () => await client.UndefineAsync(await client.DefineAsync(FirmwareGuest.Xml("brief"))));
    }

    private static async Task ManyAsync(RawClient client, Figures figures)
    {
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Many; i++)
            await client.DefineAsync(FirmwareGuest.Xml($"defined{i}"));
        figures.Add($"define {Many} domains, 1/s", Many / Stopwatch.GetElapsedTime(began).TotalSeconds);
        figures.AddLatencies($"list of {Many}", await LatencyAsync(200, client.ListAsync));
        figures.AddLatencies($"domstats of {Many} inactive", await LatencyAsync(20, client.StatsAsync));
    }

    private static async Task RunningAsync(DaemonRunner daemon, RawClient client, Figures figures)
    {
        var running = new List<NonnullDomain>();
        for (var i = 0; i < Running; i++)
            running.Add(await client.StartAsync(await client.DefineAsync(FirmwareGuest.Xml($"running{i}"))));
        figures.AddLatencies($"domstats of {Running} running", await LatencyAsync(100, client.StatsAsync));
        figures.AddLatencies("info of a running domain", await LatencyAsync(1000, () => client.InfoAsync(running[0])));
        figures.AddLatencies("XML of a running domain", await LatencyAsync(1000, () => client.XmlAsync(running[0])));
        figures.AddLatencies("memory statistics of a running domain (one monitor round trip)", await LatencyAsync(200, () => client.MemoryStatsAsync(running[0])));

        // Each domain is started and destroyed over a connection of its own while lists are asked for.
        var lists = new List<TimeSpan>();
        var began = Stopwatch.GetTimestamp();
        var churn = Task.WhenAll(running.Select(domain => ChurnAsync(daemon, domain)));
        while (!churn.IsCompleted)
            lists.AddRange(await LatencyAsync(1, client.ListAsync));
        await churn;
        figures.Add("start and destroy, ten at a time, 1/s", Running * ChurnRounds / Stopwatch.GetElapsedTime(began).TotalSeconds);
        figures.AddLatencies("list while ten domains start and stop", lists);
        foreach (var domain in running)
            await client.UndefineAsync(domain);
    }

    private const int ChurnRounds = 5;

    private static async Task ChurnAsync(DaemonRunner daemon, NonnullDomain domain)
    {
        await using var client = await RawClient.OpenAsync(daemon);
        for (var round = 0; round < ChurnRounds; round++)
        {
            await client.DestroyAsync(domain);
            await client.StartAsync(domain);
        }

        await client.DestroyAsync(domain);
    }

    /// <summary>The time of each of some like calls, one after another.</summary>
    public static async Task<List<TimeSpan>> LatencyAsync<T>(int calls, Func<Task<T>> call)
    {
        var times = new List<TimeSpan>(calls);
        for (var i = 0; i < calls; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await call();
            times.Add(Stopwatch.GetElapsedTime(began));
        }

        return times;
    }

    private static async Task<TimeSpan> ColdStartAsync(DaemonRunner daemon)
    {
        await daemon.StopAsync();
        var began = Stopwatch.GetTimestamp();
        var starting = daemon.StartAsync();
        while (!(await daemon.Virsh.RunAsync("list")).Succeeded)
        {
            if (starting.IsFaulted)
                await starting;
        }

        var took = Stopwatch.GetElapsedTime(began);
        await starting;
        return took;
    }

    private static double ResidentMiB(DaemonRunner daemon)
    {
        var line = File.ReadLines($"/proc/{daemon.Pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
