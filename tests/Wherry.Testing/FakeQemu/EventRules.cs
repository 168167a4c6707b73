using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Wherry.Testing;

/// <summary>
/// What a faulty or merely unlucky world does to QEMU's events, within what is legal (order among disks, any one missing, duplicates, delays).
/// Used by <see cref="FakeQemu"/> and, before a real QEMU, by <see cref="QmpProxy"/>. Without rules every event passes.
/// </summary>
public sealed class EventRules
{
    private readonly Lock _gate = new();
    private readonly List<Func<JsonObject, IEnumerable<JsonObject>?>> _rules = [];
    private readonly List<(Func<JsonObject, bool> Which, QmpGate Gate)> _gates = [];
    private readonly List<JsonObject> _untilReply = [];
    private readonly List<JsonObject> _passed = [];

    /// <summary>Drops the first <paramref name="count"/> events of a name.</summary>
    public void Drop(string name, int count = int.MaxValue) => Add(e => NameOf(e) == name && count-- > 0 ? [] : null);

    /// <summary>Sends every event of a name twice.</summary>
    public void Duplicate(string name) => Add(e => NameOf(e) == name ? [e, (JsonObject)e.DeepClone()] : null);

    /// <summary>Holds the next event of a name back until the next one of another name has passed.</summary>
    public void Delay(string name, string until)
    {
        JsonObject? held = null;
        Add(e =>
        {
            if (NameOf(e) == name && held is null)
            {
                held = e;
                return [];
            }

            if (NameOf(e) == until && held is { } late)
            {
                held = null;
                return [e, late];
            }

            return null;
        });
    }

    /// <summary>Holds every event of a name, and with <paramref name="status"/> only those that say it, until <see cref="QmpGate.ReleaseAsync"/>.</summary>
    public QmpGate Hold(string name, string? status = null)
    {
        var gate = new QmpGate();
        lock (_gate)
        {
            _gates.Add((e => NameOf(e) == name && (status is null || (string?)e["data"]?["status"] == status), gate));
        }

        return gate;
    }

    /// <summary>Every event waits until a reply has passed: the asker has looked before he is woken.</summary>
    public void AfterNextReply(string name) => Add(e =>
    {
        if (NameOf(e) != name)
            return null;
        _untilReply.Add(e);
        return [];
    });

    /// <summary>Changes events of a name as they pass.</summary>
    public void Rewrite(string? name, Action<JsonObject> change) => Add(e =>
    {
        if (name is not null && NameOf(e) != name)
            return null;
        change(e);
        return [e];
    });

    /// <summary>From now on every event passes; what is held stays with who holds it.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _rules.Clear();
            _gates.Clear();
        }
    }

    /// <summary>How many events of a name QEMU has sent, also those that never passed.</summary>
    public int Sent(string name)
    {
        lock (_gate)
            return _passed.Count(e => NameOf(e) == name);
    }

    /// <summary>
    /// Makes jobs end in the given order, whatever order they end in: everything about the end of a job (its JOB_STATUS_CHANGE from waiting on and its
    /// BLOCK_JOB_COMPLETED) is held back until all have ended, then passes job by job.
    /// </summary>
    public void EndJobsInOrder(ImmutableArray<string> jobIds)
    {
        var ends = jobIds.ToDictionary(id => id, _ => new List<JsonObject>(), StringComparer.Ordinal);
        var ended = 0;
        Add(e =>
        {
            if (!IsEnd(e) || !ends.TryGetValue(JobOf(e), out var events))
            {
                return null;
            }

            events.Add(e);
            ended += StatusOf(e) == "concluded" ? 1 : 0;
            return ended == jobIds.Length ? [.. jobIds.SelectMany(id => ends[id])] : [];
        });
    }

    /// <summary>What passes in place of an event. The first rule that has an opinion decides.</summary>
    public ImmutableArray<JsonObject> Apply(JsonObject message) => Apply(message, _ => Task.CompletedTask);

    /// <param name="message">The event.</param>
    /// <param name="send">Sends what passes later.</param>
    internal ImmutableArray<JsonObject> Apply(JsonObject message, Func<IEnumerable<JsonObject>, Task> send)
    {
        lock (_gate)
        {
            _passed.Add(message);
            foreach (var (which, gate) in _gates)
            {
                if (which(message) && gate.Keep(message, send))
                    return [];
            }

            foreach (var rule in _rules)
            {
                if (rule(message) is { } passed)
                {
                    return [.. passed];
                }
            }

            return [message];
        }
    }

    /// <summary>What a reply lets go of.</summary>
    internal ImmutableArray<JsonObject> AfterReply(JsonObject message)
    {
        lock (_gate)
        {
            if (message.ContainsKey("event") || _untilReply.Count == 0)
                return [];
            ImmutableArray<JsonObject> late = [.. _untilReply];
            _untilReply.Clear();
            return late;
        }
    }

    private static string NameOf(JsonObject message) => (string?)message["event"] ?? "";

    private static string JobOf(JsonObject message) => (string?)message["data"]?["id"] ?? (string?)message["data"]?["device"] ?? "";

    private static string? StatusOf(JsonObject message) => NameOf(message) == "JOB_STATUS_CHANGE" ? (string?)message["data"]?["status"] : null;

    private static bool IsEnd(JsonObject message) =>
        NameOf(message) is "BLOCK_JOB_COMPLETED" or "BLOCK_JOB_CANCELLED" || StatusOf(message) is "waiting" or "pending" or "aborting" or "concluded" or "null";

    private void Add(Func<JsonObject, IEnumerable<JsonObject>?> rule)
    {
        lock (_gate)
        {
            _rules.Add(rule);
        }
    }
}
