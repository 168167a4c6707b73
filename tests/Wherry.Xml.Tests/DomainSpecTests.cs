namespace Wherry.Xml.Tests;

public sealed class DomainSpecTests
{
    private static DomainSpec Spec(string devices, string rest = "") => DomainSpec.From(DomainDocument.Parse(
        $"<domain type='qemu'><name>web1</name><memory unit='MiB'>64</memory>{rest}<devices>{devices}</devices></domain>"));

    [Theory]
    [InlineData("<memory>1024</memory>", 1024UL << 10)]
    [InlineData("<memory unit='KiB'>1024</memory>", 1024UL << 10)]
    [InlineData("<memory unit='b'>4096</memory>", 4096UL)]
    [InlineData("<memory unit='KB'>3</memory>", 3000UL)]
    [InlineData("<memory unit='k'>3</memory>", 3072UL)]
    [InlineData("<memory unit='G'>2</memory>", 2UL << 30)]
    [InlineData("<memory unit='TB'>1</memory>", 1_000_000_000_000UL)]
    public void Memory_units_are_read_as_libvirt_defines_them(string memory, ulong bytes)
    {
        var spec = DomainSpec.From(DomainDocument.Parse($"<domain type='qemu'><name>a</name>{memory}</domain>"));
        Assert.Equal(new ByteSize(bytes), spec.Memory);
    }

    [Fact]
    public void A_disk_reads_with_its_address_and_alias()
    {
        var disk = Assert.Single(Spec("""
            <disk type='file' device='disk'>
              <driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap'/>
              <source file='/images/a.qcow2' index='2'/>
              <target dev='vda' bus='virtio'/>
              <boot order='1'/>
              <alias name='virtio-disk0'/>
              <address type='pci' domain='0x0000' bus='0x00' slot='0x0a' function='0x1' multifunction='on'/>
            </disk>
            """).Disks);

        Assert.Equal(new DiskSource.File("/images/a.qcow2") { Index = 2 }, disk.Source);
        Assert.Equal((DiskFormat.Qcow2, "none", "native", "unmap"), (disk.Format, disk.Cache, disk.Io, disk.Discard));
        Assert.Equal(new DeviceAddress.Pci(0, 0, 10, 1, true), disk.Address);
        Assert.Equal(("virtio-disk0", 1), (disk.Alias, disk.BootOrder));
    }

    [Fact]
    public void A_source_that_is_not_implemented_is_refused_with_its_path()
    {
        var error = Assert.Throws<DomainXmlException>(() => Spec(
            "<disk type='file'><source file='/a'/><target dev='vda'/></disk><disk type='network'><target dev='vdb'/></disk>"));
        Assert.Equal("/domain/devices/disk[2]/@type", error.Path);
    }

    [Fact]
    public void A_document_with_a_dtd_is_refused_before_any_entity_is_expanded()
    {
        var error = Assert.Throws<DomainXmlException>(() => DomainDocument.Parse(
            "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><domain type='qemu'><name>&b;</name></domain>"));
        Assert.Equal(Wherry.Errors.ErrorCode.XmlDetail, error.Code);
    }

    [Fact]
    public void A_document_nested_too_deep_is_refused_instead_of_ending_the_process()
    {
        var deep = string.Concat(Enumerable.Repeat("<a>", 100_000));
        Assert.Throws<DomainXmlException>(() => DomainDocument.Parse("<domain>" + deep));
    }
}
