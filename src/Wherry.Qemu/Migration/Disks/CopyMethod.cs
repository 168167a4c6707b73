using Wherry.Qmp.Values;

namespace Wherry.Qemu.Migration.Disks;

/// <summary>
/// How a disk is mirrored, so that no write of the guest is missing in the copy. A write that is in flight while the mirror begins is
/// safe only as this table says (<see href="docs/decisions/0013-how-a-disk-is-mirrored.md"/>):
/// <code>
///   image                     sync    copy-mode
///   raw                       top     write-blocking      all of it counts as allocated: "top" copies as much as "full"
///   other, only its top layer top     write-blocking, or background where QEMU cannot change that of a running job (before 8.2)
///   other, with all below     full    the same
/// </code>
/// </summary>
internal readonly record struct CopyMethod(MirrorSyncMode Sync, MirrorCopyMode Mode)
{
    /// <summary>The command whose presence tells that mirrors track writes by themselves in every copy mode. Since QEMU 8.2.</summary>
    public const string ChangeCommand = "block-job-change";

    /// <param name="isRaw">The image's format is raw, which has no layers below.</param>
    /// <param name="topLayerOnly">The layers below are at the destination already (<c>--copy-storage-inc</c>).</param>
    /// <param name="hasChangeCommand">QEMU has <see cref="ChangeCommand"/>.</param>
    public static CopyMethod Of(bool isRaw, bool topLayerOnly, bool hasChangeCommand) => new(
        isRaw || topLayerOnly ? MirrorSyncMode.Top : MirrorSyncMode.Full,
        isRaw || hasChangeCommand ? MirrorCopyMode.WriteBlocking : MirrorCopyMode.Background);
}
