using Wherry.Qemu.Migration.Disks;

namespace Wherry.Qemu.Tests.Migration;

public sealed class SharedFileSystemTests
{
    [Theory]
    [InlineData("nfs", true)]
    [InlineData("nfs4", true)]
    [InlineData("gfs2", true)]
    [InlineData("ocfs2", true)]
    [InlineData("afs", true)]
    [InlineData("cifs", true)]
    [InlineData("smb3", true)]
    [InlineData("ceph", true)]
    [InlineData("gpfs", true)]
    [InlineData("acfs", true)]
    [InlineData("fuse.glusterfs", true)]
    [InlineData("fuse.quobyte", true)]
    [InlineData("lustre", true)]
    [InlineData("beegfs", true)]
    [InlineData("ext4", false)]
    [InlineData("xfs", false)]
    [InlineData("btrfs", false)]
    [InlineData("tmpfs", false)]
    [InlineData("overlay", false)]
    [InlineData("vxfs", false)] // one host's, unless its cluster edition is there, which the name does not say
    [InlineData("fuse", false)]
    [InlineData("fuse.sshfs", false)]
    [InlineData("virtiofs", false)]
    [InlineData("nfsd", false)]
    public void It_goes_by_the_kernels_name(string type, bool shared) => Assert.Equal(shared, SharedFileSystem.IsSharedType(type));

    /// <summary>The names above are worth nothing if the runtime has others.</summary>
    [Fact]
    public void A_path_has_the_type_that_the_kernel_lists_for_its_mount()
    {
        Assert.Equal("proc", new DriveInfo("/proc/version").DriveFormat);
        Assert.False(SharedFileSystem.IsShared("/proc/version"));
    }
}
