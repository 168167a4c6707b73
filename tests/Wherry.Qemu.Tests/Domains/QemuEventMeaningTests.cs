using System.Text.Json;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Launch;
using Wherry.Qmp;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Domains;

/// <summary>QEMU's events as libvirt's: the data is as QEMU 7.2 sends it, the expected lines are what <c>virsh event</c> shows.</summary>
public class QemuEventMeaningTests
{
    private static readonly DomainSpec Spec = DomainSpec.From(DomainDocument.Parse("""
        <domain type='qemu'>
          <name>g</name>
          <uuid>30000000-0000-4000-8000-000000000001</uuid>
          <memory>16384</memory>
          <vcpu>1</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <clock offset='variable' adjustment='3600' basis='utc'/>
          <on_poweroff>restart</on_poweroff>
          <on_reboot>restart</on_reboot>
          <on_crash>destroy</on_crash>
          <devices>
            <disk type='file' device='disk'>
              <driver name='qemu' type='qcow2'/>
              <source file='/images/a.qcow2' index='2'/>
              <target dev='vda' bus='virtio'/>
              <alias name='virtio-disk0'/>
            </disk>
            <disk type='file' device='cdrom'>
              <driver name='qemu' type='raw'/>
              <target dev='hda' bus='ide'/>
              <readonly/>
              <alias name='ide0-0-0'/>
            </disk>
          </devices>
        </domain>
        """));

    private static readonly RunNames Names = new(
        Spec,
        [
            new DiskNodes("vda",
            [
                new ImageNode(2, "/images/a.qcow2", DiskFormat.Qcow2, IsBlockDevice: false, ReadOnly: false),
                new ImageNode(3, "/images/base.qcow2", DiskFormat.Qcow2, IsBlockDevice: false, ReadOnly: true),
            ]),
        ]);

    [Theory]
    [InlineData("RTC_CHANGE", """{"offset": 10, "qom-path": "/x"}""", "RtcChange { OffsetSeconds = 3610 }")]
    [InlineData("BALLOON_CHANGE", """{"actual": 1025}""", "BalloonChange { ActualKiB = 2 }")]
    [InlineData("DEVICE_TRAY_MOVED", """{"device": "", "tray-open": true, "id": "ide0-0-0"}""", "TrayChange { Alias = ide0-0-0, Opened = True }")]
    [InlineData("DEVICE_TRAY_MOVED", """{"device": "drive-ide0-0-0", "tray-open": false, "id": ""}""", "TrayChange { Alias = ide0-0-0, Opened = False }")]
    [InlineData("DEVICE_TRAY_MOVED", """{"device": "", "tray-open": true, "id": "unknown"}""", "")]
    [InlineData("DEVICE_UNPLUG_GUEST_ERROR", """{"device": "net1", "path": "/machine/peripheral/net1"}""", "DeviceRemovalFailed { Alias = net1 }")]
    [InlineData("DEVICE_UNPLUG_GUEST_ERROR", """{"path": "/machine/peripheral/net1"}""", "")]
    [InlineData("ACPI_DEVICE_OST", """{"info": {"device": "dimm0", "slot-type": "DIMM", "slot": "0", "source": 3, "status": 1}}""", "DeviceRemovalFailed { Alias = dimm0 }")]
    [InlineData("ACPI_DEVICE_OST", """{"info": {"device": "dimm0", "slot-type": "DIMM", "slot": "0", "source": 259, "status": 132}}""", "")]
    [InlineData("MEMORY_DEVICE_SIZE_CHANGE", """{"id": "vm0", "size": 2097152, "qom-path": "/x"}""", "MemoryDeviceSizeChange { Alias = vm0, SizeKiB = 2048 }")]
    [InlineData(
        "MEMORY_FAILURE", """{"recipient": "guest", "action": "inject", "flags": {"action-required": true, "recursive": false}}""",
        "MemoryFailure { Recipient = Guest, Action = Inject, Traits = ActionRequired }")]
    [InlineData("MEMORY_FAILURE", """{"recipient": "moon", "action": "inject", "flags": {}}""", "")]
    [InlineData(
        "BLOCK_WRITE_THRESHOLD", """{"node-name": "libvirt-2-format", "amount-exceeded": 5, "write-threshold": 100}""",
        "BlockThreshold { Device = vda, Path = /images/a.qcow2, Threshold = 100, Excess = 5 } BlockThreshold { Device = vda[2], Path = /images/a.qcow2, Threshold = 100, Excess = 5 }")]
    [InlineData(
        "BLOCK_WRITE_THRESHOLD", """{"node-name": "libvirt-3-storage", "amount-exceeded": 5, "write-threshold": 100}""",
        "BlockThreshold { Device = vda[3], Path = /images/base.qcow2, Threshold = 100, Excess = 5 }")]
    [InlineData(
        "BLOCK_IO_ERROR", """{"device": "", "node-name": "libvirt-2-format", "nospace": true, "reason": "No space left on device", "operation": "write", "action": "stop"}""",
        "IoError { Source = /images/a.qcow2, Alias = virtio-disk0, Action = Pause, Reason = enospc }")]
    [InlineData(
        "BLOCK_IO_ERROR", """{"device": "", "node-name": "libvirt-9-format", "reason": "?", "operation": "read", "action": "report"}""",
        "IoError { Source = , Alias = , Action = Report, Reason =  }")]
    [InlineData("GUEST_CRASHLOADED", """{"action": "run"}""", "Lifecycle { Event = LifecycleEvent { Type = Crashed, Detail = 1 } }")]
    [InlineData("RESET", """{"guest": true, "reason": "guest-reset"}""", "Reboot { }")]
    [InlineData("NIC_RX_FILTER_CHANGED", """{"path": "/x"}""", "")]
    [InlineData("RTC_CHANGE", "[]", "RtcChange { OffsetSeconds = 3600 }")]
    public void Each_event_is_told_as_stock_tells_it(string name, string data, string expected) =>
        Assert.Equal(expected, string.Join(' ', Meaning(name, data).Announce));

