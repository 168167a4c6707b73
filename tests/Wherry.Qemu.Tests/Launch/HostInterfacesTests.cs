using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

public sealed class HostInterfacesTests
{
    [Fact]
    public void A_bridge_interface_becomes_a_port_of_its_bridge_and_vanishes_with_its_descriptors() => InNamespace(() =>
    {
        NetworkNamespace.Ip("link add br0 mtu 1400 type bridge");
        With(Domain("<source bridge='br0'/><model type='virtio'/>", "bridge"), interfaces =>
        {
            Assert.Equal("vnet0", interfaces.Names["net0"]);
            Assert.Single(interfaces.Descriptors["net0"].Queues);
            Assert.Empty(interfaces.Descriptors["net0"].Vhost);
            var link = NetworkNamespace.Ip("-d link show vnet0");
            Assert.Contains("master br0", link, StringComparison.Ordinal);
            Assert.Contains("mtu 1400", link, StringComparison.Ordinal);
            Assert.Contains("link/ether fe:54:00:00:00:01", link, StringComparison.Ordinal);
            Assert.Contains("vnet_hdr on", link, StringComparison.Ordinal);
            Assert.Contains(",UP", link, StringComparison.Ordinal);
        });
        AssertVanishes("vnet0");
    });

    [Fact]
    public void A_multiqueue_interface_has_a_descriptor_for_each_queue() => InNamespace(() =>
        With(Domain("<target dev='tapx'/><mtu size='9000'/><model type='virtio'/><driver queues='4'/>", "ethernet"), interfaces =>
        {
            Assert.Equal(4, interfaces.Handles.Length);
            Assert.Equal(4, interfaces.Descriptors["net0"].Queues.Distinct().Count());
            var link = NetworkNamespace.Ip("-d link show tapx");
            Assert.Contains("mtu 9000", link, StringComparison.Ordinal);
            Assert.Contains("multi_queue", link, StringComparison.Ordinal);
        }));

    [Fact]
    public void A_name_left_by_an_earlier_start_is_not_insisted_on() => InNamespace(() =>
    {
        NetworkNamespace.Ip("tuntap add vnet0 mode tap");
        With(Domain("<target dev='vnet0'/><model type='e1000'/>", "ethernet"), interfaces => Assert.Equal("vnet1", interfaces.Names["net0"]));
    });

    [Fact]
    public void A_missing_bridge_gets_libvirts_error_and_leaves_no_tap() => InNamespace(() =>
    {
        var error = Assert.Throws<WherryException>(() => With(Domain("<source bridge='nobr'/>", "bridge"), _ => { }));
        Assert.Equal("Cannot get interface MTU on 'nobr': No such device", error.Message);
        Assert.Equal(ErrorCode.SystemError, error.Code);
        AssertVanishes("vnet");
    });

    // Another test that starts a program holds a copy of our descriptors between its fork and its exec, and a tap lives as long as one.
    private static void AssertVanishes(string name)
    {
        var waited = Stopwatch.StartNew();
        while (NetworkNamespace.Ip("link show").Contains(name, StringComparison.Ordinal))
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(10), $"{name} is still there");
    }

    // Blocking on purpose: the namespace is this thread's.
    private static void With(DomainSpec domain, Action<HostInterfaces> body)
    {
        using var processes = new ProcessSupervisor(NullLogger.Instance);
        var interfaces = HostInterfaces.CreateAsync(domain, new ToolRunner(processes, TimeProvider.System), TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        try
        {
            body(interfaces);
        }
        finally
        {
            interfaces.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static void InNamespace(Action body)
    {
        Assert.SkipWhen(NetworkNamespace.Missing is not null, NetworkNamespace.Missing ?? "");
        NetworkNamespace.Run(body);
    }

    private static DomainSpec Domain(string content, string type) => DomainSpec.From(DomainDocument.Parse($"""
        <domain type='qemu'><name>d</name><memory>1024</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os><devices>
        <interface type='{type}'><mac address='52:54:00:00:00:01'/>{content}<alias name='net0'/></interface>
        </devices></domain>
        """));
}
