namespace Wherry.Qemu.Migration.Disks;

/// <summary>Whether a path lies on a file system that two hosts can see.</summary>
internal static class SharedFileSystem
{
    // The kernel's names, as /proc/self/mountinfo has them: one file system may go by several. Source: libvirt's virFileIsSharedFS, which compares
    // statfs numbers and so has one entry for NFS of all versions; lustre and beegfs are ours.
    private static readonly HashSet<string> Shared = new(StringComparer.Ordinal)
    {
        "nfs", "nfs4", "gfs2", "ocfs2", "afs", "cifs", "smb3", "ceph", "gpfs", "acfs", "fuse.glusterfs", "fuse.quobyte", "lustre", "beegfs",
    };

    public static bool IsShared(string path) => IsSharedType(new DriveInfo(path).DriveFormat);

    /// <param name="type">Such as <c>nfs4</c>.</param>
    public static bool IsSharedType(string type) => Shared.Contains(type);
}
