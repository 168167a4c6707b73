using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// The host end of a bridge or ethernet interface: a tap device whose queues QEMU inherits. It is not persistent, so the kernel removes it
/// with the last descriptor: when QEMU has ended, or here when it was never started. Nothing is left to clean up after a crash.
/// </summary>
internal sealed class TapDevice : IDisposable
{
    /// <summary>libvirt's limit: the kernel's MAX_TAP_QUEUES.</summary>
    private const int MaxQueues = 256;

    private TapDevice(string name, ImmutableArray<SafeFileHandle> queues)
    {
        Name = name;
        Queues = queues;
    }

    public string Name { get; }

    public ImmutableArray<SafeFileHandle> Queues { get; }

    /// <exception cref="WherryException">SystemError: no permission, no tun driver, no such bridge.</exception>
    public static TapDevice Create(InterfaceSpec nic)
    {
        if (nic.ScriptPath is not null)
            throw new WherryException(ErrorCode.ConfigUnsupported, $"scripts are not supported on interface '{nic.Alias}'");
        var count = nic.Queues ?? 1;
        if (count is < 1 or > MaxQueues)
            throw new WherryException(ErrorCode.ConfigUnsupported, $"interface '{nic.Alias}': {count} queues are out of range [1,{MaxQueues}]");

        var flags = TapFlags.Tap | TapFlags.NoPacketInformation
            | (count > 1 ? TapFlags.MultiQueue : TapFlags.None)
            | (Interfaces.IsVirtio(nic) ? TapFlags.VnetHeader : TapFlags.None);
        // The kernel fills in the lowest free number itself, so two daemons cannot pick the same name.
        // A vnetN in the XML is such a name of an earlier start, possibly on another host, and means nothing here.
        var name = nic.TargetDev is { } dev && !dev.StartsWith("vnet", StringComparison.Ordinal) ? dev
            : nic.VirtualPort is { } port ? OpenVswitch.TapName(port)
            : "vnet%d";
        var queues = ImmutableArray.CreateBuilder<SafeFileHandle>(count);
        try
        {
            for (var i = 0; i < count; i++)
            {
                queues.Add(OpenTun());
                name = NetDevice.SetTap(queues[i], name, flags);
            }
            if (nic.TargetManaged)
                Configure(nic, name);
            return new TapDevice(name, queues.MoveToImmutable());
        }
        catch
        {
            foreach (var queue in queues)
                queue.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var queue in Queues)
            queue.Dispose();
    }

    private static void Configure(InterfaceSpec nic, string name)
    {
        // A bridge takes the lowest MAC of its ports for its own; 0xFE is higher than any guest's, so guests come and go without changing it.
        NetDevice.SetMac(name, $"fe{nic.Mac[2..]}");
        if (nic is { Type: InterfaceType.Bridge, SourceBridge: { } bridge })
        {
            // Before joining: a bridge shrinks its MTU to that of its smallest port.
            NetDevice.SetMtu(name, nic.Mtu ?? NetDevice.Mtu(bridge));
            if (nic.VirtualPort is not null)
                return; // HostInterfaces joins it and brings it up
            NetDevice.AddToBridge(bridge, name);
        }
        else if (nic.Mtu is { } mtu)
            NetDevice.SetMtu(name, mtu);
        NetDevice.SetUp(name);
    }

    private static SafeFileHandle OpenTun()
    {
        try
        {
            return File.OpenHandle("/dev/net/tun", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, "Unable to open /dev/net/tun, is tun module loaded?", ErrorDomain.None, e);
        }
    }
}
