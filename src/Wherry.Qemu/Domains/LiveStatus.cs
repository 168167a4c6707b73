using System.Text.Json;
using System.Text.Json.Serialization;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Domains;

/// <summary>
/// What the next daemon must know to find a running QEMU again: written when it starts and whenever its state changes.
/// The truth about the CPUs is asked of QEMU; from here come the reason, and what QEMU cannot tell.
/// </summary>
internal sealed record LiveStatus
{
    /// <summary>Raised when a member changes its meaning. A file of a later schema is set aside, never half understood.</summary>
    public const int CurrentSchema = 1;

    public required int Schema { get; init; }
    public required string Name { get; init; }
    public required Guid Uuid { get; init; }
    public required int Id { get; init; }

    /// <summary>0 in the moment between writing this and starting QEMU.</summary>
    public required int Pid { get; init; }

    /// <summary>Clock ticks since boot (/proc/PID/stat 22); with the pid it names one process for all time.</summary>
    public required ulong StartTime { get; init; }

    public required string MonitorPath { get; init; }
    public required DomainState State { get; init; }
    public required int Reason { get; init; }

    public bool UsedByMonitor { get; init; }

    /// <summary>The coming power-off of the guest is to be a reboot.</summary>
    public bool RebootPending { get; init; }

    /// <summary>The long operation under way. A daemon that finds it was stopped in its midst.</summary>
    public JobOperation? Job { get; init; }

    /// <summary>See <see cref="DomainSnapshot.AgentPatienceSeconds"/>; null in files of a daemon that did not know it.</summary>
    public int? AgentPatienceSeconds { get; init; }

    /// <summary>The highest number that a block node of this run has had; 0 in files of daemons that plugged nothing in.</summary>
    public int LastBlockNode { get; init; }

    /// <summary>The live document, with secrets.</summary>
    public required string Xml { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, LiveStatusJson.Default.LiveStatus);

    /// <exception cref="LaterVersionException">Of a later schema.</exception>
    public static LiveStatus FromJson(byte[] json)
    {
        // The schema alone first: what a later one requires or renames is not ours to judge.
        using (var document = JsonDocument.Parse(json))
        {
            if (document.RootElement.TryGetProperty("schema", out var member) && member.TryGetInt32(out var schema) && schema > CurrentSchema)
                throw new LaterVersionException($"schema {schema}, this version knows {CurrentSchema}");
        }
        var status = JsonSerializer.Deserialize(json, LiveStatusJson.Default.LiveStatus) ?? throw new InvalidDataException("no status");
        return status.Schema == CurrentSchema
            ? status
            : throw new InvalidDataException($"schema {status.Schema}, we know {CurrentSchema}");
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LiveStatus))]
internal sealed partial class LiveStatusJson : JsonSerializerContext;
