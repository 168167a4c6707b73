using System.Xml.Linq;

namespace Wherry.Xml;

// The guest opens and closes its end of a channel as it likes: the one run-time value that changes while nobody asks.
public sealed partial class DomainDocument
{
    /// <summary>Where the agent of a running guest is reached; null while the guest has not opened its end, or has none.</summary>
    public string? ConnectedAgent => Root.Element("devices")?.Elements("channel")
        .FirstOrDefault(channel => channel.Get("target", "name") == "org.qemu.guest_agent.0" && channel.Get("target", "state") == "connected")
        ?.Get("source", "path");

    /// <summary>The running domain with this state of one virtio channel; itself when there is no such channel.</summary>
    /// <param name="state">"connected" or "disconnected".</param>
    public DomainDocument WithChannelState(string alias, string state)
    {
        var root = new XElement(Root);
        var target = root.Element("devices")?.Elements("channel")
            .FirstOrDefault(channel => channel.Get("alias", "name") == alias)?.Element("target");
        if (target is null || target.Get("type") != "virtio" || target.Get("state") == state)
            return this;
        target.SetAttributeValue("state", state);
        return new DomainDocument(Normalisation.Normalise(root, DomainShape.Domain)) { Definition = Definition, Travelling = Travelling };
    }
}
