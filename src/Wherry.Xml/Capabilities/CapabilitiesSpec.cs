using System.Collections.Immutable;

namespace Wherry.Xml;

/// <summary>What <c>virsh capabilities</c> tells of a host and of the guests it can run.</summary>
public sealed record CapabilitiesSpec
{
    /// <summary>Identity of the host: a migration between two daemons that give the same is refused.</summary>
    public required Guid HostUuid { get; init; }

    public required CapabilitiesCpu Cpu { get; init; }

    /// <summary>"suspend_mem", "suspend_disk", "suspend_hybrid".</summary>
    public ImmutableArray<string> PowerManagement { get; init; } = [];

    public bool HasIommu { get; init; }

    /// <summary>Schemes of the URI that QEMU's migration stream may take.</summary>
    public ImmutableArray<string> MigrationTransports { get; init; } = ["tcp", "rdma"];

    public ImmutableArray<CapabilitiesCell> Cells { get; init; } = [];

    public ImmutableArray<CapabilitiesCache> Caches { get; init; } = [];

    public ImmutableArray<CapabilitiesSecurityModel> SecurityModels { get; init; } = [];

    public ImmutableArray<CapabilitiesGuest> Guests { get; init; } = [];
}

/// <param name="PageSizesKiB">Page sizes the host offers, ascending.</param>
/// <param name="Features">What the host has beyond <paramref name="Model"/>.</param>
public sealed record CapabilitiesCpu(
    string Arch,
    string Model,
    string? Vendor,
    long? Microcode,
    int Family,
    int ModelNumber,
    int Stepping,
    CpuTopologySpec Topology,
    int? PhysicalAddressBits,
    ImmutableArray<string> Features,
    ImmutableArray<uint> PageSizesKiB)
{
    /// <summary>The TSC's frequency in Hz where the kernel tells it.</summary>
    public ulong? TscFrequency { get; init; }

    public bool TscScaling { get; init; }
}

/// <summary>A NUMA cell.</summary>
public sealed record CapabilitiesCell(
    int Id,
    ulong MemoryKiB,
    ImmutableArray<(uint SizeKiB, ulong Count)> Pages,
    ImmutableArray<(int Cell, int Value)> Distances,
    ImmutableArray<CapabilitiesHostCpu> Cpus);

/// <param name="Siblings">Threads of the same core, itself included: "0-1".</param>
public sealed record CapabilitiesHostCpu(int Id, int Socket, int Die, int Core, string Siblings);

/// <param name="Type">"both", "code" or "data".</param>
public sealed record CapabilitiesCache(uint Id, uint Level, string Type, ulong SizeBytes, string Cpus);

public sealed record CapabilitiesSecurityModel(string Model, string Doi, ImmutableArray<(string DomainType, string Label)> BaseLabels);

/// <summary>Guests of one architecture on one emulator.</summary>
/// <param name="DomainTypes">"qemu", and "kvm" where acceleration works.</param>
public sealed record CapabilitiesGuest(
    string Arch,
    int WordSize,
    string Emulator,
    ImmutableArray<CapabilitiesMachine> Machines,
    ImmutableArray<string> DomainTypes);

/// <param name="Canonical">What an alias stands for; null for a canonical name.</param>
public sealed record CapabilitiesMachine(string Name, string? Canonical, int MaxCpus, bool Deprecated);
