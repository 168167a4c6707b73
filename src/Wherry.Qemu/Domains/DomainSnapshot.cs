using Wherry.Qemu.Domains.Jobs;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

/// <summary>
/// Everything a client may ask about a domain without asking QEMU; immutable, replaced as a whole with every change.
/// Reads (list, info, state, XML, job info) are answered from it alone: they wait for no job and no monitor.
/// </summary>
public sealed record DomainSnapshot
{
    public required string Name { get; init; }
    public required Guid Uuid { get; init; }

    /// <summary>Number of the running domain; -1 when there is no QEMU.</summary>
    public int Id { get; init; } = -1;

    public DomainStatus Status { get; init; } = DomainStatus.Shutoff(ShutoffReason.Unknown);

    /// <summary>The stored definition: what the next start uses. Null for a transient domain.</summary>
    public DomainDefinition? Config { get; init; }

    /// <summary>What runs now, with aliases, chosen ports and the like. Null when inactive.</summary>
    public DomainDefinition? Live { get; init; }

    /// <summary>Starts with the daemon (with the host, in system mode).</summary>
    public bool Autostart { get; init; }

    /// <summary>A user has talked to this run's QEMU past us: libvirt calls it tainted.</summary>
    public bool UsedByMonitor { get; init; }

    /// <summary>The guest's next power-off is turned into a reset: somebody has asked for a reboot.</summary>
    public bool RebootPending { get; init; }

    /// <summary>How long an answer of the guest's agent is awaited, in libvirt's numbers; -2: as long as the guest lives.</summary>
    public int AgentPatienceSeconds { get; init; } = Wherry.Qmp.GuestAgent.AgentPatience.Unlimited.Seconds;

    /// <summary>Progress of the long operation under way.</summary>
    public JobStats? Job { get; init; }

    /// <summary>The last finished long operation, for <c>domjobinfo --completed</c>.</summary>
    public JobStats? CompletedJob { get; init; }

    /// <summary>There is a QEMU, or is about to be one.</summary>
    public bool IsActive => Id >= 0;

    public bool IsPersistent => Config is not null;

    /// <summary>What <c>dumpxml</c> shows without flags.</summary>
    /// <exception cref="WherryException">NoDomain: a transient one that has just ended, and is about to be forgotten.</exception>
    public DomainDefinition Definition => Live ?? Config ?? throw new WherryException(
        ErrorCode.NoDomain, $"no domain with matching uuid '{Uuid}' ({Name})");

    /// <summary>It is defined or active; false for a transient one that has just ended.</summary>
    public bool Exists => Live is not null || Config is not null;

    public DomainIdentity Identity => new(Name, Uuid, Id);
}

/// <summary>A domain's XML, and our reading of it.</summary>
public sealed record DomainDefinition(DomainDocument Document, DomainSpec Spec)
{
    public DomainDefinition(DomainDocument document)
        : this(document, DomainSpec.From(document))
    {
    }
}
