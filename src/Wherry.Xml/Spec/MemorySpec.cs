using System.Collections.Immutable;

namespace Wherry.Xml;

/// <summary>How far a guest's memory can grow.</summary>
/// <param name="Size">All of its memory at most, with what it boots with.</param>
/// <param name="Slots">How many modules it can have at a time.</param>
public sealed record MaxMemorySpec(ByteSize Size, uint Slots);

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
