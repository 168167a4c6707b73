using System.Collections.Immutable;

namespace Wherry.Xml;

/// <summary>How far a guest's memory can grow.</summary>
/// <param name="Size">All of its memory at most, with what it boots with.</param>
/// <param name="Slots">How many modules it can have at a time.</param>
public sealed record MaxMemorySpec(ByteSize Size, uint Slots);

/// <summary>Where a guest's memory comes from, and how.</summary>
public sealed record MemoryBackingSpec
{
    /// <summary>The host's kernel leaves pages that are equal to others alone.</summary>
    public bool NoSharePages { get; init; }

    /// <summary>Never swapped out.</summary>
    public bool Locked { get; init; }

    /// <summary>"memfd", or null for memory without a name. Programs that share the guest's memory (vhost-user, virtiofsd) want one.</summary>
    public string? Source { get; init; }

    /// <summary>Whether others see what the guest writes; null: QEMU's choice.</summary>
    public bool? IsShared { get; init; }

    /// <summary>All of it is there before the guest starts.</summary>
    public bool IsImmediate { get; init; }

    /// <summary>How many threads bring it about; null: QEMU's choice.</summary>
    public uint? AllocationThreads { get; init; }
}

/// <summary>A NUMA node of the guest.</summary>
/// <param name="Cpus">Its virtual CPUs; empty for a node of memory alone.</param>
/// <param name="Memory">What it boots with.</param>
public sealed record NumaCellSpec(int Id, ImmutableSortedSet<int> Cpus, ByteSize Memory);

/// <summary>A memory module (<c>&lt;memory model='dimm'&gt;</c>), which can come and go while the guest runs.</summary>
public sealed record MemoryModuleSpec : DeviceSpec
{
    public required ByteSize Size { get; init; }

    /// <summary>The guest's NUMA node; null where none was named.</summary>
    public int? Node { get; init; }

    /// <summary>QEMU's name of the memory behind it.</summary>
    public string BackendId => "mem" + Alias;
}
