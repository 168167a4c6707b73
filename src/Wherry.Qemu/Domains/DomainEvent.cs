using System.Collections.Immutable;
using Wherry.Qemu.Domains.Jobs;

namespace Wherry.Qemu.Domains;

/// <summary>Something a client may subscribe to. One case per libvirt event kind that we send.</summary>
public abstract record DomainEvent
{
    private DomainEvent()
    {
    }

    public sealed record Lifecycle(LifecycleEvent Event) : DomainEvent;

    /// <summary>The guest, or somebody on its behalf, reset the machine.</summary>
    public sealed record Reboot : DomainEvent;

    /// <param name="OffsetSeconds">New distance of the guest's clock from the host's UTC.</param>
    public sealed record RtcChange(long OffsetSeconds) : DomainEvent;

    public sealed record Watchdog(WatchdogAction Action) : DomainEvent;

    /// <param name="Source">File or device of the disk.</param>
    /// <param name="Alias">Device alias, such as <c>virtio-disk0</c>.</param>
    /// <param name="Reason"><c>enospc</c> or empty.</param>
    public sealed record IoError(string Source, string Alias, IoErrorAction Action, string Reason) : DomainEvent;

    /// <summary>The monitor can no longer be trusted: the guest goes on, and nothing can be asked of its QEMU any more.</summary>
    public sealed record ControlError : DomainEvent;

    /// <summary>A viewer came, was let in, or went.</summary>
    /// <param name="AuthScheme">QEMU's word, such as <c>none</c> or <c>vnc</c>; empty when it says none.</param>
    /// <param name="Subject">Who the viewer proved to be.</param>
    public sealed record Graphics(
        GraphicsPhase Phase, GraphicsAddress Local, GraphicsAddress Remote, string AuthScheme, ImmutableArray<GraphicsIdentity> Subject) : DomainEvent;

    /// <summary>A drive has another medium, or a disk another image.</summary>
    /// <param name="OldSource">Null: it was empty.</param>
    /// <param name="NewSource">Null: it is empty now.</param>
    public sealed record DiskChange(string? OldSource, string? NewSource, string Alias, DiskChangeReason Reason) : DomainEvent;

    /// <param name="Alias">CD-ROM or floppy drive.</param>
    public sealed record TrayChange(string Alias, bool Opened) : DomainEvent;

    public sealed record PmWakeup : DomainEvent;

    public sealed record PmSuspend(bool ToDisk) : DomainEvent;

    public sealed record BalloonChange(ulong ActualKiB) : DomainEvent;

    public sealed record DeviceAdded(string Alias) : DomainEvent;

    public sealed record DeviceRemoved(string Alias) : DomainEvent;

    /// <summary>The guest refused to let go of a device.</summary>
    public sealed record DeviceRemovalFailed(string Alias) : DomainEvent;

    /// <summary>Tuning of a running domain has changed.</summary>
    /// <param name="Fields">Those that changed, under libvirt's names (<c>cputune.vcpupin0</c>, <c>blkdeviotune.total_bytes_sec</c>).</param>
    public sealed record Tunable(ImmutableArray<TunedField> Fields) : DomainEvent;

    public sealed record AgentLifecycle(bool Connected, AgentLifecycleReason Reason) : DomainEvent;

    /// <summary>A disk's copy came to a new state.</summary>
    /// <param name="Source">File or device of the disk.</param>
    /// <param name="Target">Guest-visible target, such as <c>vda</c>.</param>
    public sealed record BlockJob(string Source, string Target, BlockJobType Type, BlockJobStatus Status) : DomainEvent;

    public sealed record MigrationIteration(int Iteration) : DomainEvent;

    public sealed record JobCompleted(JobStats Stats) : DomainEvent;

    public sealed record MetadataChange(MetadataKind Kind, string? NamespaceUri) : DomainEvent;

    /// <summary>A disk was written past the mark that a client had set.</summary>
    /// <param name="Device">Target with the number of the image, such as <c>vda[3]</c>, or without it for the top image.</param>
    /// <param name="Path">Of the image, when it is a local file or device.</param>
    /// <param name="Threshold">The mark, in bytes.</param>
    /// <param name="Excess">Bytes past it.</param>
    public sealed record BlockThreshold(string Device, string? Path, ulong Threshold, ulong Excess) : DomainEvent;

