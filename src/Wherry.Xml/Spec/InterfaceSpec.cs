namespace Wherry.Xml;

public sealed record InterfaceSpec : DeviceSpec
{
    public required InterfaceType Type { get; init; }

    /// <summary>Lower-case, colon-separated.</summary>
    public required string Mac { get; init; }

    /// <summary>Host bridge of a <see cref="InterfaceType.Bridge"/> interface.</summary>
    public string? SourceBridge { get; init; }

    /// <summary>The bridge is one of Open vSwitch's, and this is the port there; null for a bridge of the kernel's.</summary>
    public VirtualPortSpec? VirtualPort { get; init; }

    /// <summary>It is for the daemon to put it into its switch, and to take it out.</summary>
    public bool IsOwnPort => VirtualPort is not null && TargetManaged;

    /// <summary>Host tap device. Names made by the daemon (<c>vnetN</c>) appear only in live XML.</summary>
    public string? TargetDev { get; init; }

    /// <summary>false: an existing tap that the daemon neither makes nor configures.</summary>
    public bool TargetManaged { get; init; } = true;

    public string? ScriptPath { get; init; }

    /// <summary>"virtio", "e1000", "e1000e", "rtl8139" …</summary>
    public required string Model { get; init; }

    public string? DriverName { get; init; }

    public int? Queues { get; init; }

    public int? RxQueueSize { get; init; }

    public int? TxQueueSize { get; init; }

    public bool LinkUp { get; init; } = true;

    public int? Mtu { get; init; }

    /// <summary>null: no limit.</summary>
    public BandwidthSpec? Bandwidth { get; init; }
}

/// <param name="InterfaceId">By which a network controller finds the port.</param>
/// <param name="ProfileId">null: none.</param>
public sealed record VirtualPortSpec(Guid InterfaceId, string? ProfileId);

public enum InterfaceType
{
    User,
    Bridge,
    Ethernet,
}
