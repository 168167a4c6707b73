using System.Collections.Frozen;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// One device by itself, as a client gives it to attach, detach or update it. Like <see cref="DomainDocument"/> it is frozen once made.
/// </summary>
public sealed class DeviceDocument
{
    private static readonly FrozenDictionary<string, ElementShape> Shapes =
        DeviceShape.Devices.Children.Where(shape => shape.Name != "emulator").ToFrozenDictionary(shape => shape.Name, StringComparer.Ordinal);

    /// <summary>Kinds that libvirt neither attaches to a running domain nor detaches from one; each says so in the same words.</summary>
    private static readonly FrozenSet<string> Fixed =
        ((string[])["sound", "video", "graphics", "hub", "smartcard", "memballoon", "nvram", "tpm", "panic", "iommu", "audio"]).ToFrozenSet(StringComparer.Ordinal);

    internal DeviceDocument(XElement root) => Root = root;

    internal XElement Root { get; }

    /// <summary>libvirt's name of the kind, as its errors say it: the four character devices are all <c>chr</c>.</summary>
    public string Kind => Root.Name.LocalName is "serial" or "parallel" or "console" or "channel" ? "chr" : Root.Name.LocalName;

    /// <summary>The name it has, or is wanted to have; null for none.</summary>
    public string? Alias => Root.Get("alias", "name");

    /// <summary>A disk's name in the domain, such as <c>vda</c>.</summary>
    public string? TargetDev => Root.Name == "disk" ? Root.Get("target", "dev") : null;

    /// <summary>As a disk; null when it is none.</summary>
    public DiskSpec? AsDisk => Root.Name == "disk" ? DiskReading.Disk(Root) : null;

    /// <summary>As an interface; null when it is none.</summary>
    public InterfaceSpec? AsInterface => Root.Name == "interface" ? DeviceReading.Interface(Root) : null;

    /// <summary>As a display; null when it is none.</summary>
    public GraphicsSpec? AsGraphics => Root.Name == "graphics" ? GraphicsReading.Graphics(Root) : null;

    /// <summary>What an interface says of its link; null when nothing, which means up.</summary>
    public bool? Link => LinkOf(Root);

    /// <summary>A disk that is a drive whose medium can be changed.</summary>
    public bool HasMedium => Root.Name == "disk" && Root.Get("device") is "cdrom" or "floppy";

    /// <summary>It comes and goes with the machine.</summary>
    public bool IsFixed => Fixed.Contains(Kind);

    /// <summary>libvirt's daemon knows the kind, and this one does not.</summary>
    internal bool IsRefused => Shapes[Root.Name.LocalName].Verdict == Verdict.Refused;

    /// <exception cref="DomainXmlException">Not well-formed, of no known kind, or with a value that the kind does not have.</exception>
    public static DeviceDocument Parse(string xml)
    {
        var element = DomainDocument.ReadAny(xml, "device_definition");
        if (!Shapes.TryGetValue(element.Name.LocalName, out var shape))
            throw DomainXmlException.Unsupported($"unknown device type '{element.Name.LocalName}'");
        if (shape.Verdict == Verdict.Refused)
            return new DeviceDocument(element);
        var device = Normalisation.Normalise(element, shape);
        // What lies below an image is read from the image.
        device.Elements("backingStore").Where(store => store.HasElements).Remove();
        device.Elements("mirror").Remove();
        return new DeviceDocument(device);
    }

    /// <summary>With a MAC address, if it is an interface without one.</summary>
    public DeviceDocument WithMac(CompletionContext context)
    {
        if (Root.Name != "interface" || Root.Get("mac", "address") is not null)
            return this;
        var root = new XElement(Root);
        DomainTree.Child(root, "mac").SetAttributeValue("address", context.NewMac());
        return new DeviceDocument(root);
    }

    internal static bool? LinkOf(XElement nic) => nic.Get("link", "state") switch { "up" => true, "down" => false, _ => null };

    public override string ToString() => DomainXmlWriter.Write(Root);
}
