using System.Collections.Immutable;

namespace Wherry.Xml;

//   text ──Parse──▶ DomainDocument ──Complete──▶ DomainDocument ──From──▶ DomainSpec ──▶ argv, migration, checks
//                   (an XML tree:                (what libvirt 9.0        (immutable, typed,
//                    keeps what we                would have added)        only what we understand)
//                    do not interpret)
//
// The document is the truth and is what clients see; the spec is a reading of it and is never turned back into XML.

/// <summary>Everything in a domain's XML that decides how its guest is built, typed and in one unit system.</summary>
public sealed partial record DomainSpec
{
    public required DomainType Type { get; init; }

    public required string Name { get; init; }

    public required Guid Uuid { get; init; }

    /// <summary>The running domain's number; null in a persistent definition.</summary>
    public int? Id { get; init; }

    public string? Title { get; init; }

    /// <summary>What a guest sees change when it is copied or set back (ACPI's VM Generation ID); null: it has none.</summary>
    public Guid? GenerationId { get; init; }

    /// <summary>All of the guest's memory: what it boots with, and its modules.</summary>
    public required ByteSize Memory { get; init; }

    /// <summary>What the guest boots with.</summary>
    public ByteSize InitialMemory => new(Memory.Bytes - MemoryModules.Aggregate(0UL, (sum, module) => sum + module.Size.Bytes));

    /// <summary>Null for a guest whose memory cannot grow.</summary>
    public MaxMemorySpec? MaxMemory { get; init; }

    /// <summary>In the order of their numbers; empty for a guest without NUMA.</summary>
    public ImmutableArray<NumaCellSpec> NumaCells { get; init; } = [];

    public MemoryBackingSpec MemoryBacking { get; init; } = new();

    public ImmutableArray<MemoryModuleSpec> MemoryModules { get; init; } = [];

    /// <summary>What the balloon leaves to the guest; at most <see cref="Memory"/>.</summary>
    public required ByteSize CurrentMemory { get; init; }

    public required VcpuSpec Vcpu { get; init; }

    /// <summary>In the order in which they are listed, which is that of their start.</summary>
    public ImmutableArray<IoThreadSpec> IoThreads { get; init; } = [];

    /// <summary>null: memory comes from anywhere.</summary>
    public NumaTuning? NumaTuning { get; init; }

    public required OsSpec Os { get; init; }

    public SmbiosSpec Smbios { get; init; } = SmbiosSpec.None;

    public required FeaturesSpec Features { get; init; }

    public CpuSpec? Cpu { get; init; }

    public required ClockSpec Clock { get; init; }

    public required LifecycleAction OnPoweroff { get; init; }

    public required LifecycleAction OnReboot { get; init; }

    public required LifecycleAction OnCrash { get; init; }

    public required PowerManagementSpec PowerManagement { get; init; }

    /// <summary>Path of the QEMU binary; null until the document has been completed.</summary>
    public string? Emulator { get; init; }

    public ImmutableArray<DiskSpec> Disks { get; init; } = [];

    /// <summary>A disk as clients name it: by the path of its source or by its target's name. null: there is none.</summary>
    public DiskSpec? FindDisk(string path) =>
        Disks.FirstOrDefault(disk => path.StartsWith('/') ? disk.Source?.Path == path : disk.TargetDev == path);

    public ImmutableArray<ControllerSpec> Controllers { get; init; } = [];

    public ImmutableArray<InterfaceSpec> Interfaces { get; init; } = [];

    public ImmutableArray<CharacterDeviceSpec> Serials { get; init; } = [];

    public ImmutableArray<CharacterDeviceSpec> Parallels { get; init; } = [];

    /// <summary>Consoles; one whose target is <c>serial</c> is only another name for the serial device of the same port.</summary>
    public ImmutableArray<CharacterDeviceSpec> Consoles { get; init; } = [];

    public ImmutableArray<CharacterDeviceSpec> Channels { get; init; } = [];

    public ImmutableArray<InputSpec> Inputs { get; init; } = [];

    public ImmutableArray<GraphicsSpec> Graphics { get; init; } = [];

    public ImmutableArray<AudioSpec> Audios { get; init; } = [];

    public ImmutableArray<SoundSpec> Sounds { get; init; } = [];

    public ImmutableArray<VideoSpec> Videos { get; init; } = [];

    public ImmutableArray<HubSpec> Hubs { get; init; } = [];

    public WatchdogSpec? Watchdog { get; init; }

    public MemballoonSpec? Memballoon { get; init; }

    public ImmutableArray<RngSpec> Rngs { get; init; } = [];

    public ImmutableArray<PanicSpec> Panics { get; init; } = [];
}

public enum DomainType
{
    /// <summary>Pure emulation: always TCG, whatever /dev/kvm says.</summary>
    Qemu,
    Kvm,
}

/// <summary>What becomes of the domain when its guest powers off, reboots or crashes.</summary>
public enum LifecycleAction
{
    Destroy,
    Restart,
    RenameRestart,
    Preserve,
    CoredumpDestroy,
    CoredumpRestart,
}
