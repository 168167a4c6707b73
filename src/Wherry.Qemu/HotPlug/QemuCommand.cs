using System.Runtime.InteropServices;
using System.Text.Json;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.HotPlug;

/// <summary>One command of a plug, and what takes it back.</summary>
/// <param name="Execute">QMP command.</param>
/// <param name="Arguments">Its arguments, as a JSON object.</param>
internal sealed record QemuCommand(string Execute, string Arguments)
{
    /// <summary>What undoes it; null where nothing has to be undone.</summary>
    public QemuCommand? Undo { get; init; }

    /// <summary>A descriptor that goes with it (getfd).</summary>
    public SafeHandle? Descriptor { get; init; }

    /// <summary>Runs them in order. When QEMU refuses one, those before it are undone, from last to first, and its words are thrown.</summary>
    /// <returns>What each answered.</returns>
    public static async Task<IReadOnlyList<JsonElement>> RunAllAsync(MonitorSession monitor, IEnumerable<QemuCommand> commands)
    {
        var answers = new List<JsonElement>();
        var done = new Stack<QemuCommand>();
        try
        {
            foreach (var command in commands)
            {
                answers.Add(await command.RunAsync(monitor));
                done.Push(command);
            }
        }
        catch (WherryException)
        {
            foreach (var undo in done.Select(command => command.Undo).OfType<QemuCommand>())
                await undo.TryAsync(monitor);
            throw;
        }

        return answers;
    }

    /// <exception cref="QmpErrorException">QEMU refuses.</exception>
    public async Task<JsonElement> RunAsync(MonitorSession monitor)
    {
        // Half a plug cannot be left standing because a client has gone: the monitor's own deadline bounds each command.
        if (Descriptor is not null)
        {
            using var name = JsonDocument.Parse(Arguments);
            await monitor.ExecuteWithDescriptorAsync(new Getfd(name.RootElement.GetProperty("fdname").GetString()!), Descriptor, CancellationToken.None);
            return default;
        }

        using var document = JsonDocument.Parse(await monitor.ExecuteRawAsync($$"""{"execute":"{{Execute}}","arguments":{{Arguments}}}""", CancellationToken.None));
        if (document.RootElement.TryGetProperty("error", out var error))
            throw new QmpErrorException(Execute, error.GetProperty("class").GetString() ?? "", error.GetProperty("desc").GetString() ?? "");
        return document.RootElement.GetProperty("return").Clone();
    }

    /// <summary>For what is taken away: a part that is not there any more, or that QEMU still needs, must not keep the others.</summary>
    public async Task TryAsync(MonitorSession monitor)
    {
        try
        {
            await RunAsync(monitor);
        }
        catch (QmpErrorException)
        {
            // Nothing else can be done about it, and the device itself is gone.
        }
    }
}
