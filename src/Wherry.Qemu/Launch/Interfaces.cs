using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Network interfaces: the host end (<c>-netdev hostnetN</c>), then the guest's card.</summary>
internal static class Interfaces
{
    public static void Add(Arguments arguments, DomainSpec spec, LaunchContext context, BusNames bus, BootIndexes boot)
    {
        foreach (var nic in spec.Interfaces)
        {
            arguments.Add("-netdev", HostEnd(nic, context).Text("id", $"host{nic.Alias}").ToString());
            arguments.AddDevice(Card(nic, bus, boot));
        }
    }

    private static Properties HostEnd(InterfaceSpec nic, LaunchContext context)
    {
        if (nic.Type == InterfaceType.User)
            return new Properties().Text("type", "user");
        if (!context.Taps.TryGetValue(nic.Alias ?? "", out var tap))
            throw new WherryException(ErrorCode.InternalError, $"interface '{nic.Alias}' has no tap device");
        return Tap([.. tap.Queues.Select(fd => $"{fd}")], [.. tap.Vhost.Select(fd => $"{fd}")]);
    }

    /// <param name="queues">Descriptors, by QEMU's numbers or by names that it was given.</param>
    internal static Properties Tap(IReadOnlyList<string> queues, IReadOnlyList<string> vhost)
    {
        var netdev = new Properties().Text("type", "tap").Text(queues.Count > 1 ? "fds" : "fd", string.Join(':', queues));
        return vhost.Count == 0
            ? netdev
            : netdev.Flag("vhost", true).Text(vhost.Count > 1 ? "vhostfds" : "vhostfd", string.Join(':', vhost));
    }

    internal static Properties Card(InterfaceSpec nic, BusNames bus, BootIndexes boot)
    {
        var card = IsVirtio(nic) ? VirtioCard(nic) : Properties.OfDevice(nic.Model);
        card.Text("netdev", $"host{nic.Alias}").Text("id", nic.Alias).Text("mac", nic.Mac).Number("bootindex", boot.Of(nic));
        return bus.AddAddress(card, nic.Address);
    }

    private static Properties VirtioCard(InterfaceSpec nic)
    {
        var card = Virtio.Device("virtio-net", nic.Address, nic.Model);
        if (nic.Queues is > 1 and var queues)
            // An interrupt vector for each direction of each queue, one for control and one for configuration changes.
            card.Flag("mq", true).Number("vectors", 2 * queues + 2);
        return card.Number("rx_queue_size", nic.RxQueueSize).Number("tx_queue_size", nic.TxQueueSize).Number("host_mtu", nic.Mtu);
    }

    internal static bool IsVirtio(InterfaceSpec nic) => nic.Model is "virtio" or "virtio-transitional" or "virtio-non-transitional";
}
