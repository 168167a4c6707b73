using System.Text.Json.Nodes;
using Wherry.Qmp.Values;

namespace Wherry.Testing;

// Commands, with QEMU's refusals.
public sealed partial class FakeQemu
{
    private const string CpuPath = "/machine/unattached/device[0]";

    private readonly HashSet<string> _nodes = [];
    private readonly Dictionary<string, string> _exports = []; // id to node
    private readonly List<(string Qdev, string Node, long Bytes)> _drives = [];
    private bool _nbdServer;

    /// <summary>Block nodes that exist; a test adds those that a command line would have made.</summary>
    public HashSet<string> Nodes => _nodes;

    public bool NbdServerRuns => _nbdServer;

    /// <summary>Properties of the only CPU.</summary>
    public Dictionary<string, JsonNode> CpuProperties { get; } = [];

    /// <summary>
    /// Told of each command by its name when it has had its effect and its reply is made but not sent. What the test does to this QEMU now
    /// is in no answer yet, the one under way included, and its events overtake that answer.
    /// </summary>
    public Action<string>? BeforeReply { get; set; }

    /// <summary>Told of each command by its name when its reply has been sent.</summary>
    public Action<string>? AfterReply { get; set; }

    /// <summary>A drive as a command line would have made it: a device, and the node it reads and writes.</summary>
    public void AddDrive(string qdev, string node, long bytes)
    {
        lock (Gate)
        {
            _drives.Add((qdev, node, bytes));
            _nodes.Add(node);
        }
    }

    private static string NameOf(JsonObject message) => (string?)(message["exec-oob"] ?? message["execute"]) ?? "";

