namespace Wherry.Xml.Tests;

[Collection(nameof(Alone))]
public sealed class PackedDocumentTests
{
    [Theory]
    [InlineData("<domain type='kvm'><name>a</name></domain>")]
    [InlineData("<domain type='kvm'>\n  <name>ä &amp; 漢 😀</name>\n\n  <description>one\ttwo&#13;\n three]]&gt;</description>\n</domain>")]
    [InlineData("<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><metadata><x:m xmlns:x='urn:x' y='1&#10;2&#9;3'><![CDATA[<&>]]><!-- c --></x:m></metadata>"
        + "<q:commandline><q:arg value='&quot;a&apos;'/></q:commandline></domain>")]
    public void A_packed_document_is_the_same_document(string xml)
    {
        var document = DomainDocument.Parse(xml);
        var before = document.ToXml(DomainXmlFlags.Secure);
        document.Pack();
        Assert.Equal(before, document.ToXml(DomainXmlFlags.Secure)); // from the tree that is still there
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(before, document.ToXml(DomainXmlFlags.Secure));
        document.Pack();
        Assert.Equal(before, document.ToXml(DomainXmlFlags.Secure));
    }

    [Theory]
    [InlineData("<domain type='kvm'>\r\n  <name>ä &amp; 漢 😀</name>\n\n  <description>one\ttwo&#13;\n three]]&gt;</description><?p i?>\n</domain>\n<!-- end -->\n")]
    [InlineData("<!-- begin --><domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><metadata><x:m xmlns:x='urn:x'><![CDATA[<&>]]></x:m></metadata></domain>")]
    [InlineData("<?xml version='1.0' encoding='iso-8859-1'?>\n<domain type='kvm'><name>ä</name></domain>")]
    public void A_document_that_is_kept_as_it_was_read_is_the_same_document(string xml)
    {
        var wanted = DomainDocument.Parse(xml).ToXml(DomainXmlFlags.Secure);
        var document = DomainDocument.ParsePacked(xml);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(wanted, document.ToXml(DomainXmlFlags.Secure));
    }

    [Fact]
    public void A_packed_document_takes_a_fraction_of_the_room()
    {
        var xml = $"<domain type='kvm'><name>a</name><devices>{string.Concat(Enumerable.Range(0, 40).Select(i => $"<disk type='file' device='disk'><target dev='vd{i}' bus='virtio'/></disk>"))}</devices></domain>";
        Assert.True(BytesOf(xml, packed: true) * 4 < BytesOf(xml, packed: false), $"{BytesOf(xml, packed: true)} and {BytesOf(xml, packed: false)} bytes");
    }

    private static long BytesOf(string xml, bool packed)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var documents = new DomainDocument[100];
        for (var i = 0; i < documents.Length; i++)
        {
            documents[i] = DomainDocument.Parse(xml);
            if (packed)
                documents[i].Pack();
        }

        var after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(documents);
        return after - before;
    }
}
