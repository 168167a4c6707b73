using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

// Devices of a running domain. They come and go in all three of its documents at once; in each the devices of a kind stand in the same order.
public sealed partial class DomainDocument
{
    /// <summary>The device as it would be in this domain: defaults filled in, and what a domain cannot have refused.</summary>
    public DeviceDocument CompleteDevice(DeviceDocument device, CompletionContext context)
    {
        if (device.IsFixed)
            return device;
        var tree = TreeFor(context);
        if (device.IsRefused)
            throw Refusal(device);
        var completed = new XElement(device.Root);
        DevicePlug.Complete(completed, tree, context);
        DevicePlug.CheckCompatible(completed, tree, replaced: null);
        return new DeviceDocument(Normalise(completed));
    }

    /// <summary>The same for a device that is to change one that is there.</summary>
    public DeviceDocument CompleteUpdate(DeviceDocument device, CompletionContext context)
    {
        var tree = TreeFor(context);
        var completed = new XElement(device.Root);
        var old = device.Kind switch
        {
            "disk" => DeviceMatch.Disk(tree.Devices, device.TargetDev),
            "graphics" => tree.Of("graphics").FirstOrDefault(),
            _ => DeviceMatch.Interface(tree.Devices, completed),
        };
        if (completed.Get("alias", "name") is { } alias && old?.Get("alias", "name") is { } name && alias != name)
            throw DomainXmlException.Of(ErrorCode.OperationDenied, "changing device alias is not allowed");
        if (completed.Name == "interface" && completed.Get("mac", "address") is null)
            DomainTree.Child(completed, "mac").SetAttributeValue("address", old?.Get("mac", "address"));
        // A name that a daemon has made up is dropped from definitions; here it says that nothing changes.
        var tap = completed.Get("target", "dev");
        DevicePlug.Complete(completed, tree, context);
        if (completed.Name == "interface" && tap is not null)
            DomainTree.Child(completed, "target").SetAttributeValue("dev", tap);
        DevicePlug.CheckCompatible(completed, tree, old);
        return new DeviceDocument(Normalise(completed));
    }

    /// <summary>Whether there is a module that a client's description is to change. What of one could be changed, it would then have to say.</summary>
    /// <exception cref="WherryException">There is none, or it could not be as described.</exception>
    public void CheckMemoryUpdate(DeviceDocument module, CompletionContext context)
    {
        var tree = TreeFor(context);
        var device = new XElement(module.Root);
        DevicePlug.Complete(device, tree, context);
        var old = DeviceMatch.MemoryAt(tree.Devices, device)
            ?? throw DomainXmlException.Unsupported($"memory '{device.Get("alias", "name") ?? "(null)"}' not found");
        DevicePlug.CheckCompatible(device, tree, old);
    }

    /// <summary>The alias of the interface that a client means.</summary>
    /// <exception cref="WherryException">DeviceMissing, or OperationFailed for several.</exception>
    public string FindInterface(DeviceDocument wanted) => DeviceMatch.Interface(Root.Element("devices")!, wanted.Root).Get("alias", "name")!;

    /// <summary>What the running domain says of an interface's link; null when nothing, which means up.</summary>
    public bool? LinkOf(string alias) => FindAlias(alias) is { } nic ? DeviceDocument.LinkOf(nic) : null;

    /// <summary>The devices to plug in for a completed one, in order, each with its alias and its address: it may need a controller first.</summary>
    /// <exception cref="WherryException">There is no place for it, or its kind or bus cannot be plugged into a running machine.</exception>
    public IReadOnlyList<DeviceDocument> PlanPlug(DeviceDocument completed, CompletionContext context)
    {
        if (completed.IsFixed)
            throw new WherryException(ErrorCode.OperationUnsupported, $"live attach of device '{completed.Kind}' is not supported");
        return [.. DevicePlug.Plan(new XElement(completed.Root), TreeFor(context)).Select(device => new DeviceDocument(Normalise(device)))];
    }

    /// <summary>The running domain with a planned device.</summary>
    /// <param name="runtime">What is known of the device only now that it is plugged in.</param>
    public DomainDocument WithPlugged(DeviceDocument planned, LiveOverlay runtime)
    {
        var live = new XElement(planned.Root);
        new LiveOverlayWriter(runtime, Root).WritePlugged(live);
        return Changed(
            devices => Add(devices, live),
            devices => Add(devices, Inactive(planned.Root)),
            devices => Add(devices, WithRunTime(Inactive(planned.Root), live)));

        static void Add(XElement devices, XElement device)
        {
            devices.Add(device);
            if (device.Name == "memory")
                MemoryCompletion.SetSize(devices.Parent!, "memory", new ByteSize(MemoryCompletion.Total(devices.Parent!).Bytes + MemoryCompletion.SizeOf(device).Bytes));
        }
    }