    private void Arrived(JsonObject message)
    {
        lock (Gate)
        {
            _received.Add(NameOf(message));
            _receivedMore.TrySetResult();
            _receivedMore = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private async Task<JsonObject?> AnswerAsync(JsonObject message)
    {
        var outOfBand = message["exec-oob"] is not null;
        var name = NameOf(message);
        var arguments = message["arguments"] as JsonObject ?? [];
        TaskCompletionSource? hang;
        lock (Gate)
        {
            if (_hungCommands.Contains(name))
            {
                _mainLoopHang ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            hang = outOfBand ? null : _mainLoopHang;
        }

        if (hang is not null)
        {
            await hang.Task;
        }

        lock (Gate)
        {
            if (Process.Exited.IsCompleted)
            {
                return null;
            }

            try
            {
                var result = Execute(name, arguments) ?? new JsonObject();
                BeforeReply?.Invoke(name);
                return _swallowed.Remove(name) ? null : new JsonObject { ["return"] = result };
            }
            catch (Refusal refusal)
            {
                return new JsonObject { ["error"] = new JsonObject { ["class"] = refusal.Class, ["desc"] = refusal.Message } };
            }
        }
    }

    private void Answered(JsonObject message)
    {
        if ((string?)message["execute"] == "quit")
        {
            Process.End(new(0, Signal: null));
        }

        AfterReply?.Invoke(NameOf(message));
    }

    private JsonNode? Execute(string name, JsonObject arguments)
    {
        switch (name)
        {
            case "qmp_capabilities" or "getfd" or "closefd" or "object-add" or "object-del":
                return null;
            case "query-status":
                return new JsonObject { ["running"] = Running, ["singlestep"] = false, ["status"] = Status.Value };
            case "cont":
                Cont();
                return null;
            case "stop":
                if (Running)
                {
                    StopVcpus(RunState.Paused);
                }

                return null;
            case "system_powerdown":
                Emit("POWERDOWN");
                return null;
            case "system_reset":
                Emit("RESET", new JsonObject { ["guest"] = false, ["reason"] = "host-qmp-system-reset" });
                return null;
            case "quit":
                Emit("SHUTDOWN", new JsonObject { ["guest"] = false, ["reason"] = "host-qmp-quit" });
                return null; // The end follows the reply: see Answered.
            case "blockdev-add":
                Require(_nodes.Add(Text(arguments, "node-name")), $"Duplicate nodes with node-name='{Text(arguments, "node-name")}'");
                return null;
            case "blockdev-del":
                return DeleteNode(Text(arguments, "node-name"));
            case "query-block":
                return new JsonArray([.. _drives.Select(d => new JsonObject
                {
                    ["device"] = "", ["qdev"] = d.Qdev, ["removable"] = false, ["locked"] = false, ["inserted"] = NodeInfo(d.Node, d.Bytes),
                })]);
            case "query-named-block-nodes":
                return new JsonArray([.. _nodes.Select(node => NodeInfo(node, DiskBytes))]);
            case "nbd-server-start":
                Require(!_nbdServer, "NBD server already running");
                _nbdServer = true;
                return null;
            case "nbd-server-stop":
                Require(_nbdServer, "NBD server not running");
                _nbdServer = false;
                _exports.Clear();
                return null;
            case "block-export-add":
                Require(_nbdServer, "NBD server not running");
                _exports.Add(Text(arguments, "id"), Text(arguments, "node-name"));
                return null;
            case "block-export-del":
                Require(_exports.Remove(Text(arguments, "id")), $"Export '{Text(arguments, "id")}' is not found");
                Emit("BLOCK_EXPORT_DELETED", new JsonObject { ["id"] = Text(arguments, "id") });
                return null;
            case "query-block-exports":
                return new JsonArray([.. _exports.Select(e => new JsonObject
                {
                    ["id"] = e.Key, ["type"] = "nbd", ["node-name"] = e.Value, ["shutting-down"] = false,
                })]);
            case "query-cpus-fast":
                return new JsonArray(new JsonObject { ["thread-id"] = 1, ["cpu-index"] = 0, ["target"] = "x86_64", ["qom-path"] = CpuPath });
            case "qom-get":
                Require(Text(arguments, "path") == CpuPath, $"Device '{Text(arguments, "path")}' not found");
                return CpuProperties.TryGetValue(Text(arguments, "property"), out var value)
                    ? value.DeepClone()
                    : throw new Refusal("GenericError", $"Property 'qemu64-x86_64-cpu.{Text(arguments, "property")}' not found");
            case "query-commands":
                return new JsonArray(new JsonObject { ["name"] = "blockdev-mirror" }); // an old one: nothing that newer ones have
            case "query-yank":
                return new JsonArray([.. YankInstances()]);
            case "yank":
                Yank(arguments);
                return null;
            default:
                return ExecuteJobCommand(name, arguments, out var answer) || ExecuteMigrationCommand(name, arguments, out answer)
                    ? answer
                    : throw new Refusal("CommandNotFound", $"The command {name} has not been found");
        }
    }

    private void Cont()
    {
        Require(Status != RunState.FinishMigrate, "Migration is not finalized yet");
        if (Status == RunState.Inmigrate)
        {
            _autostart = true; // The trap: it will run by itself when the load ends.
            return;
        }

        SetRunning();
    }

    private JsonNode? DeleteNode(string node)
    {
        Require(_nodes.Contains(node), $"Failed to find node with node-name='{node}'");
        Require(!_jobs.Values.Any(j => j.Uses(node)), $"Node {node} is in use");
        _nodes.Remove(node);
        return null;
    }

    private static JsonObject NodeInfo(string node, long bytes) => new()
    {
        ["file"] = node,
        ["node-name"] = node,
        ["ro"] = false,
        ["drv"] = "raw",
        ["backing_file_depth"] = 0,
        ["write_threshold"] = 0,
        ["image"] = new JsonObject { ["filename"] = node, ["format"] = "raw", ["virtual-size"] = bytes },
    };

    /// <summary>What may be cut: the stream while there is one, and every node that talks to a server.</summary>
    private IEnumerable<JsonObject> YankInstances()
    {
        if (_migration is { } status && !IsOver(status))
        {
            yield return new JsonObject { ["type"] = "migration" };
        }

        foreach (var node in _nodes.Where(node => node.EndsWith("-storage", StringComparison.Ordinal)))
        {
            yield return new JsonObject { ["type"] = "block-node", ["node-name"] = node };
        }
    }

    private static string Text(JsonObject arguments, string name) =>
        (string?)arguments[name] ?? throw new Refusal("GenericError", $"Parameter '{name}' is missing");

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new Refusal("GenericError", otherwise);
        }
    }

    private sealed class Refusal(string @class, string description) : Exception(description)
    {
        public string Class { get; } = @class;
    }
}
