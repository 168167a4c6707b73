using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// A client's own words to QEMU.
public sealed partial class QemuDriver
{
    /// <summary>virsh qemu-monitor-command: QEMU's whole reply as JSON, or what the human monitor prints.</summary>
    public async Task<string> MonitorCommandAsync(Domain domain, string command, bool isHmp, string owner, CancellationToken ct)
    {
        ActiveQemu(domain);
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        var qemu = ActiveQemu(domain);
        // Whatever it does, it may not be what we believe of this guest from now on.
        domain.Change(now => now with { UsedByMonitor = true });
        if (!isHmp)
            RefuseOwnId(command);
        var reply = isHmp
            ? await qemu.Monitor.ExecuteAsync(new HumanMonitorCommand(command), ct)
            : Compact(await qemu.Monitor.ExecuteRawAsync(command, ct));
        await qemu.CatchUpAsync(ct);
        return reply;
    }

    /// <summary>The id of a command is ours; libvirt cannot add its own to one that has one.</summary>
    private static void RefuseOwnId(string command)
    {
        try
        {
            using var document = JsonDocument.Parse(command);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("id", out _))
                throw new WherryException(ErrorCode.InternalError, "Unable to append command 'id' string");
        }
        catch (JsonException)
        {
            // Not JSON: the monitor session takes it for the name of a command.
        }
    }

    /// <summary>libvirt parses the reply and writes it again, without the spaces that QEMU puts in; scripts match on that.</summary>
    private static string Compact(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1024 });
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1024 }))
            document.WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
