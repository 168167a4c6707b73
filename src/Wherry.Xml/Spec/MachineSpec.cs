using System.Collections.Immutable;

namespace Wherry.Xml;

/// <param name="Maximum">vCPUs the guest can ever have.</param>
/// <param name="Current">vCPUs it boots with.</param>
public sealed record VcpuSpec(int Maximum, int Current)
{
    /// <summary>The host CPUs of <c>cpuset=</c>, as written; null for all.</summary>
    public string? CpuSet { get; init; }

    /// <summary>Every CPU of <c>&lt;vcpus&gt;</c>, by number; empty where the definition only counts them.</summary>
    public ImmutableArray<VcpuState> OneByOne { get; init; } = [];

    /// <summary>Every CPU that the guest can have, by number; where the definition only counts them, the first are there from the start.</summary>
    public ImmutableArray<VcpuState> All => OneByOne.IsEmpty
        ? [.. Enumerable.Range(0, Maximum).Select(id => new VcpuState(id, id < Current, id >= Current, Order: 0))]
        : OneByOne;

    /// <summary>CPUs that QEMU starts with; the others are plugged before the guest runs.</summary>
    public int AtStart => All.Count(vcpu => vcpu is { IsEnabled: true, IsHotpluggable: false });
}

public sealed record OsSpec
{
    public string Arch { get; init; } = "x86_64";

    /// <summary>The machine type, canonical after completion (<c>pc-i440fx-7.2</c>, never <c>pc</c>).</summary>
    public string? Machine { get; init; }

    public string? Kernel { get; init; }

    public string? Initrd { get; init; }

    public string? Cmdline { get; init; }

    /// <summary>The order of <c>&lt;boot dev=…/&gt;</c>; empty when devices carry their own boot order.</summary>
    public ImmutableArray<BootDevice> BootDevices { get; init; } = [];

    public bool? BootMenu { get; init; }

    public TimeSpan? BootMenuTimeout { get; init; }

    public bool? BiosUseSerial { get; init; }

    /// <summary><c>&lt;bios rebootTimeout=…/&gt;</c> in milliseconds, -1 for "never reboot"; null when absent.</summary>
    public int? BiosRebootTimeoutMs { get; init; }

    /// <summary>What firmware to look for at the start; null where it is named, or QEMU's own.</summary>
    public FirmwareKind? Firmware { get; init; }

    public FirmwareFeatures FirmwareFeatures { get; init; } = new(null, null);

    public LoaderSpec Loader { get; init; } = new();

    public NvramSpec Nvram { get; init; } = new(null, null);

    /// <summary>It will have UEFI variables, and does not say where: each host has a place of its own for them.</summary>
    public bool LeavesNvramToHost => this is { Firmware: FirmwareKind.Efi, Nvram.Path: null, Loader.IsStateless: false };

    public bool IsQ35 => Machine is not null && (Machine.StartsWith("pc-q35", StringComparison.Ordinal) || Machine == "q35");

    public bool IsI440Fx => Machine is not null
        && (Machine == "pc" || Machine.StartsWith("pc-0.", StringComparison.Ordinal) || Machine.StartsWith("pc-1.", StringComparison.Ordinal)
            || Machine.StartsWith("pc-i440", StringComparison.Ordinal));
}

public enum FirmwareKind
{
    /// <summary>SeaBIOS and the like.</summary>
    Bios,

    /// <summary>UEFI.</summary>
    Efi,
}

/// <summary>What the firmware shall have (true) or must not have (false).</summary>
/// <param name="EnrolledKeys">Its variables come with keys for secure boot.</param>
public sealed record FirmwareFeatures(bool? EnrolledKeys, bool? SecureBoot);

/// <summary>The file that the guest's first instruction comes from.</summary>
public sealed record LoaderSpec
{
    /// <summary>Null: QEMU's own, or chosen at the start.</summary>
    public string? Path { get; init; }

    /// <summary>In flash, where UEFI is; else it is read-only memory, as a BIOS.</summary>
    public bool IsFlash { get; init; }

    public bool IsReadOnly { get; init; }

    /// <summary>Only code in system management mode may write to the flash.</summary>
    public bool IsSecure { get; init; }

    /// <summary>UEFI without variables.</summary>
    public bool IsStateless { get; init; }
}

/// <summary>The variables of UEFI.</summary>
/// <param name="Path">The guest's own file.</param>
/// <param name="Template">What that file is at first.</param>
public sealed record NvramSpec(string? Path, string? Template)
{
    /// <summary>What the file is called where the host chooses its place.</summary>
    public static string FileName(string domain) => $"{domain}_VARS.fd";
}

public enum BootDevice
{
    /// <summary>Floppy.</summary>
    Fd,

    /// <summary>Hard disk.</summary>
    Hd,
    Cdrom,
    Network,
}

