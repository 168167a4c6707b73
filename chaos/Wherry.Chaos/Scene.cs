using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Chaos;

/// <summary>One migration that is going on.</summary>
internal sealed class Scene : IDisposable
{
    // A daemon that has lost its peer waits a minute for it, QEMU half a minute for a mirror; then what they took is given back.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly Passage _passage;
    private readonly CancellationToken _ct;
    private readonly CancellationTokenSource _clientKilled = new();
    private readonly int _qemusBefore;
    private Task<CommandResult?> _over = Task.FromResult<CommandResult?>(null);

    private Scene(Passage passage, DaemonRunner from, DaemonRunner to, CancellationToken ct)
    {
        _passage = passage;
        _ct = ct;
        _qemusBefore = passage.Timeline.Pids.Length;
        From = from;
        To = to;
    }

    public DaemonRunner From { get; }

    public DaemonRunner To { get; }

    public string Domain => _passage.Domain.Name;

    /// <summary>The client's end; null when it was killed.</summary>
    public Task<CommandResult?> Over => _over;

    public bool IsOver => _over.IsCompleted;

    public int? OutgoingQemu => Alive(_qemusBefore - 1);

    /// <summary>Null until it has been started, and when it is dead.</summary>
    public int? IncomingQemu => Alive(_qemusBefore);

    public static async Task<Scene> BeginAsync(Passage passage, Way way, DaemonRunner from, DaemonRunner to, CancellationToken ct)
    {
        var scene = new Scene(passage, from, to, ct);
        scene._over = scene.MoveAsync(await passage.MoveCommandAsync(from, to, way.FlagsTowards(to)));
        return scene;
    }

    /// <summary>The moment of a fault, or its length: it is random, and nothing is waited for.</summary>
    public Task AfterAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, _ct);

    /// <summary>SIGKILL for virsh; false when it had ended. Returns when the daemon has read what it had sent, which may be the call itself.</summary>
    public async Task<bool> KillClientAsync()
    {
        await _clientKilled.CancelAsync();
        if (await _over is not null)
            return false;

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ct);
        limit.CancelAfter(Limit);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while ((await From.Host.RunAsync("ss", "-tnH", "state", "close-wait", "sport", "=", ":16509").Checked()).Output.Trim().Length > 0)
            await pause.WaitForNextTickAsync(limit.Token);

        return true;
    }

    public void Dispose() => _clientKilled.Dispose();

    private async Task<CommandResult?> MoveAsync(string[] command)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_ct, _clientKilled.Token);
        try
        {
            return await Command.RunAsync(From.Host.Enter(command), Limit, ct: either.Token);
        }
        catch (OperationCanceledException) when (_clientKilled.IsCancellationRequested)
        {
            return null;
        }
    }

    private int? Alive(int index)
    {
        var pids = _passage.Timeline.Pids;
        return index >= 0 && index < pids.Length && File.Exists($"/proc/{pids[index]}/exe") ? pids[index] : null;
    }
}
