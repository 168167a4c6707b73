using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Puts the values of a <see cref="LiveOverlay"/> into a definition whose devices already have their aliases. Where in an element
/// they go does not matter: <see cref="Normalisation"/> follows.
/// </summary>
internal sealed class LiveOverlayWriter(LiveOverlay overlay, XElement domain)
{
    private readonly XElement _devices = domain.Element("devices")!;

    public void Write()
    {
        domain.SetAttributeValue("id", DomainTree.Text(overlay.Id));
        WriteMemory();
        overlay.Firmware?.Write(domain);
        if (overlay.Partition is { } partition && domain.Element("resource") is null)
            domain.Add(new XElement("resource", new XElement("partition", partition)));
        if (CpuElement.Find(domain) is { } cpu && (overlay.BuiltCpu ?? overlay.StartedCpu) is { } guest)
            CpuElement.Write(cpu, guest);
        foreach (var disk in _devices.Elements("disk"))
            WriteDisk(disk, Alias(disk));
        foreach (var element in _devices.Elements("interface"))
        {
            if (overlay.TapNames.TryGetValue(Alias(element), out var tap))
                DomainTree.Child(element, "target").SetAttributeValue("dev", tap);
        }

        foreach (var device in _devices.Elements().Where(device => device.Name.LocalName is "serial" or "parallel" or "console" or "channel"))
            WriteCharacter(device, Alias(device));
        foreach (var graphics in _devices.Elements("graphics"))
            WriteGraphics(graphics);
        if (overlay.DacLabel is { } label && !domain.Elements("seclabel").Any(existing => existing.Get("model") == "dac"))
        {
            domain.Add(new XElement(
                "seclabel",
                new XAttribute("type", "dynamic"),
                new XAttribute("model", "dac"),
                new XAttribute("relabel", "yes"),
                new XElement("label", label),
                new XElement("imagelabel", label)));
        }
    }

    /// <summary>The values of one device that is plugged into a running domain.</summary>
    public void WritePlugged(XElement device)
    {
        switch (device.Name.LocalName)
        {
            case "disk":
                WriteDisk(device, Alias(device));
                break;
            case "interface" when overlay.TapNames.TryGetValue(Alias(device), out var tap):
                DomainTree.Child(device, "target").SetAttributeValue("dev", tap);
                break;
            case "memory":
                WriteModule(device);
                break;
            case "serial" or "parallel" or "console" or "channel":
                WriteCharacter(device, Alias(device));
                break;
        }
    }

    private static string Alias(XElement device) => device.Get("alias", "name") ?? "";

    // QEMU's memory comes in whole MiB, modules in two, and libvirt shows what QEMU got.
    private void WriteMemory()
    {
        var initial = MemoryCompletion.Align(MemoryCompletion.Initial(domain), 1);
        var cells = domain.Element("cpu")?.Element("numa")?.Elements("cell").Zip(MemoryCompletion.Cells(domain)).ToList() ?? [];
        foreach (var (element, cell) in cells)
            element.SetAttributeValue("memory", MemoryCompletion.Align(cell.Memory, 1).KiB.ToString(CultureInfo.InvariantCulture));
        var total = cells.Count == 0 ? initial.Bytes : cells.Aggregate(0UL, (sum, cell) => sum + MemoryCompletion.Align(cell.Second.Memory, 1).Bytes);
        if (MemoryCompletion.Maximum(domain) is { } maximum)
            MemoryCompletion.SetSize(domain, "maxMemory", MemoryCompletion.Align(maximum.Size, 1));
        foreach (var module in MemoryCompletion.Modules(domain))
        {
            var size = MemoryCompletion.Align(MemoryCompletion.SizeOf(module), 2);
            MemoryCompletion.SetSize(module.Element("target")!, "size", size); // ! : completed
            WriteModule(module);
            total += size.Bytes;
        }

        MemoryCompletion.SetSize(domain, "memory", new ByteSize(total));
        if (overlay.CurrentMemory is { } balloon)
            MemoryCompletion.SetSize(domain, "currentMemory", new ByteSize(Math.Min(balloon.Bytes, total)));
    }

