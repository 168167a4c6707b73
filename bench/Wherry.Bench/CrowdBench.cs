using System.Collections.Immutable;
using System.Diagnostics;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Remote;

namespace Wherry.Bench;

/// <summary>Fifty guests, some of them stuck: what the others' callers notice of it.</summary>
internal sealed class CrowdBench : IAsyncDisposable
{
    private const int Guests = 50, Stuck = 10, Calls = 1000, Blocked = 30;

    // What does not answer by then counts as no answer.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private readonly DaemonRunner _daemon;
    private readonly Figures _figures;
    private readonly RawClient _client;
    private readonly ImmutableArray<NonnullDomain> _guests;
    private readonly HashSet<string> _stopped = [];

    private CrowdBench(DaemonRunner daemon, Figures figures, RawClient client, ImmutableArray<NonnullDomain> guests)
    {
        _daemon = daemon;
        _figures = figures;
        _client = client;
        _guests = guests;
    }

    public static async Task RunAsync(DaemonRunner daemon, Figures figures)
    {
        var client = await RawClient.OpenAsync(daemon);
        var guests = ImmutableArray.CreateBuilder<NonnullDomain>();
        for (var i = 0; i < Guests; i++)
            guests.Add(await client.StartAsync(await client.DefineAsync(FirmwareGuest.Xml($"crowd{i}"))));
        await using var crowd = new CrowdBench(daemon, figures, client, guests.ToImmutable());
        await crowd.DestroyStuckGuestsAsync();
        await crowd.BlockCallersAsync();
        await crowd.AskForEverythingAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _stopped)
        {
            if (FirmwareGuest.Pid(name) is { } pid)
                PosixProcess.Signal(pid, PosixSignal.Continue);
        }

        foreach (var domain in (await _client.ListAsync()).Domains)
        {
            if (domain.Id >= 0)
                await _client.DestroyAsync(domain);
            await _client.UndefineAsync(domain);
        }

        await _client.DisposeAsync();
    }

    // Ten guests that do not react are destroyed by force, another one hangs; the rest is asked a thousand times.
    private async Task DestroyStuckGuestsAsync()
    {
        var stuck = _guests[..Stuck];
        foreach (var guest in stuck)
            Stop(guest);
        Stop(_guests[Stuck]);
        var ending = Task.WhenAll(stuck.Select(async guest =>
        {
            await using var client = await RawClient.OpenAsync(_daemon);
            var began = Stopwatch.GetTimestamp();
            await client.DestroyAsync(guest);
            return Stopwatch.GetElapsedTime(began);
        }));
        var others = _guests[(Stuck + 1)..];
        foreach (var (name, call) in Reads(others))
            _figures.AddLatencies($"while {Stuck} stuck guests are destroyed: {name}", await LimitedAsync(Calls / 4, call));
        _figures.AddLatencies($"destroy of a stuck guest, {Stuck} at once", await ending);
    }

    // Thirty callers wait for a guest that hangs; others ask for other guests.
    private async Task BlockCallersAsync()
    {
        var hung = _guests[Stuck];
        var callers = await Task.WhenAll(Enumerable.Range(0, Blocked).Select(_ => RawClient.OpenAsync(_daemon)));
        var blocked = callers.Select(caller => caller.MemoryStatsAsync(hung)).ToArray();
        var others = _guests[(Stuck + 1)..];
        foreach (var (name, call) in Reads(others))
            _figures.AddLatencies($"{Blocked} callers wait for a hung guest: {name}", await LimitedAsync(Calls / 4, call));
        var spare = await _client.DefineAsync(FirmwareGuest.Xml("spare"));
        _figures.AddLatencies($"{Blocked} callers wait for a hung guest: start of another", await LimitedAsync(1, _ => _client.StartAsync(spare)));
        var began = Stopwatch.GetTimestamp();
        await _client.DestroyAsync(hung);
        _figures.Add("destroy of the hung guest that they wait for", Stopwatch.GetElapsedTime(began));
        foreach (var call in blocked)
            await call.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        foreach (var caller in callers)
            await caller.DisposeAsync();
    }

    private async Task AskForEverythingAsync()
    {
        Stop(_guests[Stuck + 1]);
        _figures.AddLatencies("domstats of all, one of them hung", await LimitedAsync(1, _ => _client.StatsAsync()));
    }

    private IEnumerable<(string Name, Func<int, Task> Call)> Reads(ImmutableArray<NonnullDomain> others) =>
    [
        ("dominfo", i => _client.InfoAsync(others[i % others.Length])),
        ("dumpxml", i => _client.XmlAsync(others[i % others.Length])),
        ("list", _ => _client.ListAsync()),
        ("dommemstat", i => _client.MemoryStatsAsync(others[i % others.Length])),
    ];

    // The first call without an answer ends the row: there is nothing more to learn from the rest.
    private static async Task<List<TimeSpan>> LimitedAsync(int calls, Func<int, Task> call)
    {
        var times = new List<TimeSpan>(calls);
        for (var i = 0; i < calls; i++)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                await call(i).WaitAsync(Patience);
            }
            catch (TimeoutException)
            {
                times.Add(Figures.NoAnswer);
                break;
            }

            times.Add(Stopwatch.GetElapsedTime(began));
        }

        return times;
    }

    private void Stop(NonnullDomain guest)
    {
        PosixProcess.Signal(FirmwareGuest.Pid(guest.Name) ?? throw new InvalidOperationException($"no QEMU of {guest.Name}"), PosixSignal.Stop);
        _stopped.Add(guest.Name);
    }
}
