using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Completes serial ports, parallel ports, consoles and channels. The first console of a PC is the first serial port by another
/// name, and libvirt shows it as both.
/// </summary>
internal static class CharacterCompletion
{
    private const int MaxIsaPorts = 4;

    /// <summary>Where libvirt and we put the sockets of channels that name none; such a path in a definition is a left-over.</summary>
    private const string ChannelDirectory = "/var/lib/libvirt/qemu/channel/target/";

    /// <summary>The lowest free port for each ISA serial port without one.</summary>
    /// <remarks>
    /// libvirt 9.0 does that only for those that spell out their type, and gives the others the number after the highest. Where the
    /// two rules differ, its result names a fifth port, which QEMU cannot start and libvirt itself refuses to read back.
    /// </remarks>
    public static void AssignIsaPorts(DomainTree tree)
    {
        CompleteParallels(tree);
        var isa = tree.Of("serial").Where(serial => serial.Get("target", "type") is null or "isa-serial").ToList();
        if (isa.Count > MaxIsaPorts || isa.Exists(serial => serial.Element("target").Int("port") >= MaxIsaPorts))
            throw DomainXmlException.Internal($"Maximum supported number of ISA serial ports is '{MaxIsaPorts}'");
        var used = new HashSet<int>();
        foreach (var serial in isa)
        {
            if (serial.Element("target").Int("port") is >= 0 and var port && !used.Add(port))
                throw DomainXmlException.Internal($"target port '{port}' already allocated", serial);
        }

        foreach (var serial in isa.Where(serial => serial.Element("target").Int("port") is null or < 0))
        {
            var port = Enumerable.Range(0, MaxIsaPorts).First(used.Add);
            DomainTree.Child(serial, "target").SetAttributeValue("port", DomainTree.Text(port));
        }
    }

    public static void Complete(DomainTree tree, CompletionContext context)
    {
        foreach (var serial in tree.Of("serial"))
            CompleteSerial(serial, tree);
        foreach (var parallel in tree.Of("parallel"))
            CompleteSource(parallel);
        foreach (var channel in tree.Of("channel"))
            CompleteChannel(channel);
        var number = 0;
        foreach (var console in tree.Of("console"))
        {
            CompleteSource(console);
            var target = DomainTree.Child(console, "target");
            target.SetAttributeValue("type", target.Get("type") ?? "serial");
            target.SetAttributeValue("port", DomainTree.Text(number++));
        }
    }

    /// <summary>Completes one device that is to be added to a domain.</summary>
    public static void CompleteOne(XElement device, DomainTree tree)
    {
        switch (device.Name.LocalName)
        {
            case "serial":
                CompleteSerial(device, tree);
                break;
            case "channel":
                CompleteChannel(device);
                break;
            case "parallel":
                CompleteSource(device);
                var port = DomainTree.Child(device, "target");
                if (port.Int("port") is null or < 0)
                    port.SetAttributeValue("port", DomainTree.Text(tree.Of("parallel").Select(other => other.Element("target").Int("port") ?? -1).DefaultIfEmpty(-1).Max() + 1));
                break;
            default:
                CompleteSource(device);
                var target = DomainTree.Child(device, "target");
                target.SetAttributeValue("type", target.Get("type") ?? "serial");
                target.SetAttributeValue("port", target.Get("port") ?? "0");
                break;
        }
    }

    /// <summary>Makes the first console and the first serial port one device.</summary>
    public static void PairFirstConsole(DomainTree tree)
    {
        if (tree.Of("console").Skip(1).FirstOrDefault(console => console.Get("target", "type") == "serial") is { } second)
            throw DomainXmlException.Unsupported("Only the first console can be a serial port", second);
        var console = tree.Of("console").FirstOrDefault();
        var serial = tree.Of("serial").FirstOrDefault();
        if (console?.Get("target", "type") == "serial")
        {
            if (serial is null)
            {
                serial = new XElement("serial", console.Attributes(), console.Elements().Where(child => child.Name != "target"));
                serial.Add(new XElement("target", new XAttribute("port", "0")));
                CompleteSerial(tree.Add(serial), tree);
            }
        }
        else if (serial?.Get("target", "type") == "isa-serial")
        {
            var stub = new XElement("console", new XElement("target", new XAttribute("type", "serial"), new XAttribute("port", "0")));
            tree.Add(stub);
            tree.Reorder("console", tree.Of("console").OrderBy(other => other == stub ? 0 : 1));
        }
    }

