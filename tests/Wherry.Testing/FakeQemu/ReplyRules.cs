using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Wherry.Testing;

/// <summary>What a <see cref="QmpProxy"/> does to commands and their replies. Without rules all pass.</summary>
public sealed class ReplyRules
{
    private readonly Lock _gate = new();
    private readonly List<Rule> _rules = [];
    private readonly Dictionary<string, Rule> _pending = [];
    private readonly List<string> _commands = [];

    /// <summary>The commands that were sent, in their order.</summary>
    public ImmutableArray<string> Commands
    {
        get
        {
            lock (_gate)
                return [.. _commands];
        }
    }

    /// <summary>From now on everything passes.</summary>
    public void Clear()
    {
        lock (_gate)
            _rules.Clear();
    }

    /// <summary>QEMU does it, and nobody hears of it.</summary>
    public QmpGate Swallow(string command, int count = 1) => Add(new Rule(command, count, Hold: false, Refusal: null));

    /// <summary>QEMU does it, and its reply waits until <see cref="QmpGate.ReleaseAsync"/>; other replies and events overtake it.</summary>
    public QmpGate Hold(string command, int count = 1) => Add(new Rule(command, count, Hold: true, Refusal: null));

    /// <summary>QEMU never gets it; this error is the reply.</summary>
    public QmpGate Refuse(string command, string description, int count = 1) => Add(new Rule(command, count, Hold: false, description));

    /// <summary>Changes the arguments of a command on its way.</summary>
    public QmpGate Edit(string command, Action<JsonObject> edit, int count = 1) => Add(new Rule(command, count, Hold: false, Refusal: null) { Edit = edit });

    /// <summary>The reply that is sent in QEMU's place, or null when the command passes.</summary>
    internal JsonObject? Command(JsonObject message)
    {
        var name = (string?)(message["execute"] ?? message["exec-oob"]);
        if (name is null)
            return null;
        lock (_gate)
        {
            _commands.Add(name);
            if (_rules.Find(rule => rule.Command == name && rule.Count > 0) is not { } rule)
                return null;
            rule.Count--;
            rule.Gate.Open();
            if (rule.Edit is { } edit)
            {
                edit(message["arguments"] as JsonObject ?? []);
                return null;
            }

            if (rule.Refusal is { } description)
            {
                return new JsonObject
                {
                    ["error"] = new JsonObject { ["class"] = "GenericError", ["desc"] = description },
                    ["id"] = message["id"]?.DeepClone(),
                };
            }

            _pending[message["id"]?.ToJsonString() ?? ""] = rule;
            return null;
        }
    }

    /// <summary>What passes at once in place of a reply.</summary>
    internal ImmutableArray<JsonObject> Reply(JsonObject message, Func<IEnumerable<JsonObject>, Task> send)
    {
        lock (_gate)
        {
            if (message["id"] is not { } id || !_pending.Remove(id.ToJsonString(), out var rule))
                return [message];
            return !rule.Hold || rule.Gate.Keep(message, send) ? [] : [message];
        }
    }

    private QmpGate Add(Rule rule)
    {
        lock (_gate)
            _rules.Add(rule);
        return rule.Gate;
    }

    private sealed record Rule(string Command, int Count, bool Hold, string? Refusal)
    {
        public int Count { get; set; } = Count;

        public Action<JsonObject>? Edit { get; init; }

        public QmpGate Gate { get; } = new();
    }
}