/// <summary>Features: true and false are what the XML says, null is "QEMU's default".</summary>
public sealed record FeaturesSpec
{
    public bool Acpi { get; init; }

    public bool Apic { get; init; }

    /// <summary><c>&lt;apic eoi=…/&gt;</c>, KVM's paravirtual end of interrupt.</summary>
    public bool? ApicEoi { get; init; }

    public bool Pae { get; init; }

    public bool? Vmport { get; init; }

    public bool? Pmu { get; init; }

    public bool? Smm { get; init; }

    public bool? Vmcoreinfo { get; init; }

    public bool? PvSpinlock { get; init; }

    /// <summary><c>&lt;ioapic driver=…/&gt;</c>: "kvm" or "qemu".</summary>
    public string? Ioapic { get; init; }

    /// <summary><c>&lt;kvm&gt;&lt;hidden/&gt;</c>.</summary>
    public bool? KvmHidden { get; init; }

    /// <summary>Translation cache under <c>&lt;tcg&gt;&lt;tb-cache&gt;</c>; null for QEMU's own choice.</summary>
    public ByteSize? TcgTranslationCache { get; init; }

    public HypervSpec? Hyperv { get; init; }
}

/// <summary>Hyper-V enlightenments. <see cref="Flags"/> keeps libvirt's element names (relaxed, vapic, vpindex …) in libvirt's order.</summary>
public sealed record HypervSpec
{
    public bool Passthrough { get; init; }

    public ImmutableArray<(string Name, bool On)> Flags { get; init; } = [];

    public int? SpinlockRetries { get; init; }

    public bool StimerDirect { get; init; }

    public string? VendorId { get; init; }

    public bool IsOn(string name) => Flags.Any(flag => flag.On && flag.Name == name);
}

public sealed record PowerManagementSpec
{
    public bool? SuspendToMem { get; init; }

    public bool? SuspendToDisk { get; init; }
}

public enum CpuMode
{
    Custom,
    HostModel,
    HostPassthrough,
    Maximum,
}

public sealed record CpuSpec
{
    public CpuMode Mode { get; init; }

    /// <summary>null when the element has only a topology: the model is QEMU's default.</summary>
    public string? Model { get; init; }

    /// <summary>"minimum", "exact" or "strict".</summary>
    public string? Match { get; init; }

    /// <summary>"none", "partial" or "full": how much of the CPU must be what was asked for when QEMU starts.</summary>
    public string? Check { get; init; }

    public bool? Migratable { get; init; }

    /// <summary>"allow" or "forbid".</summary>
    public string? Fallback { get; init; }

    /// <summary>The CPUID vendor string shown to the guest (12 characters); null for the model's own.</summary>
    public string? VendorId { get; init; }

    public string? Vendor { get; init; }

    public CpuTopologySpec? Topology { get; init; }

    public CpuCacheSpec? Cache { get; init; }

    public MaxPhysAddrSpec? MaxPhysAddr { get; init; }

    public ImmutableArray<CpuFeatureSpec> Features { get; init; } = [];
}

public sealed record CpuTopologySpec(int Sockets, int Dies, int Cores, int Threads);

/// <param name="Level">1 to 3; null for all.</param>
/// <param name="Mode">"emulate", "passthrough" or "disable".</param>
public sealed record CpuCacheSpec(int? Level, string Mode);

/// <param name="Mode">"emulate" or "passthrough".</param>
public sealed record MaxPhysAddrSpec(string Mode, int? Bits);

public sealed record CpuFeatureSpec(string Name, CpuFeaturePolicy Policy);

public enum CpuFeaturePolicy
{
    Force,
    Require,
    Optional,
    Disable,
    Forbid,
}

public sealed record ClockSpec
{
    /// <summary>"utc", "localtime", "timezone", "variable" or "absolute".</summary>
    public required string Offset { get; init; }

    /// <summary>Seconds between the guest's clock and its basis, for offset "variable".</summary>
    public long AdjustmentSeconds { get; init; }

    /// <summary>For offset "variable": true when <see cref="AdjustmentSeconds"/> counts from local time instead of UTC.</summary>
    public bool BasisIsLocalTime { get; init; }

    public string? Timezone { get; init; }

    public ImmutableArray<TimerSpec> Timers { get; init; } = [];
}

/// <summary>A guest timer: "platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock".</summary>
public sealed record TimerSpec(string Name)
{
    public bool? Present { get; init; }

    /// <summary>"delay", "catchup", "merge" or "discard".</summary>
    public string? TickPolicy { get; init; }

    /// <summary>"guest", "wall" or "realtime"; for rtc.</summary>
    public string? Track { get; init; }

    public ulong? FrequencyHz { get; init; }

    /// <summary>"auto", "native", "emulate", "paravirt" or "smpsafe"; for tsc.</summary>
    public string? Mode { get; init; }
}
