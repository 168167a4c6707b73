using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

// QEMU's I/O threads: which there are, and where they run.
public sealed partial class DomainDocument
{
    /// <summary>With one more I/O thread. From then on all are listed by number.</summary>
    public DomainDocument WithIoThread(uint id) => With(root =>
    {
        var threads = ListIoThreads(root);
        threads.Add(new XElement("iothread", new XAttribute("id", id)));
        root.SetElementValue("iothreads", threads.Elements().Count());
    });

    /// <summary>Without one of the I/O threads, nor what pinned it. Taking out the last of those that were only counted leaves them counted.</summary>
    public DomainDocument WithoutIoThread(uint id) => With(root =>
    {
        var wasLast = root.Element("iothreadids") is null && root.Element("iothreads")?.Value == Text(id);
        var threads = ListIoThreads(root);
        Find(threads, id)?.Remove();
        root.Element("cputune")?.Elements("iothreadpin").Where(pin => pin.Get("iothread") == Text(id)).Remove();
        var count = threads.Elements().Count();
        root.SetElementValue("iothreads", count == 0 ? null : count);
        if (wasLast)
            threads.Remove();
    });

    /// <summary>With other bounds for one I/O thread's workers; -1 for QEMU's own.</summary>
    public DomainDocument WithIoThreadPool(uint id, int? min, int? max) => With(root =>
    {
        var thread = Find(ListIoThreads(root), id);
        if (min is not null)
            thread?.SetAttributeValue("thread_pool_min", min < 0 ? null : min);
        if (max is not null)
            thread?.SetAttributeValue("thread_pool_max", max < 0 ? null : max);
    });

    /// <summary>With other host CPUs for one I/O thread.</summary>
    public DomainDocument WithIoThreadPin(uint id, ImmutableSortedSet<int> cpus) => With(root =>
    {
        var tune = CpuTune(root);
        tune.Elements("iothreadpin").Where(pin => pin.Get("iothread") == Text(id)).Remove();
        tune.Add(new XElement("iothreadpin", new XAttribute("iothread", Text(id)), new XAttribute("cpuset", CpuList.Write(cpus))));
        var order = MachineReading.IoThreads(root).Select(thread => thread.Id).ToList();
        var pins = tune.Elements("iothreadpin").OrderBy(pin => order.IndexOf((uint)(pin.Int("iothread") ?? 0))).ToList();
        pins.Remove();
        tune.Add(pins);
        ListIoThreads(root);
    });

    private static XElement ListIoThreads(XElement root)
    {
        if (root.Element("iothreadids") is not { } list)
        {
            list = new XElement(
                "iothreadids", MachineReading.IoThreads(root).Select(thread => new XElement("iothread", new XAttribute("id", thread.Id))));
            root.Add(list);
        }

        return list;
    }

    private static XElement? Find(XElement threads, uint id) => threads.Elements("iothread").FirstOrDefault(thread => thread.Get("id") == Text(id));

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
