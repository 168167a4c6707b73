namespace Wherry.Qemu.Migration.Disks;

/// <summary>Whether a path lies on a file system that two hosts can see.</summary>
internal static class SharedFileSystem
{
    // Names as the runtime reports statfs magic numbers. Source: libvirt's virFileIsSharedFS knows the same families.
    private static readonly HashSet<string> Shared = new(StringComparer.OrdinalIgnoreCase)
    {
        "nfs", "gfs2", "gfs", "ocfs2", "afs", "smb", "smb2", "cifs", "ceph", "gpfs", "lustre", "glusterfs", "fuse.glusterfs", "acfs", "vxfs", "beegfs",
    };

    public static bool IsShared(string path) => Shared.Contains(FormatOf(path));

    private static string FormatOf(string path) => new DriveInfo(path).DriveFormat;
}
