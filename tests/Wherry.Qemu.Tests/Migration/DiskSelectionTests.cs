using Wherry.Errors;
using Wherry.Qemu.Migration.Disks;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Migration;

public sealed class DiskSelectionTests
{
    private static readonly DomainSpec Domain = DomainSpec.From(DomainDocument.Parse("""
        <domain type='qemu'>
          <name>web1</name>
          <memory unit='MiB'>64</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <devices>
            <disk type='file' device='disk'><source file='/images/a'/><target dev='vda' bus='virtio'/></disk>
            <disk type='file' device='disk'><source file='/images/b'/><target dev='vdb' bus='virtio'/><readonly/></disk>
            <disk type='file' device='disk'><source file='/images/c'/><target dev='vdc' bus='virtio'/><shareable/></disk>
            <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
            <disk type='file' device='cdrom'><source file='/images/d.iso'/><target dev='sdb' bus='sata'/></disk>
            <disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>
          </devices>
        </domain>
        """));

    [Theory]
    [Fault(77)]
    [InlineData("vda", null, null)]
    [InlineData("vdc", null, null)] // whoever names it wants it
    [InlineData("vdb", ErrorCode.OperationUnsupported, "Cannot migrate empty or read-only disk vdb")]
    [InlineData("sda", ErrorCode.OperationUnsupported, "Cannot migrate empty or read-only disk sda")]
    [InlineData("sdb", ErrorCode.OperationUnsupported, "Cannot migrate empty or read-only disk sdb")]
    [InlineData("fda", ErrorCode.OperationUnsupported, "Cannot migrate empty or read-only disk fda")]
    [InlineData("vdz", ErrorCode.InvalidArg, "disk target vdz not found in domain 'web1'")]
    public void A_disk_that_is_asked_for_has_to_be_there_and_to_be_writable(string target, ErrorCode? code, string? text)
    {
        var refused = Record.Exception(() => DiskSelection.RequireKnown(Domain, ["vda", target]));
        Assert.Equal(code, (refused as WherryException)?.Code);
        if (text is not null)
            Assert.EndsWith(text, refused?.Message, StringComparison.Ordinal);
    }
}
