using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Completes network interfaces.</summary>
internal static class InterfaceCompletion
{
    private static readonly string[] Models = ["virtio", "virtio-transitional", "virtio-non-transitional", "e1000", "e1000e", "rtl8139"];

    /// <summary>Names that daemons make up for their taps; in a definition they would tie the guest to a name that is gone.</summary>
    private static readonly string[] GeneratedPrefixes = ["vnet", "macvtap", "macvlan"];

    public static void Complete(XElement element, DomainTree tree, CompletionContext context)
    {
        var mac = DomainTree.Child(element, "mac");
        if (mac.Get("address") is null)
            mac.SetAttributeValue("address", context.NewMac());
        else if (IsMulticast(mac.Get("address")!))
            throw DomainXmlException.Invalid($"expected unicast mac address, found multicast '{mac.Get("address")}'", mac);

        var type = element.Required("type");
        if (type == "bridge" && element.Get("source", "bridge") is null or "")
            throw DomainXmlException.Invalid("interface type='bridge' requires a 'source' element", element);
        if (type != "bridge")
            element.Elements("source").Remove();
        if (element.Element("virtualport") is { } port)
            CompletePort(port, element, context);
        if (type is not ("ethernet" or "bridge") && element.Element("script") is { } script)
            throw DomainXmlException.Unsupported($"scripts are not supported on interfaces of type {type}", script);
        if (type != "ethernet" && element.Element("downscript") is { } downscript)
            throw DomainXmlException.Unsupported($"downscripts are not supported on interfaces of type {type}", downscript);

        if (element.Element("target") is { } target && target.Get("managed") != "no"
            && Array.Exists(GeneratedPrefixes, prefix => target.Get("dev")?.StartsWith(prefix, StringComparison.Ordinal) == true))
        {
            target.SetAttributeValue("dev", null);
            if (!target.HasAttributes)
                target.Remove();
        }

        if (type == "user" && element.Element("mtu") is { } mtu)
            throw DomainXmlException.Unsupported("setting MTU on interface type user is not supported yet", mtu);
        CompleteModel(element, tree);
    }

    /// <summary>Open vSwitch knows a port by its interface's UUID.</summary>
    private static void CompletePort(XElement port, XElement element, CompletionContext context)
    {
        if (element.Get("type") != "bridge")
            throw DomainXmlException.Unsupported($"<virtualport> element unsupported for <interface type='{element.Get("type")}'>", port);
        port.Required("type");
        if (element.Element("bandwidth") is { } bandwidth)
            throw DomainXmlException.NotImplemented(bandwidth.Path(), "<bandwidth> of an Open vSwitch port");
        var parameters = DomainTree.Child(port, "parameters");
        parameters.SetAttributeValue("interfaceid", parameters.Get("interfaceid") ?? context.NewUuid().ToString("D"));
    }

    private static void CompleteModel(XElement element, DomainTree tree)
    {
        var model = DomainTree.Child(element, "model");
        model.SetAttributeValue("type", model.Get("type") ?? (tree.Catalog.Has("rtl8139") ? "rtl8139" : tree.Catalog.Has("e1000") ? "e1000" : "virtio"));
        var name = model.Get("type")!;
        if (!Models.Contains(name))
            throw DomainXmlException.NotImplemented(model.Path() + "/@type", $"interface model '{name}'");
        if (!name.StartsWith("virtio", StringComparison.Ordinal))
            element.Elements("driver").Remove();
    }

    private static bool IsMulticast(string mac) => (Convert.ToInt32(mac[..2], 16) & 1) != 0;
}
