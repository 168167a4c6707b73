namespace Wherry.Xml.Tests;

public sealed class AbiStabilityTests
{
    private const string Guest = """
        <domain type='qemu'>
          <name>web1</name>
          <uuid>c0ffee00-0000-4000-8000-000000000001</uuid>
          <memory unit='MiB'>64</memory>
          <vcpu>2</vcpu>
          <os><type machine='pc-i440fx-7.2'>hvm</type></os>
          <features><acpi/></features>
          <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/></clock>
          <devices>
            <disk type='file'><driver type='qcow2'/><source file='/a'/><target dev='vda'/><serial>one</serial></disk>
            <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><model type='virtio'/></interface>
            <serial type='pty'/>
            <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
            <graphics type='vnc'/>
            <watchdog model='i6300esb'/>
            <rng model='virtio'><backend model='random'/></rng>
          </devices>
        </domain>
        """;

    [Theory]
    [InlineData("/a", "/elsewhere/b")]
    [InlineData("br0", "br7")]
    [InlineData("<graphics type='vnc'/>", "<graphics type='vnc' port='5999' listen='0.0.0.0'/>")]
    [InlineData("<devices>", "<on_crash>restart</on_crash><metadata><x:y xmlns:x='urn:x'/></metadata><devices>")]
    [InlineData("<serial type='pty'/>", "<serial type='file'><source path='/tmp/log'/></serial>")]
    public void What_the_guest_cannot_see_may_differ(string was, string becomes) => Assert.Empty(Differences(was, becomes));

    [Theory]
    [InlineData("type='qemu'", "type='kvm'", "domain virt type kvm does not match source qemu")]
    [InlineData("web1", "web2", "domain name 'web2' does not match source 'web1'")]
    [InlineData("0001</uuid>", "0002</uuid>", "domain uuid c0ffee00-0000-4000-8000-000000000002 does not match source c0ffee00-0000-4000-8000-000000000001")]
    [InlineData("<devices>", "<sysinfo type='smbios'><system><entry name='manufacturer'>A</entry></system></sysinfo><devices>", "system vendor A does not match source none")]
    [InlineData("</os>", "<smbios mode='emulate'/></os>", "domain SMBIOS mode emulate does not match source none")]
    [InlineData("<memory ", "<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid><memory ", "domain genid 43dc0cf8-809b-4adb-9bea-a9abb5f3d90e does not match source none")]
    [InlineData("<vcpu>", "<memoryBacking><source type='memfd'/></memoryBacking><vcpu>", "memoryBacking source memfd does not match source none")]
    [InlineData(">64<", ">65<", "domain max memory 66560 does not match source 65536")]
    [InlineData("<vcpu>2", "<vcpu>3", "domain vCPU max 3 does not match source 2")]
    [InlineData("pc-i440fx-7.2", "pc-i440fx-6.2", "domain machine type pc-i440fx-6.2 does not match source pc-i440fx-7.2")]
    [InlineData("vda", "vdb", "disk vdb does not match source vda")]
    [InlineData(">one<", ">two<", "disk serial two does not match source one")]
    [InlineData("<target dev='vda'/>", "<target dev='vda'/><readonly/>", "disk access mode True does not match source False")]
    [InlineData("00:01'", "00:02'", "network card mac 52:54:00:00:00:02 does not match source 52:54:00:00:00:01")]
    [InlineData("<model type='virtio'/>", "<model type='e1000'/>", "network card model e1000 does not match source virtio")]
    [InlineData("<target dev='vda'/>", "<target dev='vda'/><address type='pci' slot='0x0b'/>", "device (disk) address 0000:00:0b.0 does not match source 0000:00:05.0")]
    [InlineData("<watchdog model='i6300esb'/>", "", "domain watchdog count 0 does not match source 1")]
    [InlineData("org.qemu.guest_agent.0", "other", "channel name other does not match source org.qemu.guest_agent.0")]
    public void What_the_guest_can_see_must_not(string was, string becomes, string difference) => Assert.Contains(difference, Differences(was, becomes));

    [Theory]
    [InlineData("<features><acpi/></features>", "<features><acpi/><apic/></features>", "features")]
    [InlineData("tickpolicy='catchup'", "tickpolicy='delay'", "timers")]
    [InlineData("<clock", "<cpu><model>Haswell</model></cpu><clock", "CPU")]
    public void Features_timers_and_CPU_are_part_of_the_hardware(string was, string becomes, string named) =>
        Assert.Contains(Differences(was, becomes), difference => difference.Contains(named, StringComparison.Ordinal));

    [Fact]
    public void The_first_difference_is_told_with_libvirts_code()
    {
        var error = Assert.Throws<DomainXmlException>(() => AbiStability.Check(Spec(Guest), Spec(Guest.Replace("web1", "web2", StringComparison.Ordinal))));
        Assert.Equal(Errors.ErrorCode.ConfigUnsupported, error.Code);
        Assert.Equal("unsupported configuration: Target domain name 'web2' does not match source 'web1'", error.Message);
    }

    private static IEnumerable<string> Differences(string was, string becomes)
    {
        Assert.Contains(was, Guest, StringComparison.Ordinal);
        return AbiStability.Differences(Spec(Guest), Spec(Guest.Replace(was, becomes, StringComparison.Ordinal)));
    }

    private static DomainSpec Spec(string xml) => DomainSpec.From(DomainDocument.Parse(xml).Complete(DomainXmlData.Context));
}
