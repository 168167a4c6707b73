using System.Collections.Immutable;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Migration.Source;

/// <summary>One look at the source QEMU: what it says, not what events announced (rule 8).</summary>
/// <param name="Stream"><c>query-migrate</c>.</param>
/// <param name="Info">The same answer, with its figures.</param>
/// <param name="Mirrors">All jobs, from <c>query-jobs</c> and <c>query-block-jobs</c>; empty when no disk is copied.</param>
internal sealed record SourceObservation(StreamStatus Stream, MigrationInfo Info, ImmutableArray<MirrorReport> Mirrors)
{
    public static SourceObservation None { get; } = new(StreamStatus.None, new MigrationInfo(null, null, null, null, null, null, null, null, null, null, null, null), []);
}