    /// <summary>The host's memory failed under the guest.</summary>
    public sealed record MemoryFailure(MemoryFailureRecipient Recipient, MemoryFailureAction Action, MemoryFailureTraits Traits) : DomainEvent;

    public sealed record MemoryDeviceSizeChange(string Alias, ulong SizeKiB) : DomainEvent;

    /// <summary>A QMP event as QEMU sent it, for <c>virsh qemu-monitor-event</c>.</summary>
    /// <param name="Data">JSON text of its <c>data</c>; null when it had none.</param>
    public sealed record Monitor(string Name, long Seconds, uint Microseconds, string? Data) : DomainEvent;
}

/// <summary>libvirt's virDomainEventGraphicsPhase.</summary>
public enum GraphicsPhase
{
    Connect = 0,
    Initialize = 1,
    Disconnect = 2,
}

/// <param name="Node">Host address, or the path of a unix socket.</param>
/// <param name="Service">Port.</param>
public sealed record GraphicsAddress(GraphicsFamily Family, string Node, string Service);

/// <summary>libvirt's virDomainEventGraphicsAddressType.</summary>
public enum GraphicsFamily
{
    Ipv4 = 0,
    Ipv6 = 1,
    Unix = 2,
}

/// <param name="Type"><c>x509dname</c> or <c>saslUsername</c>.</param>
public sealed record GraphicsIdentity(string Type, string Name);

/// <summary>libvirt's virConnectDomainEventDiskChangeReason.</summary>
public enum DiskChangeReason
{
    MissingOnStart = 0,
    DropMissingOnStart = 1,
}

/// <summary>One of <paramref name="Number"/>, <paramref name="Text"/> and <paramref name="Signed"/> is given: the type that the client sees.</summary>
public sealed record TunedField(string Name, ulong? Number, string? Text, long? Signed = null);

/// <summary>libvirt's virDomainMemoryFailureRecipientType.</summary>
public enum MemoryFailureRecipient
{
    Hypervisor = 0,
    Guest = 1,
}

/// <summary>libvirt's virDomainMemoryFailureActionType.</summary>
public enum MemoryFailureAction
{
    Ignore = 0,
    Inject = 1,
    Fatal = 2,
    Reset = 3,
}

/// <summary>libvirt's virDomainMemoryFailureFlags.</summary>
[Flags]
public enum MemoryFailureTraits
{
    None = 0,
    ActionRequired = 1,
    Recursive = 2,
}

/// <summary>libvirt's virDomainEventWatchdogAction.</summary>
public enum WatchdogAction
{
    None = 0,
    Pause = 1,
    Reset = 2,
    PowerOff = 3,
    Shutdown = 4,
    Debug = 5,
    InjectNmi = 6,
}

/// <summary>libvirt's virDomainEventIOErrorAction.</summary>
public enum IoErrorAction
{
    None = 0,
    Pause = 1,
    Report = 2,
}

/// <summary>libvirt's virDomainBlockJobType, as far as we have such jobs.</summary>
public enum BlockJobType
{
    Copy = 2,
}

/// <summary>libvirt's virConnectDomainEventBlockJobStatus.</summary>
public enum BlockJobStatus
{
    Completed = 0,
    Failed = 1,
    Canceled = 2,
    Ready = 3,
}

/// <summary>libvirt's virConnectDomainEventAgentLifecycleReason.</summary>
public enum AgentLifecycleReason
{
    Unknown = 0,
    DomainStarted = 1,
    Channel = 2,
}

/// <summary>libvirt's virDomainMetadataType.</summary>
public enum MetadataKind
{
    Description = 0,
    Title = 1,
    Element = 2,
}

/// <summary>Which domain, as a client sees it at the moment of an event or a reply.</summary>
/// <param name="Id">-1 when inactive.</param>
public readonly record struct DomainIdentity(string Name, Guid Uuid, int Id);

/// <summary>Where domains put their events. Called with the domain's state lock held, so in the order of the state changes:
/// it must only hand over (to bounded queues), never wait or call back.</summary>
public interface IDomainEventSink
{
    void Publish(DomainIdentity domain, DomainEvent happened);
}
