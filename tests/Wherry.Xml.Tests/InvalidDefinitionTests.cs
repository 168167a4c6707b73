using Wherry.Errors;

namespace Wherry.Xml.Tests;

/// <summary>What a definition may not say. The words are those a stock libvirtd 9.0 answered to the same XML.</summary>
public sealed class InvalidDefinitionTests
{
    // A whole <domain>, or one part of an otherwise good one.
    [Theory]
    [InlineData("<domain type='qemu'><memory>65536</memory><os><type>hvm</type></os></domain>", "missing name information")]
    [InlineData("<domain type='qemu'><name></name><memory>65536</memory><os><type>hvm</type></os></domain>", "missing name information")]
    [InlineData("<domain type='qemu'><name>a/b</name><memory>65536</memory><os><type>hvm</type></os></domain>", "XML error: name a/b cannot contain '/'")]
    [InlineData("<domain type='qemu'><name>a\nb</name><memory>65536</memory><os><type>hvm</type></os></domain>", "invalid char in name: \n")]
    [InlineData("<domain type='qemu'><name>bad</name><os><type>hvm</type></os></domain>", "XML error: Memory size must be specified via <memory> or in the <numa> configuration")]
    [InlineData("<domain type='qemu'><name>bad</name><memory>1</memory></domain>", "XML error: an os <type> must be specified")]
    [InlineData("<domain type='qemu'><name>bad</name><uuid>xyz</uuid><memory>65536</memory><os><type>hvm</type></os></domain>", "internal error: malformed uuid element")]
    [InlineData("<domain type='qemu'><name>bad</name><uuid>c0ffee00-0000-4000-8000-000000000001</uuid><memory>65536</memory><sysinfo type='smbios'><bios><entry name='date'>13/1/2014</entry></bios></sysinfo><os><type>hvm</type></os></domain>", "Invalid BIOS 'date' format")]
    [InlineData("<domain type='qemu'><name>bad</name><uuid>c0ffee00-0000-4000-8000-000000000001</uuid><memory>65536</memory><sysinfo type='smbios'><system><entry name='uuid'>x</entry></system></sysinfo><os><type>hvm</type></os></domain>", "malformed <sysinfo> uuid element")]
    [InlineData("<domain type='qemu'><name>bad</name><uuid>c0ffee00-0000-4000-8000-000000000001</uuid><memory>65536</memory><sysinfo type='smbios'><system><entry name='uuid'>c0ffee00-0000-4000-8000-000000000002</entry></system></sysinfo><os><type>hvm</type></os></domain>", "UUID mismatch between <uuid> and <sysinfo>")]
    [InlineData("<domain type='qemu'><name>bad</name><uuid>c0ffee00-0000-4000-8000-000000000001</uuid><memory>65536</memory><genid>x</genid><os><type>hvm</type></os></domain>", "internal error: malformed genid element")]
    [InlineData("<domain type='qemu'><name>bad</name><uuid>c0ffee00-0000-4000-8000-000000000001</uuid><memory>65536</memory><genid/><genid/><os><type>hvm</type></os></domain>", "XML error: element 'genid' can only appear once")]
    [InlineData("<domain type='qemu'><name>bad</name><uuid>c0ffee00-0000-4000-8000-000000000001</uuid><memory>65536</memory><memoryBacking><source type='tape'/></memoryBacking><os><type>hvm</type></os></domain>", "unsupported configuration: unknown memoryBacking/source/type 'tape'")]
    [InlineData("<domain type='foo'><name>bad</name><memory>65536</memory><os><type>hvm</type></os></domain>", "unsupported configuration: invalid domain type foo")]
    [InlineData("<domain><name>bad</name><memory>65536</memory><os><type>hvm</type></os></domain>", "internal error: missing domain type attribute")]
    [InlineData("<network/>", "XML error: expecting root element of 'domain', not 'network'")]
    [InlineData("<domain type='qemu'><name>bad</name><memory unit='parsec'>65536</memory><os><type>hvm</type></os></domain>", "invalid argument: unknown suffix 'parsec'")]
    [InlineData("<domain type='qemu'><name>bad</name><memory>lots</memory><os><type>hvm</type></os></domain>", "XML error: Invalid value 'lots' for element or attribute './memory[1]'")]
    [InlineData("<vcpu>many</vcpu>", "XML error: maximum vcpus count must be an integer")]
    [InlineData("<vcpu current='3'>2</vcpu>", "unsupported configuration: maximum vCPU count must not be less than current vCPU count")]
    [InlineData("<vcpu>300</vcpu>", "unsupported configuration: Maximum CPUs greater than specified machine type limit 255")]
    [InlineData("<emulator>/nonexistent</emulator>", "Cannot check QEMU binary /nonexistent: No such file or directory")]
    [InlineData("<title>a\nb</title>", "XML error: Domain title can't contain newlines")]
    [InlineData("<on_reboot>dance</on_reboot>", "unsupported configuration: unknown on_reboot action: dance")]
    [InlineData("<cpu><model>Haswell</model><feature name='a'/><feature name='a'/></cpu>", "XML error: CPU feature 'a' specified more than once")]
    [InlineData("<cpu><topology sockets='2' cores='1' threads='1'/></cpu>", "unsupported configuration: CPU topology doesn't match maximum vcpu count")]
    [InlineData("<disk type='file'><target dev='vda'/></disk>", "missing source information for device vda")]
    [InlineData("<disk type='file'><source file='/a'/></disk>", "missing target information for device /a")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/></disk><disk type='file'><source file='/b'/><target dev='vda'/></disk>", "XML error: target 'vda' duplicated for disk sources '/a' and '/b'")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='zip' bus='ide'/></disk>", "XML error: Unknown disk name 'zip' and no address specified")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda' bus='foo'/></disk>", "XML error: Invalid value for attribute 'bus' in element 'target': 'foo'.")]
    [InlineData("<disk type='file'><driver cache='maybe'/><source file='/a'/><target dev='vda'/></disk>", "XML error: Invalid value for attribute 'cache' in element 'driver': 'maybe'.")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/><address type='pci' slot='5'/></disk><disk type='file'><source file='/b'/><target dev='vdb'/><address type='pci' slot='5'/></disk>", "XML error: Attempted double use of PCI Address 0000:00:05.0")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/><address type='pci' slot='0x20'/></disk>", "XML error: Invalid PCI address slot='0x20', must be <= 0x1F")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='hda'/></disk><disk type='file'><source file='/b'/><target dev='hdb'/><address type='drive' unit='0'/></disk>", "unsupported configuration: Found duplicate drive address for disk with target name 'hda' controller='0' bus='0' target='0' unit='0'")]
    [InlineData("<domain type='qemu'><name>bad</name><memory>65536</memory><os><type machine='q35'>hvm</type></os><devices><disk type='file'><source file='/a'/><target dev='hda'/></disk></devices></domain>", "unsupported configuration: IDE controllers are unsupported for this QEMU binary or machine type")]
    [InlineData("<interface type='user'><boot order='1'/></interface><interface type='user'><boot order='1'/></interface>", "unsupported configuration: boot order '1' used for more than one device")]
    [InlineData("<domain type='qemu'><name>bad</name><memory>65536</memory><os><type>hvm</type><boot dev='hd'/></os><devices><interface type='user'><boot order='1'/></interface></devices></domain>", "unsupported configuration: per-device boot elements cannot be used together with os/boot elements")]
    [InlineData("<interface type='ethernet'><virtualport type='openvswitch'/></interface>", "unsupported configuration: <virtualport> element unsupported for <interface type='ethernet'>")]
    [InlineData("<interface type='user'><mac address='zz'/></interface>", "XML error: unable to parse mac address 'zz'")]
    [InlineData("<interface type='user'><mac address='01:00:00:00:00:01'/></interface>", "XML error: expected unicast mac address, found multicast '01:00:00:00:00:01'")]
    [InlineData("<interface type='bridge'/>", "XML error: interface type='bridge' requires a 'source' element")]
    [InlineData("<interface type='foo'/>", "XML error: Invalid value for attribute 'type' in element 'interface': 'foo'.")]
    [InlineData("<serial type='file'/>", "internal error: Missing source path attribute for char device")]
    [InlineData("<controller type='usb' model='none'/><input type='tablet' bus='usb'/>", "unsupported configuration: Can't add USB input device. USB bus is disabled")]
    [InlineData("<memballoon model='virtio'/><memballoon model='virtio'/>", "internal error: only a single memory balloon device is supported")]
    [InlineData("<controller type='scsi' index='0'/><controller type='scsi' index='0'/>", "XML error: Multiple 'scsi' controllers with index '0'")]
    [InlineData("<controller type='pci' index='0' model='pcie-root'/>", "XML error: The PCI controller with index='0' must be model='pci-root' for this machine type, but model='pcie-root' was found instead")]
    [InlineData("<graphics type='vnc' passwd='123456789'/>", "unsupported configuration: VNC password is 9 characters long, only 8 permitted")]
    [InlineData("<graphics type='vnc' listen='1.2.3.4'><listen type='address' address='4.3.2.1'/></graphics>", "unsupported configuration: graphics 'listen' attribute '1.2.3.4' must match 'address' attribute of first listen element (found '4.3.2.1')")]
    [InlineData("<clock offset='moon'/>", "unsupported configuration: unknown clock offset 'moon'")]
    [InlineData("<clock><timer name='kvmclock' tickpolicy='delay'/></clock>", "unsupported configuration: timer kvmclock doesn't support setting of timer tickpolicy")]
    [InlineData("<rng model='virtio'/>", "XML error: only one RNG backend is supported")]
    [InlineData("<iothreads>x</iothreads>", "XML error: invalid iothreads count 'x'")]
    [InlineData("<iothreads>1025</iothreads>", "unsupported configuration: 1025 I/O threads exceed the maximum of 1024")]
    [InlineData("<iothreadids><iothread/></iothreadids>", "XML error: Missing required attribute 'id' in element 'iothread'")]
    [InlineData("<iothreadids><iothread id='0'/></iothreadids>", "XML error: Invalid value for attribute 'id' in element 'iothread': Zero is not permitted")]
    [InlineData("<iothreadids><iothread id='2'/><iothread id='2'/></iothreadids>", "XML error: duplicate iothread id '2' found")]
    [InlineData("<iothreadids><iothread id='2' thread_pool_max='0'/></iothreadids>", "unsupported configuration: thread_pool_max must be a positive integer")]
    [InlineData("<iothreadids><iothread id='2' thread_pool_max='-1'/></iothreadids>", "XML error: Invalid value for attribute 'thread_pool_max' in element 'iothread': '-1'. Expected non-negative value")]
    [InlineData("<iothreadids><iothread id='2' thread_pool_min='2' thread_pool_max='1'/></iothreadids>", "unsupported configuration: thread_pool_min must be smaller or equal to thread_pool_max")]
    [InlineData("<iothreads>1</iothreads><cputune><iothreadpin iothread='2' cpuset='0'/></cputune>", "unsupported configuration: Cannot find 'iothread' : 2")]
    [InlineData("<disk type='file'><driver iothread='1'/><source file='/a'/><target dev='vda'/></disk>", "unsupported configuration: Disk iothread '1' not defined in iothreadid")]
    [InlineData("<disk type='file'><driver iothread='1'/><source file='/a'/><target dev='hda'/></disk>", "unsupported configuration: IOThreads not available for bus ide target hda")]
    [InlineData("<controller type='scsi' model='virtio-scsi'><driver iothread='1'/></controller>", "unsupported configuration: controller iothread '1' not defined in iothreadid")]
    [InlineData("<controller type='scsi' model='lsilogic'><driver iothread='1'/></controller>", "unsupported configuration: 'iothread' is only supported for virtio-scsi controller")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/><iotune><read_iops_sec>x</read_iops_sec></iotune></disk>", "XML error: disk iotune field 'read_iops_sec' must be an integer")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/><iotune><total_iops_sec>1</total_iops_sec><read_iops_sec>1</read_iops_sec></iotune></disk>", "XML error: total and read/write iops_sec cannot be set at the same time")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/><iotune><total_bytes_sec_max>1</total_bytes_sec_max><write_bytes_sec_max>1</write_bytes_sec_max></iotune></disk>", "XML error: total and read/write bytes_sec_max cannot be set at the same time")]
    [InlineData("<interface type='user'><bandwidth><inbound peak='1'/></bandwidth></interface>", "Missing mandatory average or floor attributes")]
    [InlineData("<interface type='user'><bandwidth><inbound average='1' floor='1'/></bandwidth></interface>", "unsupported configuration: floor attribute is not supported for this config")]
    [InlineData("<cputune><shares>1</shares></cputune>", "unsupported configuration: Value of cputune 'shares' must be in range [2, 262144]")]
    [InlineData("<cputune><quota>999</quota></cputune>", "unsupported configuration: Value of cputune 'quota' must be in range [1000, 17592186044415]")]
    [InlineData("<cputune><period>x</period></cputune>", "XML error: can't parse cputune period value")]
    [InlineData("<blkiotune><device><weight>1</weight></device></blkiotune>", "unsupported configuration: missing per-device path")]
    [InlineData("<numatune><memory mode='x' nodeset='0'/></numatune>", "unsupported configuration: Unsupported NUMA memory tuning mode 'x'")]
    [InlineData("<numatune><memory/></numatune>", "unsupported configuration: nodeset for NUMA memory tuning must be set if 'placement' is 'static'")]
    [InlineData("<watchdog/>", "internal error: watchdog must contain model name")]
    public void A_bad_definition_gets_libvirts_own_words(string xml, string message)
    {
        var whole = xml.StartsWith("<domain", StringComparison.Ordinal) || xml == "<network/>";
        var error = Assert.Throws<DomainXmlException>(() => Complete(whole ? xml : Guest(xml)));
        Assert.Equal(message, error.Message);
    }

