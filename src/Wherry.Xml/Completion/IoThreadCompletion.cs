using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// I/O threads: a count, and numbers for them. Where any number is given all are listed, those given first; where none is, they are 1 to the
/// count and the count says it all.
/// </summary>
internal static class IoThreadCompletion
{
    /// <summary>libvirt has no bound; QEMU would have to start each as a thread of its own.</summary>
    private const int MaxIoThreads = 1024;

    public static void Complete(XElement domain)
    {
        var given = domain.Element("iothreadids")?.Elements("iothread").ToList() ?? [];
        if (given.FirstOrDefault(thread => thread.Get("id") is null) is { } unnamed)
            unnamed.Required("id");
        if (given.GroupBy(thread => thread.Get("id"), StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw DomainXmlException.Invalid($"duplicate iothread id '{twice.Key}' found", twice.Last());
        var count = Math.Max(given.Count, long.Parse(domain.Text("iothreads") ?? "0", CultureInfo.InvariantCulture));
        if (count > MaxIoThreads)
            throw DomainXmlException.Unsupported($"{count} I/O threads exceed the maximum of {MaxIoThreads}", domain.Element("iothreads"));
        var free = Enumerable.Range(1, (int)count).Select(DomainTree.Text).Except(given.Select(thread => thread.Get("id")!), StringComparer.Ordinal);
        if (given.Count > 0)
            domain.Element("iothreadids")!.Add(free.Take((int)count - given.Count).Select(id => new XElement("iothread", new XAttribute("id", id))).ToList());
        domain.SetElementValue("iothreads", count == 0 ? null : DomainTree.Text((int)count));
        CheckPools(given);
        CheckPins(domain);
    }

    /// <exception cref="DomainXmlException">A device's thread is none, or the device is of a kind that has none.</exception>
    public static void CheckDevice(XElement device, XElement domain)
    {
        if (device.Element("driver")?.Get("iothread") is not { } id)
            return;
        if (device.Name == "disk" && device.Get("target", "bus") is var bus and not "virtio")
            throw DomainXmlException.UnsupportedByQemu($"IOThreads not available for bus {bus} target {device.Get("target", "dev")}");
        if (device.Name == "controller"
            && !(device.Get("type") == "scsi" && device.Get("model")?.StartsWith("virtio", StringComparison.Ordinal) == true))
            throw DomainXmlException.UnsupportedByQemu("'iothread' is only supported for virtio-scsi controller");
        if (!MachineReading.IoThreads(domain).Any(thread => DomainTree.Text((int)thread.Id) == id))
            throw DomainXmlException.UnsupportedByQemu(
                device.Name == "disk" ? $"Disk iothread '{id}' not defined in iothreadid" : $"controller iothread '{id}' not defined in iothreadid");
    }

    private static void CheckPools(List<XElement> threads)
    {
        foreach (var thread in threads)
        {
            if (thread.Int("thread_pool_max") == 0)
                throw DomainXmlException.Unsupported("thread_pool_max must be a positive integer", thread);
            if ((thread.Int("thread_pool_min") ?? -1) > (thread.Int("thread_pool_max") ?? -1))
                throw DomainXmlException.Unsupported("thread_pool_min must be smaller or equal to thread_pool_max", thread);
        }
    }

    private static void CheckPins(XElement domain)
    {
        var pins = domain.Element("cputune")?.Elements("iothreadpin").ToList() ?? [];
        if (pins.Count == 0)
            return;
        var order = MachineReading.IoThreads(domain).Select(thread => DomainTree.Text((int)thread.Id)).ToList();
        foreach (var pin in pins)
        {
            if (!order.Contains(pin.Required("iothread")))
                throw DomainXmlException.Unsupported($"Cannot find 'iothread' : {pin.Get("iothread")}", pin);
            if (pin.Get("cpuset") is null)
                throw DomainXmlException.Internal("missing cpuset for iothreadpin", pin);
        }

        if (pins.GroupBy(pin => pin.Get("iothread"), StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw DomainXmlException.Internal($"duplicate iothreadpin for same iothread '{twice.Key}'", twice.Last());
        pins.Remove();
        domain.Element("cputune")!.Add(pins.OrderBy(pin => order.IndexOf(pin.Get("iothread")!)));
    }
}
