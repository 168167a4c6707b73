using System.Buffers.Binary;
using System.Text;
using Wherry.Errors;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

public sealed class DiskImagesTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wherry-images-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_backing_chain_is_followed_to_its_end()
    {
        Raw("base.raw");
        Qcow2("middle.qcow2", "base.raw", "raw");
        var top = Qcow2("top.qcow2", Path("middle.qcow2"), "qcow2");
        var images = DiskImages.Inspect(Domain(Disk(top, "qcow2")), coldBoot: true);
        Assert.Equal(
            [new ChainImage(Path("middle.qcow2"), DiskFormat.Qcow2, false), new ChainImage(Path("base.raw"), DiskFormat.Raw, false)],
            images.Backing["vda"]);
    }

    [Fact]
    public void A_raw_disk_that_looks_like_qcow2_is_not_followed()
    {
        var top = Qcow2("top.qcow2", "/etc/shadow", "raw");
        Assert.Empty(DiskImages.Inspect(Domain(Disk(top, "raw")), coldBoot: true).Backing);
    }

    [Fact]
    public void A_backing_image_of_unnamed_format_must_be_raw()
    {
        Qcow2("below.qcow2", null, null);
        var error = Refused(Disk(Qcow2("top.qcow2", "below.qcow2", null), "qcow2"));
        Assert.Equal(ErrorCode.OperationInvalid, error.Code);
        Assert.Contains("was not specified in the image metadata", error.Message, StringComparison.Ordinal);

        Raw("below.raw");
        var images = DiskImages.Inspect(Domain(Disk(Qcow2("other.qcow2", "below.raw", null), "qcow2")), coldBoot: true);
        Assert.Equal(DiskFormat.Raw, Assert.Single(images.Backing["vda"]).Format);
    }

    [Fact]
    public void A_chain_that_comes_back_to_itself_is_refused()
    {
        Qcow2("a.qcow2", "b.qcow2", "qcow2");
        Qcow2("b.qcow2", "a.qcow2", "qcow2");
        Assert.Contains("self-referential", Refused(Disk(Path("a.qcow2"), "qcow2")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_image_gets_libvirts_error()
    {
        var error = Assert.Throws<WherryException>(
            () => DiskImages.Inspect(Domain(Disk("/nowhere/x.raw", "raw")), coldBoot: true, " (as uid:0, gid:0)"));
        Assert.Equal("Cannot access storage file '/nowhere/x.raw' (as uid:0, gid:0): No such file or directory", error.Message);
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Storage, 2), (error.Code, error.Domain, error.Errno));
    }

    [Fact]
    public void A_missing_backing_image_names_both_files()
    {
        var error = Refused(Disk(Qcow2("top.qcow2", "gone.raw", "raw"), "qcow2"));
        Assert.Equal($"Cannot access backing file '{Path("gone.raw")}' of storage file '{Path("top.qcow2")}': No such file or directory", error.Message);
    }

    [Theory]
    [InlineData("optional", true, true)]
    [InlineData("requisite", false, true)]
    [InlineData("requisite", true, false)]
    [InlineData("mandatory", false, false)]
    public void The_startup_policy_decides_about_a_missing_medium(string policy, bool coldBoot, bool starts)
    {
        var spec = Domain($"""
            <disk type='file' device='cdrom'><source file='/nowhere/x.iso' startupPolicy='{policy}'/><target dev='hda' bus='ide'/></disk>
            """);
        if (!starts)
        {
            Assert.Throws<WherryException>(() => DiskImages.Inspect(spec, coldBoot));
            return;
        }
        var applied = DiskImages.Inspect(spec, coldBoot).Apply(spec);
        Assert.Null(Assert.Single(applied.Disks).Source);
    }

    [Fact]
    public void A_header_that_points_outside_itself_is_refused()
    {
        var top = Qcow2("top.qcow2", "x", "raw");
        var bytes = File.ReadAllBytes(top);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), ulong.MaxValue - 3);
        File.WriteAllBytes(top, bytes);
        Assert.Contains("invalid backing file name", Refused(Disk(top, "qcow2")).Message, StringComparison.Ordinal);
    }

    private static WherryException Refused(string disk) => Assert.Throws<WherryException>(() => DiskImages.Inspect(Domain(disk), coldBoot: true));

    private static string Disk(string path, string format) =>
        $"<disk type='file'><driver name='qemu' type='{format}'/><source file='{path}'/><target dev='vda' bus='virtio'/></disk>";

    private static DomainSpec Domain(string devices) => DomainSpec.From(DomainDocument.Parse($"""
        <domain type='qemu'><name>d</name><memory>1024</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os><devices>{devices}</devices></domain>
        """));

    private string Path(string name) => System.IO.Path.Join(_directory.FullName, name);

    private void Raw(string name) => File.WriteAllBytes(Path(name), new byte[4096]);

    /// <summary>A version 3 header with as much of the rest as the reader looks at; see <see cref="Qcow2Header"/> for the layout.</summary>
    private string Qcow2(string name, string? backing, string? format)
    {
        var image = new byte[4096];
        BinaryPrimitives.WriteUInt32BigEndian(image, 0x514649FB);
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(4), 3);
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(100), 104);
        var at = 104;
        if (format is not null)
        {
            BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(at), 0xE2792ACA);
            BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(at + 4), (uint)format.Length);
            Encoding.ASCII.GetBytes(format, image.AsSpan(at + 8));
            at += 16;
        }
        at += 8; // The extension of type 0 that ends them.
        if (backing is not null)
        {
            BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(8), (ulong)at);
            BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(16), (uint)backing.Length);
            Encoding.UTF8.GetBytes(backing, image.AsSpan(at));
        }
        File.WriteAllBytes(Path(name), image);
        return Path(name);
    }
}