    /// <summary>The policy in one table: what would change the guest is refused, naming its place.</summary>
    [Theory]
    [InlineData("<hostdev mode='subsystem' type='pci'/>", "/domain/devices/hostdev")]
    [InlineData("<sound model='usb'/>", "/domain/devices/sound/@model")]
    [InlineData("<filesystem><source dir='/'/><target dir='x'/></filesystem>", "/domain/devices/filesystem")]
    [InlineData("<tpm model='tpm-tis'/>", "/domain/devices/tpm")]
    [InlineData("<vsock/>", "/domain/devices/vsock")]
    [InlineData("<memory model='nvdimm'/>", "/domain/devices/memory/@model")]
    [InlineData("<memory model='dimm' access='shared'/>", "/domain/devices/memory/@access")]
    [InlineData("<redirdev bus='usb'/>", "/domain/devices/redirdev")]
    [InlineData("<channel type='spicevmc'><target type='virtio'/></channel>", "/domain/devices/channel/@type")]
    [InlineData("<graphics type='spice'/>", "/domain/devices/graphics/@type")]
    [InlineData("<disk type='network'><source protocol='rbd' name='a'/><target dev='vda'/></disk>", "/domain/devices/disk/@type")]
    [InlineData("<disk type='file'><driver type='vmdk'/><source file='/a'/><target dev='vda'/></disk>", "/domain/devices/disk/driver/@type")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/><transient/></disk>", "/domain/devices/disk/transient")]
    [InlineData("<interface type='network'><source network='default'/></interface>", "/domain/devices/interface/@type")]
    [InlineData("<interface type='user'><model type='vmxnet3'/></interface>", "/domain/devices/interface/model/@type")]
    [InlineData("<controller type='scsi' model='vmpvscsi'/>", "/domain/devices/controller/@model")]
    [InlineData("<video><model type='vmvga'/></video>", "/domain/devices/video/model/@type")]
    [InlineData("<memoryBacking><hugepages/></memoryBacking>", "/domain/memoryBacking/hugepages")]
    [InlineData("<numatune><memory placement='auto'/></numatune>", "/domain/numatune/memory/@placement")]
    [InlineData("<numatune><memory nodeset='0'/><memnode cellid='0' nodeset='0'/></numatune>", "/domain/numatune/memnode")]
    [InlineData("<defaultiothread thread_pool_min='1' thread_pool_max='2'/>", "/domain/defaultiothread")]
    [InlineData("<sysinfo type='fwcfg'/>", "/domain/sysinfo/@type")]
    [InlineData("<memoryBacking><source type='file'/></memoryBacking>", "/domain/memoryBacking/source/@type")]
    [InlineData("<memoryBacking><access mode='shared'/></memoryBacking>", "/domain/memoryBacking/access")]
    [InlineData("<cpu><numa><cell memory='1' memAccess='shared'/></numa></cpu>", "/domain/cpu/numa/cell/@memAccess")]
    [InlineData("<cpu><numa><cell memory='1'><distances/></cell></numa></cpu>", "/domain/cpu/numa/cell/distances")]
    [InlineData("<cpu><numa><interconnects/></numa></cpu>", "/domain/cpu/numa/interconnects")]
    [InlineData("<launchSecurity type='sev'/>", "/domain/launchSecurity")]
    [InlineData("<features><hap state='on'/></features>", "/domain/features/hap")]
    [InlineData("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-S'/></q:commandline>", "/domain/q:commandline")]
    public void What_would_change_the_guest_and_is_not_implemented_is_refused_with_its_path(string part, string path)
    {
        var error = Assert.Throws<DomainXmlException>(() => Complete(Guest(part)));
        Assert.Equal((ErrorCode.ConfigUnsupported, path), (error.Code, error.Path));
        Assert.StartsWith($"unsupported configuration: {path}: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<os><type>exe</type></os>", "/domain/os/type")]
    [InlineData("<os><type machine='isapc'>hvm</type></os>", "/domain/os/type/@machine")]
    [InlineData("<os><type>hvm</type><loader type='pflash' format='qcow2'>/x</loader></os>", "/domain/os/loader/@format")]
    [InlineData("<os><type>hvm</type><nvram type='block'><source dev='/x'/></nvram></os>", "/domain/os/nvram/@type")]
    public void Firmware_and_machines_that_are_not_implemented_are_refused_with_their_path(string os, string path)
    {
        var catalog = DomainXmlData.Context.FindCatalog(null, "x86_64")!;
        var context = DomainXmlData.Context with { FindCatalog = (_, _) => catalog with { DefaultCpus = catalog.DefaultCpus.Add("isapc", "486") } };
        var error = Assert.Throws<DomainXmlException>(
            () => DomainDocument.Parse($"<domain type='qemu'><name>bad</name><memory>65536</memory>{os}</domain>").Complete(context));
        Assert.Equal((ErrorCode.ConfigUnsupported, path), (error.Code, error.Path));
    }

    [Theory]
    [InlineData("<metadata><a:b xmlns:a='urn:a'><a:c/></a:b></metadata>", "<a:c/>")]
    [InlineData("<title>t</title>", "<title>t</title>")]
    [InlineData("<seclabel type='none' model='dac'/>", "<seclabel type='none' model='dac'/>")]
    [InlineData("<cputune><shares>7</shares></cputune>", "<shares>7</shares>")]
    [InlineData("<resource><partition>/a</partition></resource>", "<partition>/a</partition>")]
    public void What_is_inert_is_kept(string part, string kept) => Assert.Contains(kept, Complete(Guest(part)).ToXml(), StringComparison.Ordinal);

    [Fact]
    public void A_huge_document_is_refused_before_it_is_read() =>
        Assert.Equal(ErrorCode.XmlDetail, Assert.Throws<DomainXmlException>(() => DomainDocument.Parse(new string(' ', DomainDocument.MaxCharacters + 1))).Code);

    [Theory]
    [InlineData("<domain")]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("<domain><a></b></domain>")]
    public void Text_that_is_no_XML_is_told_as_such(string text)
    {
        var error = Assert.Throws<DomainXmlException>(() => DomainDocument.Parse(text));
        Assert.Equal(ErrorCode.XmlDetail, error.Code);
        Assert.StartsWith("(domain_definition):", error.Message, StringComparison.Ordinal);
    }