    /// <summary>The running domain without the device of that name; itself when there is none.</summary>
    public DomainDocument WithoutPlugged(string alias)
    {
        if (FindAlias(alias) is not { } device)
            return this;
        var (kind, place) = (device.Name, device.ElementsBeforeSelf(device.Name).Count());
        var isConsoleToo = kind == "serial" && place == 0 && device.Parent!.Element("console")?.Get("target", "type") == "serial";
        return Changed(Remove, Remove, Remove);

        void Remove(XElement devices)
        {
            var gone = devices.Elements(kind).ElementAtOrDefault(place);
            gone?.Remove();
            if (gone?.Name == "memory")
                MemoryCompletion.TakeAway(devices.Parent!, MemoryCompletion.SizeOf(gone));
            if (isConsoleToo)
                devices.Element("console")?.Remove();
        }
    }

    /// <summary>The running domain with another medium, or none, in a drive.</summary>
    /// <param name="disk">Completed; of it the source, its format and its startup policy count.</param>
    public DomainDocument WithMedium(DeviceDocument disk, LiveOverlay runtime)
    {
        var alias = DeviceMatch.Disk(Root.Element("devices")!, disk.TargetDev)?.Get("alias", "name");
        return Changed(
            devices =>
            {
                var drive = Replace(devices);
                if (drive.Element("source") is null)
                    drive.Add(new XElement("source", new XAttribute("index", DomainTree.Text(runtime.DiskIndexes[alias!]))));
                else
                    new LiveOverlayWriter(runtime, Root).WritePlugged(drive);
            },
            devices => Replace(devices),
            devices =>
            {
                var drive = Replace(devices);
                if (drive.Element("source") is not null && !runtime.BackingChains.ContainsKey(alias ?? ""))
                    drive.Add(new XElement("backingStore"));
            });

        XElement Replace(XElement devices)
        {
            var drive = DeviceMatch.Disk(devices, disk.TargetDev)!;
            drive.SetAttributeValue("type", disk.Root.Get("type"));
            drive.Elements("source").Remove();
            drive.Elements("backingStore").Remove();
            if (disk.Root.Element("source") is { } source)
                drive.Add(new XElement(source));
            DomainTree.Child(drive, "driver").SetAttributeValue("type", disk.Root.Get("driver", "type"));
            return drive;
        }
    }

    /// <summary>The running domain with another password on its display, or none.</summary>
    public DomainDocument WithPassword(DeviceDocument display)
    {
        return Changed(Set, Set, Set);

        void Set(XElement devices)
        {
            foreach (var attribute in (string[])["passwd", "passwdValidTo", "connected"])
                devices.Element("graphics")!.SetAttributeValue(attribute, display.Root.Get(attribute));
        }
    }

    /// <summary>The running domain with the state of a drive's tray.</summary>
    public DomainDocument WithTray(string alias, bool isOpen)
    {
        if (FindAlias(alias) is not { } found || found.Name != "disk" || found.Get("device") == "disk" || found.Get("target", "tray") == (isOpen ? "open" : null))
            return this;
        return Changed(
            devices => devices.Elements("disk").First(disk => disk.Get("alias", "name") == alias).Element("target")!.SetAttributeValue("tray", isOpen ? "open" : null),
            _ => { },
            _ => { });
    }

    /// <summary>The running domain with an interface as it is now: on another bridge, or with its link in another state.</summary>
    public DomainDocument WithInterface(string alias, Action<InterfaceChange> change)
    {
        var place = FindAlias(alias)!.ElementsBeforeSelf("interface").Count();
        return Changed(Change, Change, Change);
        void Change(XElement devices) => change(new InterfaceChange(devices.Elements("interface").ElementAt(place)));
    }

    /// <summary>The numbers of a disk's block nodes, top image first; empty without medium.</summary>
    public IReadOnlyList<int> BlockNodeNumbers(string alias)
    {
        var numbers = new List<int>();
        var disk = FindAlias(alias);
        if (disk?.Element("source") is { } source && (source.Get("file") ?? source.Get("dev")) is not null && source.Int("index") is { } top)
            numbers.Add(top);
        for (var below = disk?.Element("backingStore"); below.Int("index") is { } number; below = below?.Element("backingStore"))
            numbers.Add(number);
        return numbers;
    }

