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
    public ImmutableArray<JsonObject> Apply(JsonObject message)
    {
        lock (_gate)
        {
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