    // As xmllint 2.9.14 has it; what virsh shows of it is in docs/virsh-transcript.md.
    [Theory]
    [InlineData("", "1: Document is empty\n\n^")]
    [InlineData("   ", "1: Start tag expected, '<' not found\n   \n---^")]
    [InlineData("<a>\n <b>\n", "3: Premature end of data in tag b line 2\n\n^")]
    [InlineData("<a>\n <b>x</c>\n</a>", "2: Opening and ending tag mismatch: b line 2 and c\n <b>x</c>\n---------^")]
    [InlineData("<a>\n </ b>\n</a>", "2: expected '>'\n </ b>\n----^")]
    [InlineData("<a>\n\t<b c='1' c='2'/>\n</a>", "2: Attribute c redefined\n\t<b c='1' c='2'/>\n\t--------------^")]
    [InlineData("<a b>\n</a>", "1: Specification mandates value for attribute b\n<a b>\n----^")]
    [InlineData("<a b='1'c='2'/>", "1: attributes construct error\n<a b='1'c='2'/>\n--------^")]
    [InlineData("<a b=1/>", "1: AttValue: \" or ' expected\n<a b=1/>\n-----^")]
    [InlineData("<a b='1<2'/>", "1: Unescaped '<' not allowed in attributes values\n<a b='1<2'/>\n-------^")]
    [InlineData("<a/ >", "1: error parsing attribute name\n<a/ >\n--^")]
    [InlineData("<a>&#x0;</a>", "1: xmlParseCharRef: invalid xmlChar value 0\n<a>&#x0;</a>\n--------^")]
    [InlineData("<a>&b;</a>", "1: Entity 'b' not defined\n<a>&b;</a>\n------^")]
    [InlineData("<a>& b</a>", "1: xmlParseEntityRef: no name\n<a>& b</a>\n----^")]
    [InlineData("<a>&amp</a>", "1: EntityRef: expecting ';'\n<a>&amp</a>\n-------^")]
    [InlineData("<a>\n</a>\n<b/>", "3: Extra content at the end of the document\n<b/>\n^")]
    [InlineData("<a>\n <!-- b -- c -->\n</a>", "2: Double hyphen within comment: <!-- b \n <!-- b -- c -->\n--------^")]
    public void What_is_wrong_with_text_that_is_no_XML_is_said_in_libxml2s_words(string text, string told) =>
        Assert.Equal("(domain_definition):" + told, Assert.Throws<DomainXmlException>(() => DomainDocument.Parse(text)).Message);