    private void WriteModule(XElement module)
    {
        if (overlay.ModuleBases.TryGetValue(Alias(module), out var place))
            module.Element("address")!.SetAttributeValue("base", "0x" + place.ToString("x", CultureInfo.InvariantCulture)); // ! : its slot is there
    }

    private void WriteDisk(XElement disk, string alias)
    {
        var source = disk.Element("source");
        if (source is null)
        {
            // An empty drive has no format; libvirt forgets the one it was given.
            disk.Element("driver")?.SetAttributeValue("type", null);
        }
        else
        {
            if (overlay.DiskIndexes.TryGetValue(alias, out var index))
                source.SetAttributeValue("index", DomainTree.Text(index));
            var chain = overlay.BackingChains.GetValueOrDefault(alias);
            if (disk.Element("backingStore") is null)
                disk.Add(BackingStore(chain.IsDefault ? [] : chain.AsSpan()));
        }

        if (overlay.Mirrors.TryGetValue(alias, out var mirror))
            disk.Add(Mirror(mirror));
        if (overlay.OpenTrays.Contains(alias))
            disk.Element("target")!.SetAttributeValue("tray", "open");
    }

    private static XElement BackingStore(ReadOnlySpan<BackingImage> chain)
    {
        var element = new XElement("backingStore");
        if (chain.Length == 0)
            return element;
        element.Add(
            new XAttribute("type", TypeOf(chain[0].Source)),
            new XAttribute("index", DomainTree.Text(chain[0].Index)),
            new XElement("format", new XAttribute("type", FormatOf(chain[0].Format))),
            SourceOf(chain[0].Source),
            BackingStore(chain[1..]));
        return element;
    }

    private static XElement Mirror(MirrorState mirror)
    {
        var element = new XElement("mirror", new XAttribute("type", TypeOf(mirror.Target)));
        if (mirror.Target is DiskSource.File)
            element.Add(new XAttribute("file", mirror.Target.Path), new XAttribute("format", FormatOf(mirror.Format)));
        element.Add(new XAttribute("job", mirror.Job), mirror.Ready ? new XAttribute("ready", "yes") : null);
        element.Add(new XElement("format", new XAttribute("type", FormatOf(mirror.Format))), SourceOf(mirror.Target));
        return element;
    }

    private static string TypeOf(DiskSource source) => source is DiskSource.Block ? "block" : "file";

    private static string FormatOf(DiskFormat format) => format == DiskFormat.Qcow2 ? "qcow2" : "raw";

    private static XElement SourceOf(DiskSource source) => new(
        "source",
        new XAttribute(source is DiskSource.Block ? "dev" : "file", source.Path),
        source.Index is { } index ? new XAttribute("index", DomainTree.Text(index)) : null);

    private void WriteCharacter(XElement device, string alias)
    {
        if (overlay.PtyPaths.TryGetValue(alias, out var pty) && device.Get("type") == "pty")
        {
            device.Add(new XElement("source", new XAttribute("path", pty)));
            // The old way for a client to find the terminal.
            if (device.Name == "console" && device.Get("target", "port") == "0")
                device.SetAttributeValue("tty", pty);
        }

        if (overlay.ChannelPaths.TryGetValue(alias, out var path) && device.Get("type") == "unix" && device.Element("source") is null)
            device.Add(new XElement("source", new XAttribute("mode", "bind"), new XAttribute("path", path)));
        if (overlay.ChannelStates.TryGetValue(alias, out var state) && device.Get("target", "type") == "virtio")
            device.Element("target")!.SetAttributeValue("state", state);
    }

    private void WriteGraphics(XElement graphics)
    {
        if (graphics.Element("listen") is not { } listen || listen.Get("type") != "address")
            return;
        var address = listen.Get("address") ?? overlay.VncListen;
        listen.SetAttributeValue("address", address);
        if (overlay.VncPort is { } port)
            graphics.SetAttributeValue("port", DomainTree.Text(port));
        if (overlay.VncWebSocket is { } webSocket && graphics.Get("websocket") is not null)
            graphics.SetAttributeValue("websocket", DomainTree.Text(webSocket));
        graphics.SetAttributeValue("listen", address);
    }
}