    [Fact]
    public void A_viewer_is_told_with_both_ends_and_who_it_proved_to_be()
    {
        var told = Assert.IsType<DomainEvent.Graphics>(Assert.Single(Meaning("VNC_INITIALIZED", """
            {"server": {"auth": "vencrypt+x509+sasl", "family": "ipv6", "service": "5900", "host": "::1", "websocket": false},
             "client": {"family": "ipv4", "service": "40000", "host": "192.0.2.1", "x509_dname": "CN=me", "sasl_username": "me", "websocket": false}}
            """).Announce));
        Assert.Equal((GraphicsPhase.Initialize, "vencrypt+x509+sasl"), (told.Phase, told.AuthScheme));
        Assert.Equal(new GraphicsAddress(GraphicsFamily.Ipv6, "::1", "5900"), told.Local);
        Assert.Equal(new GraphicsAddress(GraphicsFamily.Ipv4, "192.0.2.1", "40000"), told.Remote);
        Assert.Equal([new GraphicsIdentity("x509dname", "CN=me"), new GraphicsIdentity("saslUsername", "me")], told.Subject);
        Assert.Empty(Meaning("VNC_CONNECTED", """{"server": {}, "client": {}}""").Announce);
    }

    [Fact]
    public void A_power_off_carries_what_the_definition_makes_of_it() =>
        Assert.Equal([new DomainInput.GuestShutdown(true, Restarts: true)], Meaning("SHUTDOWN", """{"guest": true, "reason": "guest-shutdown"}""").Inputs);

    [Theory]
    [InlineData("""{"action": "pause", "info": {"type": "hyper-v", "arg1": 1, "arg2": 255, "arg3": 0, "arg4": 0, "arg5": 18446744073709551615}}""",
        "hyper-v: arg1='0x1', arg2='0xff', arg3='0x0', arg4='0x0', arg5='0xffffffffffffffff'")]
    [InlineData("""{"action": "pause", "info": {"type": "s390", "core": 1, "psw-mask": 2, "psw-addr": 3, "reason": "disabled-wait"}}""",
        "s390: core='1' psw-mask='0x0000000000000002' psw-addr='0x0000000000000003' reason='disabled-wait'")]
    [InlineData("""{"action": "pause"}""", null)]
    public void A_panic_is_described_in_libvirts_words(string data, string? expected)
    {
        using var document = JsonDocument.Parse(data);
        Assert.Equal(expected, QemuDriver.PanicInformation(document.RootElement));
    }

    private static QemuEventMeaning Meaning(string name, string data)
    {
        using var document = JsonDocument.Parse(data);
        return QemuEventMeaning.Of(new QmpEvent(1, name, default, document.RootElement.Clone()), Names);
    }
}