    /// <summary>Shows the first serial port once more as the first console.</summary>
    public static void MirrorFirstSerial(DomainTree tree)
    {
        var serial = tree.Of("serial").FirstOrDefault();
        if (serial is null || tree.Of("console").FirstOrDefault() is not { } console || console.Get("target", "type") != "serial")
            return;
        console.ReplaceAll(serial.Attributes(), serial.Elements().Where(child => child.Name != "target"));
        console.Add(new XElement("target", new XAttribute("type", "serial"), new XAttribute("port", serial.Get("target", "port") ?? "0")));
    }

    private static void CompleteParallels(DomainTree tree)
    {
        var next = 0;
        foreach (var parallel in tree.Of("parallel"))
        {
            var target = DomainTree.Child(parallel, "target");
            target.SetAttributeValue("port", DomainTree.Text(target.Int("port") is >= 0 and var port ? port : next));
            next = Math.Max(next, target.Int("port")!.Value + 1);
        }
    }

    private static void CompleteSerial(XElement serial, DomainTree tree)
    {
        CompleteSource(serial);
        var target = DomainTree.Child(serial, "target");
        target.SetAttributeValue("type", target.Get("type") ?? "isa-serial");
        if (target.Element("model") is null)
            target.Add(new XElement("model", new XAttribute("name", target.Get("type")!)));
        if (target.Int("port") is null or < 0)
        {
            var last = tree.Of("serial").Select(other => other.Element("target").Int("port") ?? -1).DefaultIfEmpty(-1).Max();
            target.SetAttributeValue("port", DomainTree.Text(last + 1));
        }
    }

    private static void CompleteChannel(XElement channel)
    {
        CompleteSource(channel);
        var target = channel.RequiredChild("target");
        if (target.Get("type") is null)
            throw DomainXmlException.Invalid("character device target type must be specified", channel);
        target.SetAttributeValue("state", null);
        if (channel.Get("type") == "unix" && channel.Element("source") is { } source
            && source.Get("path") is { } path && path.StartsWith(ChannelDirectory, StringComparison.Ordinal)
            && target.Get("name") is { } name && path.EndsWith("/" + name, StringComparison.Ordinal))
        {
            source.Remove();
        }
    }

    private static void CompleteSource(XElement device)
    {
        var type = device.Required("type");
        device.SetAttributeValue("tty", null);
        if (type != "tcp")
            device.Elements("protocol").Remove();
        if (type != "udp" && device.Elements("source").Skip(1).Any())
            throw DomainXmlException.Invalid("only one source element is allowed for character device", device);
        switch (type)
        {
            case "pty" or "null" or "vc" or "stdio":
                device.Elements("source").Remove();
                break;
            case "file" or "dev" or "pipe":
                if (device.Get("source", "path") is null or "")
                    throw DomainXmlException.Internal("Missing source path attribute for char device", device);
                Keep(device.Element("source")!, type == "file" ? ["path", "append"] : ["path"]);
                break;
            case "unix":
                if (device.Get("source", "path") is null or "")
                {
                    device.Elements("source").Remove();
                    break;
                }

                Keep(device.Element("source")!, ["mode", "path"]);
                Mode(device.Element("source")!);
                break;
            case "tcp":
                var source = device.RequiredChild("source");
                Keep(source, ["mode", "host", "service"]);
                Mode(source);
                if (source.Get("service") is null)
                    throw DomainXmlException.Invalid("Missing source service attribute for char device", device);
                if (source.Get("mode") == "connect" && source.Get("host") is null)
                    throw DomainXmlException.Invalid("Missing source host attribute for char device", device);
                if (device.Element("protocol") is null)
                    device.Add(new XElement("protocol", new XAttribute("type", "raw")));
                break;
            case "udp":
                foreach (var end in device.Elements("source"))
                {
                    Keep(end, ["mode", "host", "service"]);
                    Mode(end);
                }

                // libvirt writes the end that listens first.
                var ends = device.Elements("source").OrderBy(end => end.Get("mode") == "bind" ? 0 : 1).ToList();
                device.Elements("source").Remove();
                device.Add(ends);
                break;
        }

        static void Mode(XElement source) => source.SetAttributeValue("mode", source.Get("mode") ?? "connect");

        static void Keep(XElement source, string[] names)
        {
            foreach (var attribute in source.Attributes().Where(attribute => !names.Contains(attribute.Name.LocalName)).ToList())
                attribute.Remove();
        }
    }
}