    [Fact]
    public void A_definition_that_is_cut_or_has_lost_a_character_never_fails_otherwise()
    {
        const string whole = "<?xml version='1.0'?>\n<domain a='1' b=\"&lt;\"><!-- c --><d e='f'/>\n<g><![CDATA[h]]>&#105;&#x6a;</g><?k l?></domain>\n";
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var text in (string[])[whole[..at], whole.Remove(at, 1), whole.Insert(at, "<"), whole.Insert(at, "&"), whole.Insert(at, "\0")])
                Assert.True(Record.Exception(() => DomainDocument.Parse(text)) is null or DomainXmlException, text);
        }
    }

    [Theory]
    [InlineData("<disk type='file'><source file='/a'/><target dev='vda'/><address type='pci' bus='0xffff' slot='1'/></disk>")]
    [InlineData("<controller type='pci' index='99999999' model='pci-bridge'/>")]
    [InlineData("<disk type='file'><source file='/a'/><target dev='sda'/><address type='drive' controller='4000000000' unit='1'/></disk>")]
    [InlineData("<controller type='virtio-serial' ports='4000000000'/>")]
    [InlineData("<controller type='usb' model='qemu-xhci' ports='2000000000'/>")]
    public void A_number_that_would_take_a_huge_table_is_refused(string devices) =>
        Assert.Throws<DomainXmlException>(() => Complete(Guest(devices)));

    private static DomainDocument Complete(string xml) => DomainDocument.Parse(xml).Complete(DomainXmlData.Context);

    private static string Guest(string part)
    {
        string[] outside =
        [
            "vcpu", "title", "on_", "cpu", "clock", "metadata", "seclabel", "resource", "iothreads", "iothreadids", "defaultiothread", "cputune", "blkiotune", "maxMemory", "memoryBacking", "numatune", "sysinfo", "genid",
            "launchSecurity", "features", "q:",
        ];
        var isDevice = !Array.Exists(outside, name => part.StartsWith("<" + name, StringComparison.Ordinal));
        return $"<domain type='qemu'><name>bad</name><memory>65536</memory><os><type>hvm</type></os>{(isDevice ? "" : part)}<devices>{(isDevice ? part : "")}</devices></domain>";
    }
}
