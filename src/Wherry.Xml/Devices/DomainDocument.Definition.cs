using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

// Devices of a stored definition: one more, one less, or another in its place, and then everything is completed as for a new domain.
public sealed partial class DomainDocument
{
    /// <exception cref="WherryException">It is there already, or a domain cannot have it.</exception>
    public DomainDocument WithDevice(DeviceDocument completed, CompletionContext context)
    {
        var tree = TreeFor(context);
        var device = new XElement(completed.Root);
        CheckNew(completed, device, tree);
        tree.Devices.Add(device);
        if (device.Name == "memory" && MemoryReading.Size(tree.Domain.Element("currentMemory")) is { } current)
            MemoryCompletion.SetSize(tree.Domain, "currentMemory", new ByteSize(current.Bytes + MemoryCompletion.SizeOf(device).Bytes));
        return new DomainDocument(tree.Domain).Complete(context);
    }

    /// <exception cref="WherryException">It is not there.</exception>
    /// <param name="asRunning">The client speaks of the running domain as well, so what is known only there counts.</param>
    public DomainDocument WithoutDevice(DeviceDocument wanted, bool asRunning, CompletionContext context)
    {
        var tree = TreeFor(context);
        var match = new XElement(wanted.Root);
        if (!asRunning)
            match.Elements("alias").Where(alias => !DeviceCompletion.IsUserAlias(alias.Get("name"))).Remove();
        if (wanted.Kind == "chr" && !asRunning)
            DevicePlug.Complete(match, tree, context);
        if (match.Name == "rng")
            DeviceCompletion.CompleteRng(match);
        if (match.Name == "input" && match.Get("bus") is null)
            match.SetAttributeValue("bus", match.Get("type") == "tablet" ? "usb" : "ps2");
        Remove(Find(wanted, match, tree.Devices), tree.Devices);
        return new DomainDocument(tree.Domain).Complete(context);
    }

    /// <summary>Without the device that the definition itself names so.</summary>
    public DomainDocument WithoutDevice(string alias, CompletionContext context)
    {
        var tree = TreeFor(context);
        var device = tree.Devices.Elements().FirstOrDefault(one => one.Get("alias", "name") == alias)
            ?? throw DomainXmlException.Internal($"no device found with alias {alias}");
        if (new DeviceDocument(device) is { IsFixed: true } kind)
            throw Unsupported($"persistent detach of device '{kind.Kind}' is not supported");
        Remove(device, tree.Devices);
        return new DomainDocument(tree.Domain).Complete(context);
    }

    /// <exception cref="WherryException">It is not there, or of a kind that is not updated.</exception>
    public DomainDocument WithUpdatedDevice(DeviceDocument wanted, CompletionContext context)
    {
        var tree = TreeFor(context);
        var device = new XElement(wanted.Root);
        var old = wanted.Kind switch
        {
            "disk" => DeviceMatch.Disk(tree.Devices, wanted.TargetDev)
                ?? throw new WherryException(ErrorCode.InvalidArg, $"target {wanted.TargetDev} doesn't exist."),
            "interface" => DeviceMatch.Interface(tree.Devices, device),
            "graphics" => tree.Of("graphics").FirstOrDefault(graphics => graphics.Get("type") == device.Get("type"))
                ?? throw new WherryException(ErrorCode.InvalidArg, $"cannot find existing graphics type '{device.Get("type")}' device to modify"),
            "memory" => DeviceMatch.MemoryAt(tree.Devices, device) ?? throw new WherryException(ErrorCode.InvalidArg, "memory not found"),
            _ => throw Unsupported($"persistent update of device '{wanted.Kind}' is not supported"),
        };
        DevicePlug.Complete(device, tree, context);
        DevicePlug.CheckCompatible(device, tree, old);
        old.ReplaceWith(device);
        return new DomainDocument(tree.Domain).Complete(context);
    }

