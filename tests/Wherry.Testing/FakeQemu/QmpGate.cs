using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Wherry.Testing;

/// <summary>What happened by a rule of a <see cref="QmpProxy"/>, and the way out for what it holds.</summary>
public sealed class QmpGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<(JsonObject Message, Func<IEnumerable<JsonObject>, Task> Send)> _held = [];
    private bool _released;

    /// <summary>Completes when the rule first applies.</summary>
    public Task Reached => _reached.Task;

    /// <summary>Lets go of all that is held, in its order, and holds nothing from now on.</summary>
    public async Task ReleaseAsync()
    {
        List<(JsonObject Message, Func<IEnumerable<JsonObject>, Task> Send)> held;
        lock (_lock)
        {
            _released = true;
            held = [.. _held];
            _held.Clear();
        }

        foreach (var (message, send) in held)
        {
            try
            {
                await send([message]);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Its connection did not outlive the wait.
            }
        }
    }

    internal void Open() => _reached.TrySetResult();

    /// <returns>Whether it is held.</returns>
    internal bool Keep(JsonObject message, Func<IEnumerable<JsonObject>, Task> send)
    {
        lock (_lock)
        {
            if (_released)
                return false;
            _held.Add((message, send));
            _reached.TrySetResult();
            return true;
        }
    }
}
