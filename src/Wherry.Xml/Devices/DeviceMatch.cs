using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>Finds the device that a client describes among those of a domain. What counts differs from kind to kind; it is libvirt's choice.</summary>
internal static class DeviceMatch
{
    /// <summary>The disk of that name; null for none.</summary>
    public static XElement? Disk(XElement devices, string? target) =>
        devices.Elements("disk").FirstOrDefault(disk => disk.Get("target", "dev") == target);

    public static XElement? Controller(XElement devices, XElement wanted) => devices.Elements("controller").FirstOrDefault(
        controller => controller.Get("type") == wanted.Get("type") && controller.Int("index") == (wanted.Int("index") ?? -1));

    /// <summary>By MAC address, PCI address and alias, each where it was given.</summary>
    /// <exception cref="DomainXmlException">DeviceMissing: none; OperationFailed: several.</exception>
    public static XElement Interface(XElement devices, XElement wanted)
    {
        var (mac, place, alias) = (wanted.Get("mac", "address"), wanted.PciPlace(), wanted.Get("alias", "name"));
        var found = devices.Elements("interface").Where(one =>
            (mac is null || one.Get("mac", "address") == mac)
            && (place is null || (one.PciPlace() is { } at && at with { Multifunction = null } == place with { Multifunction = null }))
            && (alias is null || one.Get("alias", "name") is not { } name || name == alias)).Take(2).ToList();
        const string none = "(<null>)";
        return found switch
        {
            [var one] => one,
            [] => throw DomainXmlException.Of(
                ErrorCode.DeviceMissing,
                $"no device found at address '{(place is null ? none : Text(place))}' matching MAC address '{mac ?? none}' and alias '{alias ?? none}'"),
            _ => throw DomainXmlException.Of(
                ErrorCode.OperationFailed,
                mac is null ? "multiple matching devices found" : $"multiple devices matching MAC address {mac} found"),
        };
    }

    /// <summary>By its host end and its place among its kind.</summary>
    public static XElement? Character(XElement devices, XElement wanted) => devices.Elements(wanted.Name).FirstOrDefault(one => IsSameCharacter(one, wanted));

    public static bool IsSameCharacter(XElement one, XElement wanted) => wanted.Name.LocalName switch
    {
        "channel" => SameSource(one, wanted) && one.Get("target", "type") == wanted.Get("target", "type") && one.Get("target", "name") == wanted.Get("target", "name"),
        "serial" => SameSource(one, wanted) && one.Get("target", "type") == wanted.Get("target", "type") && SamePort(one, wanted),
        // The console that is the first serial port is no device.
        "console" when one.Get("target", "type") == "serial" => false,
        _ => SameSource(one, wanted) && SamePort(one, wanted),
    };

    public static XElement? Rng(XElement devices, XElement wanted) => devices.Elements("rng").FirstOrDefault(one =>
        one.Get("model") == wanted.Get("model") && one.Get("backend", "model") == wanted.Get("backend", "model")
        && one.Element("backend")?.Value == wanted.Element("backend")?.Value
        && one.Get("rate", "bytes") == wanted.Get("rate", "bytes") && one.Get("rate", "period") == wanted.Get("rate", "period")
        && SamePlace(one, wanted));

    public static XElement? Input(XElement devices, XElement wanted) => devices.Elements("input").FirstOrDefault(one =>
        one.Get("type") == wanted.Get("type") && one.Get("bus") == wanted.Get("bus") && SamePlace(one, wanted));

    /// <summary>By node and size, and by address and alias where they were given.</summary>
    /// <param name="anywhere">Whatever address was given, among those that have none.</param>
    public static XElement? Memory(XElement devices, XElement wanted, bool anywhere = false) => devices.Elements("memory").FirstOrDefault(one =>
        (anywhere ? one.Element("address") is null : SamePlace(one, wanted))
        && (wanted.Get("alias", "name") is not { } alias || one.Get("alias", "name") == alias)
        && MemoryCompletion.Node(one) == MemoryCompletion.Node(wanted) && MemoryCompletion.SizeOf(one) == MemoryCompletion.SizeOf(wanted));

    /// <summary>The module at that address, and of that alias where one was given.</summary>
    public static XElement? MemoryAt(XElement devices, XElement wanted) => devices.Elements("memory").FirstOrDefault(one =>
        Equals(one.Place(), wanted.Place()) && (wanted.Get("alias", "name") is not { } alias || one.Get("alias", "name") == alias));

    /// <summary>True when the place was not given, or is the same.</summary>
    public static bool SamePlace(XElement one, XElement wanted) => wanted.Place() is not { } place || Equals(one.Place(), place);

    private static bool SamePort(XElement one, XElement wanted) => (one.Element("target").Int("port") ?? -1) == (wanted.Element("target").Int("port") ?? -1);

    private static bool SameSource(XElement one, XElement wanted)
    {
        if (one.Get("type") != wanted.Get("type"))
            return false;
        if (one.Get("type") is "null" or "vc" or "stdio")
            return true;
        string[] values = ["path", "append", "host", "service"];
        return values.All(value => one.Elements("source").Select(end => end.Get(value)).SequenceEqual(wanted.Elements("source").Select(end => end.Get(value))))
            && (one.Get("source", "mode") ?? "connect") == (wanted.Get("source", "mode") ?? "connect")
            && one.Get("protocol", "type") == wanted.Get("protocol", "type");
    }

    public static string Text(DeviceAddress.Pci place) => $"{place.Domain:x4}:{place.Bus:x2}:{place.Slot:x2}.{place.Function:x}";
}