    private static void CheckNew(DeviceDocument completed, XElement device, DomainTree tree)
    {
        switch (completed.Kind)
        {
            case "disk" when DeviceMatch.Disk(tree.Devices, completed.TargetDev) is not null:
                throw Invalid($"target {completed.TargetDev} already exists");
            case "disk" when device.Get("target", "bus") == "scsi" && device.Place() is DeviceAddress.Drive drive
                && tree.Of("disk").Any(disk => disk.Get("target", "bus") == "scsi" && Equals(disk.Place(), drive)):
                throw Invalid("Domain already contains a disk with that address");
            case "controller" when device.Get("index") is not null && DeviceMatch.Controller(tree.Devices, device) is not null:
                throw Invalid($"controller index='{device.Get("index")}' already exists");
            case "chr" when device.Name == "console" && device.Get("target", "type") == "serial":
                throw Unsupported("attaching serial console is not supported");
            case "chr" when DeviceMatch.Character(tree.Devices, device) is not null:
                throw Invalid("chardev already exists");
            case "memory" when tree.Of("memory").Count() == MemoryCompletion.Maximum(tree.Domain)?.Slots:
                throw DomainXmlException.Unsupported("no free memory device slot available");
            case "memory" when device.Place() is { } place && tree.Devices.Elements().Any(other => Equals(other.Place(), place)):
                throw Invalid("Domain already contains a device with the same address");
            case "watchdog" when tree.Of("watchdog").Any():
                throw Invalid("domain already has a watchdog");
        }

        if (completed.IsFixed)
            throw Unsupported($"persistent attach of device '{completed.Kind}' is not supported");
    }

    private static XElement Find(DeviceDocument wanted, XElement match, XElement devices)
    {
        if (wanted.IsFixed)
            throw Unsupported($"persistent detach of device '{wanted.Kind}' is not supported");
        if (match.Name == "console" && (match.Get("target", "type") ?? "serial") == "serial")
            throw Invalid("detaching serial console is not supported");
        return wanted.Kind switch
        {
            "disk" => DeviceMatch.Disk(devices, wanted.TargetDev) ?? throw Missing($"no target device {wanted.TargetDev}"),
            "interface" => DeviceMatch.Interface(devices, match),
            "controller" => DeviceMatch.Controller(devices, match) ?? throw Missing("device not present in domain configuration"),
            "chr" => DeviceMatch.Character(devices, match) ?? throw new WherryException(ErrorCode.InvalidArg, "device not present in domain configuration"),
            "rng" => DeviceMatch.Rng(devices, match) ?? throw Missing("no matching RNG device was found"),
            "watchdog" => devices.Element("watchdog") ?? throw Missing("domain has no watchdog"),
            "input" => DeviceMatch.Input(devices, match) ?? throw Missing("matching input device not found"),
            "memory" => DeviceMatch.Memory(devices, match) ?? DeviceMatch.Memory(devices, match, anywhere: true)
                ?? throw Missing("matching memory device was not found"),
            _ => throw Missing("device not present in domain configuration"),
        };
    }

    /// <summary>With the first serial port goes the console that it is as well.</summary>
    private static void Remove(XElement device, XElement devices)
    {
        if (device.Name == "serial" && devices.Element("serial") == device && devices.Element("console")?.Get("target", "type") == "serial")
            devices.Element("console")!.Remove();
        device.Remove();
        if (device.Name == "memory" && MemoryReading.Size(devices.Parent!.Element("currentMemory")) is { } current)
            MemoryCompletion.SetSize(devices.Parent!, "currentMemory", new ByteSize(current.Bytes - Math.Min(current.Bytes, MemoryCompletion.SizeOf(device).Bytes)));
    }

    private static WherryException Invalid(string detail) => new(ErrorCode.OperationInvalid, detail);

    private static WherryException Unsupported(string detail) => new(ErrorCode.OperationUnsupported, detail);

    private static WherryException Missing(string detail) => new(ErrorCode.DeviceMissing, detail);
}