    /// <summary>The images below a running disk's top image.</summary>
    public IReadOnlyList<BackingImage> BackingImages(string alias)
    {
        var images = new List<BackingImage>();
        for (var below = FindAlias(alias)?.Element("backingStore"); below.Int("index") is { } number; below = below?.Element("backingStore"))
        {
            var path = below!.Get("source", "file");
            images.Add(new BackingImage(
                number,
                path is not null ? new DiskSource.File(path) : new DiskSource.Block(below!.Get("source", "dev") ?? ""),
                below!.Get("format", "type") == "qcow2" ? DiskFormat.Qcow2 : DiskFormat.Raw));
        }

        return images;
    }

    /// <summary>The alias of the device that a client wants to have taken away from the running domain.</summary>
    /// <exception cref="WherryException">DeviceMissing, or it is of a kind, a bus or in a place that it cannot leave.</exception>
    public string FindUnpluggable(DeviceDocument wanted, CompletionContext context) => DeviceUnplug.Find(wanted, TreeFor(context));

    /// <summary>The same for a device that is called by its name.</summary>
    public string FindUnpluggable(string alias, CompletionContext context) => DeviceUnplug.Check(
        FindAlias(alias) ?? throw DomainXmlException.Internal($"no device found with alias {alias}"), TreeFor(context));

    private XElement? FindAlias(string alias) =>
        Root.Element("devices")!.Elements().FirstOrDefault(device => device.Get("alias", "name") == alias);

    internal DomainTree TreeFor(CompletionContext context)
    {
        var domain = new XElement(Root);
        return new DomainTree(domain, MachineCompletion.FindCatalog(domain, context));
    }

    private static DomainXmlException Refusal(DeviceDocument device) => device.Kind switch
    {
        // No passthrough without an IOMMU that this daemon manages.
        "hostdev" when device.Root.Get("mode") == "subsystem" && device.Root.Get("type") == "pci" =>
            DomainXmlException.Unsupported("host doesn't support passthrough of host PCI devices"),
        _ => DomainXmlException.NotImplemented(device.Root.Path(), $"<{device.Root.Name.LocalName}>"),
    };

    private static XElement Normalise(XElement device) =>
        Normalisation.Normalise(device, DeviceShape.Devices.Children.First(shape => shape.Name == device.Name.LocalName));

    /// <summary>What of a plugged device its domain's definition would show.</summary>
    private static XElement Inactive(XElement planned)
    {
        var device = new XElement(planned);
        device.Elements("alias").Where(alias => !DeviceCompletion.IsUserAlias(alias.Get("name"))).Remove();
        return device;
    }

    /// <summary>What a destination is told of a device besides its definition: that its chain of images ends, and where a module begins.</summary>
    private static XElement WithRunTime(XElement device, XElement live)
    {
        if (device.Name == "memory")
            device.Element("address")!.ReplaceWith(new XElement(live.Element("address")!)); // ! : planned
        if (device.Element("backingStore") is null && live.Element("backingStore") is { HasElements: false } end)
            device.Add(new XElement(end));
        return device;
    }

    private DomainDocument Changed(Action<XElement> live, Action<XElement> definition, Action<XElement> travelling)
    {
        return new DomainDocument(With(Root, live))
        {
            Definition = Definition is null ? null : new DomainDocument(With(Definition.Root, definition + NumberConsoles)),
            Travelling = Travelling is null ? null : With(Travelling, travelling + NumberConsoles),
        };

        // A running domain keeps what it was told of a console's number; a definition counts.
        static void NumberConsoles(XElement devices)
        {
            foreach (var (console, number) in devices.Elements("console").Select((console, number) => (console, number)))
                DomainTree.Child(console, "target").SetAttributeValue("port", DomainTree.Text(number));
        }

        static XElement With(XElement from, Action<XElement> change)
        {
            var root = new XElement(from);
            var devices = root.Element("devices")!;
            change(devices);
            DiskCompletion.Sort(devices);
            ControllerCompletion.GroupByType(devices);
            return Normalisation.Normalise(root, DomainShape.Domain);
        }
    }
}

/// <summary>What of a plugged interface may change.</summary>
public sealed class InterfaceChange
{
    private readonly XElement _element;

    internal InterfaceChange(XElement element) => _element = element;

    /// <summary>Null: as if nothing had been said, which is up.</summary>
    public void SetLink(bool? isUp)
    {
        _element.Elements("link").Remove();
        if (isUp is { } up)
            _element.Add(new XElement("link", new XAttribute("state", up ? "up" : "down")));
    }

    public void SetBridge(string bridge) => DomainTree.Child(_element, "source").SetAttributeValue("bridge", bridge);
}
