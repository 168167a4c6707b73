using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Judges;
using Wherry.Wire.Remote;

namespace Wherry.Fault.Tests;

/// <summary>
/// Two daemons and a guest that the tests of a class share, one after another, as long as each leaves them as it found them: the guest need
/// not boot again for every case. A test that fails leaves nothing to the next.
/// </summary>
public abstract class Crossings(PassageOptions options) : IAsyncDisposable
{
    private HostPair? _pair;
    private Passage? _passage;
    private DaemonRunner? _home;

    /// <summary>The guest where the test before left it, or a new one.</summary>
    public async Task<Crossing> EnterAsync(ITestOutputHelper output)
    {
        if (_pair is null)
        {
            _pair = await HostsAsync();
            _passage = await Passage.BoardAsync(_pair, Options(_pair));
            _home = _pair.Alpha;
        }

        return new Crossing(this, _pair, _passage!, _home!, output); // made together with the pair
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        GC.SuppressFinalize(this);
    }

    protected virtual Task<HostPair> HostsAsync() => RealHosts.TwoWherrydAsync();

    protected virtual PassageOptions Options(HostPair pair) => options;

    /// <summary>Nothing that a test had put in the way is in the way any more.</summary>
    internal virtual void Clear()
    {
    }

    internal void LeftAt(DaemonRunner home) => _home = home;

    internal async Task EndAsync()
    {
        if (_passage is not null)
            await _passage.DisposeAsync();
        if (_pair is not null)
            await _pair.DisposeAsync();
        await EndingAsync();
        (_passage, _pair) = (null, null);
    }

    /// <summary>Both hosts have ended.</summary>
    protected virtual Task EndingAsync() => Task.CompletedTask;
}

/// <summary>One test's turn with the <see cref="Crossings"/> of its class.</summary>
public sealed class Crossing : IAsyncDisposable
{
    // J7 after every case takes long, so the ordinary run does without; the suite's run sets this.
    private static readonly bool AlwaysAgain = Environment.GetEnvironmentVariable("WHERRY_JUDGE_AGAIN") is { Length: > 0 };

    private readonly Crossings _crossings;
    private readonly ITestOutputHelper _output;
    private bool _sound;

    internal Crossing(Crossings crossings, HostPair pair, Passage passage, DaemonRunner home, ITestOutputHelper output)
    {
        _crossings = crossings;
        _output = output;
        Pair = pair;
        Passage = passage;
        From = home;
        To = home == pair.Alpha ? pair.Bravo : pair.Alpha;
    }

    public HostPair Pair { get; }

    public Passage Passage { get; }

    /// <summary>Where the guest is at the beginning.</summary>
    public DaemonRunner From { get; }

    public DaemonRunner To { get; }

    public string Name => Passage.Domain.Name;

    /// <summary>Peer-to-peer, with more flags.</summary>
    /// <param name="via">The URI by which the destination is reached; null for its own.</param>
    /// <param name="flags">More flags.</param>
    public Task<CommandResult> MoveAsync(string? via = null, params string[] flags) => Passage.MoveAsync(From, To, ["--p2p", .. flags], via: via);

    /// <summary>It succeeded, and all judges find the guest sound at the destination.</summary>
    public Task MovedAsync(CommandResult moved)
    {
        Tell(moved);
        Assert.True(moved.Succeeded, $"{moved}\n{Logs()}");
        return EndsAtAsync(To);
    }

    /// <summary>It failed for the reason that it names, and all judges find the guest sound where it was.</summary>
    public Task StayedAsync(CommandResult moved, params string[] reason)
    {
        Tell(moved);
        Assert.False(moved.Succeeded, $"{moved}\n{Logs()}");
        foreach (var words in reason)
            Assert.True(moved.Error.Contains(words, StringComparison.Ordinal), $"not in the error: {words}\n{moved}\n{Logs()}");
        return EndsAtAsync(From);
    }

    /// <summary>All judges find the guest sound there; with a second migration there and back where it is asked for, and in the suite of faults.</summary>
    public async Task EndsAtAsync(DaemonRunner home, bool again = false)
    {
        var problems = await Passage.JudgeAsync(home);
        Assert.True(problems.Count == 0, $"{string.Join("\n", problems)}\n{Logs()}");
        if (again || AlwaysAgain)
        {
            _crossings.Clear();
            problems = await Passage.AgainAsync(home);
            Assert.True(problems.Count == 0, $"again:\n{string.Join("\n", problems)}\n{Logs()}");
        }

        _crossings.LeftAt(home);
        _sound = true;
    }

    /// <summary>Looks again and again until the condition holds.</summary>
    public Task UntilAsync(string what, Func<Task<bool>> condition, TimeSpan? limit = null) =>
        Aftermath.UntilAsync(what, condition, limit ?? Passage.Limit, From, To);

    public Task UntilAsync(string what, Func<bool> condition, TimeSpan? limit = null) => UntilAsync(what, () => Task.FromResult(condition()), limit);

    /// <summary>The memory is on its way: the migration is in the middle.</summary>
    public async Task SendingAsync()
    {
        using var client = new PlainClient(From);
        var domain = client.Find(Name);
        await UntilAsync("memory is sent", () =>
            client.Call<DomainGetJobInfoArgs, DomainGetJobInfoRet>(RemoteProcedure.DomainGetJobInfo, new DomainGetJobInfoArgs(domain)).MemProcessed > 0);
    }

    /// <summary>Waits for a moment of a migration; if that ends before, it says how.</summary>
    public async Task ReachAsync(Task moment, Task<CommandResult> moving)
    {
        var first = await Task.WhenAny(moment, moving, Task.Delay(Passage.Limit, TimeProvider.System));
        Assert.True(first == moment, moving.IsCompleted ? $"it ended before: {await moving}\n{Logs()}" : $"it was not reached\n{Logs()}");
    }

    /// <summary>Waits until the guest runs on one host and is gone from the other: which.</summary>
    public async Task<DaemonRunner> RunsAtAsync()
    {
        DaemonRunner? runner = null;
        await UntilAsync("one guest runs", async () => (runner = (await Passage.StateAsync(From), await Passage.StateAsync(To)) switch
        {
            ("running", null) => From,
            (null, "running") => To,
            _ => null,
        }) is not null);
        return runner!; // the wait ends when it is set
    }

    /// <summary>The source's connection to the destination ends, for whatever reason.</summary>
    public Task LosesLinkAsync()
    {
        var before = Losses();
        return UntilAsync("the source loses its control connection", () => Losses() > before);

        int Losses() => File.ReadAllText(From.LogPath).Split("ServerGone:").Length;
    }

    public void Tell(CommandResult moved) =>
        _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(moved.Succeeded ? "moved" : "stayed")} after {moved.Elapsed.TotalSeconds:0.0} s {moved.Error.Trim()}"));

    public string Logs() => $"{From.Host.Name} (from):\n{From.LogTail()}\n{To.Host.Name} (to):\n{To.LogTail()}";

    public async ValueTask DisposeAsync()
    {
        if (!_sound)
            await _crossings.EndAsync();
    }
}
