using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Completes VNC displays. The address or socket is written twice, on <c>&lt;graphics&gt;</c> for old clients and on its first
/// <c>&lt;listen&gt;</c>; either may be given.
/// </summary>
internal static class GraphicsCompletion
{
    /// <summary>The VNC protocol's DES key.</summary>
    private const int MaxPassword = 8;

    public static void Complete(XElement graphics)
    {
        CompleteListen(graphics);
        CompletePorts(graphics);
        CompletePassword(graphics);
    }

    /// <summary>Without a password there is nothing to say about it.</summary>
    private static void CompletePassword(XElement graphics)
    {
        if (graphics.Get("passwd") is not { } password)
        {
            graphics.SetAttributeValue("passwdValidTo", null);
            graphics.SetAttributeValue("connected", null);
            return;
        }

        if (graphics.Get("passwdValidTo") is { } until && !DateTime.TryParseExact(
            until, "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out _))
        {
            throw DomainXmlException.Internal($"cannot parse password validity time '{until}', expect YYYY-MM-DDTHH:MM:SS", graphics);
        }

        if (graphics.Get("connected") is not (null or "keep"))
            throw DomainXmlException.Unsupported("VNC supports connected='keep' only", graphics);
        if (password.Length > MaxPassword)
            throw DomainXmlException.Unsupported($"VNC password is {password.Length} characters long, only {MaxPassword} permitted", graphics);
    }

    private static void CompleteListen(XElement graphics)
    {
        if (graphics.Get("listen") is "")
            graphics.SetAttributeValue("listen", null);
        var compatible = graphics.Get("socket") is { } socket
            ? new XElement("listen", new XAttribute("type", "socket"), new XAttribute("socket", socket))
            : new XElement("listen", new XAttribute("type", "address"), graphics.Get("listen") is { } host ? new XAttribute("address", host) : null);
        if (graphics.Elements("listen").Skip(1).Any())
            throw DomainXmlException.Unsupported("vnc graphics supports only one listen element", graphics);
        var listen = graphics.Element("listen");
        if (listen is null || (listen.Get("type") == "address" && compatible.Get("type") == "socket"))
        {
            listen?.Remove();
            graphics.Add(listen = compatible);
        }

        Match(graphics, "listen", listen, "address", whenType: "address");
        Match(graphics, "socket", listen, "socket", whenType: "socket");
        if (listen.Get("type") != "address")
        {
            foreach (var attribute in (string[])["port", "autoport", "websocket", "listen"])
                graphics.SetAttributeValue(attribute, null);
        }
    }

    private static void Match(XElement graphics, string attribute, XElement listen, string listenAttribute, string whenType)
    {
        if (listen.Get("type") != whenType)
        {
            listen.SetAttributeValue(listenAttribute, null);
            graphics.SetAttributeValue(attribute, null);
            return;
        }

        var old = graphics.Get(attribute);
        var value = listen.Get(listenAttribute) is "" ? null : listen.Get(listenAttribute);
        if (old is not null && value is not null && old != value)
        {
            throw DomainXmlException.Unsupported(
                $"graphics '{attribute}' attribute '{old}' must match '{listenAttribute}' attribute of first listen element (found '{value}')", graphics);
        }

        listen.SetAttributeValue(listenAttribute, value ?? old);
        graphics.SetAttributeValue(attribute, value ?? old);
    }

    private static void CompletePorts(XElement graphics)
    {
        if (graphics.Get("listen", "type") != "address")
            return;
        var port = graphics.Int("port");
        var auto = graphics.YesNo("autoport") ?? port is null or -1;
        if (!auto && port is > 65535 or < -1)
            throw DomainXmlException.Unsupported($"vnc port must be in range [5900,65535]", graphics);
        // A display without a port that nobody may choose has none at all.
        graphics.SetAttributeValue("port", auto ? "-1" : port is null or 0 or -1 ? null : graphics.Get("port"));
        graphics.SetAttributeValue("autoport", auto ? "yes" : "no");
        if (graphics.Int("websocket") == 0)
            graphics.SetAttributeValue("websocket", null);
    }
}
