using System.Xml.Linq;

namespace Wherry.Xml;

internal static class CharacterReading
{
    public static CharacterDeviceSpec Device(XElement element)
    {
        var target = element.Element("target");
        return new CharacterDeviceSpec
        {
            Source = Source(element),
            TargetType = target?.Get("type"),
            TargetModel = target?.Get("model", "name"),
            Port = target.Int("port"),
            Name = target?.Get("name"),
            LogFile = element.Get("log", "file"),
            LogAppend = element.Element("log").OnOff("append") ?? false,
        }.Common(element);
    }

    private static CharacterSource Source(XElement element)
    {
        var source = element.Element("source");
        return element.Required("type") switch
        {
            "pty" => new CharacterSource.Pty(source?.Get("path")),
            "file" => new CharacterSource.File(Path(element), source.OnOff("append")),
            "unix" => new CharacterSource.Unix(source?.Get("path"), source?.Get("mode") != "connect") { ReconnectSeconds = Reconnect(source) },
            "tcp" => Tcp(element),
            "udp" => Udp(element),
            "dev" => new CharacterSource.Device(Path(element)),
            "pipe" => new CharacterSource.Pipe(Path(element)),
            "null" => new CharacterSource.Null(),
            "stdio" => new CharacterSource.Stdio(),
            "vc" => new CharacterSource.Vc(),
            var other => throw DomainXmlException.NotImplemented(element.Path() + "/@type", $"character device type '{other}'"),
        };
    }

    private static string Path(XElement element) => element.Get("source", "path")
        ?? throw DomainXmlException.Invalid("Missing source path attribute for char device", element);

    private static int? Reconnect(XElement? source) =>
        source?.Element("reconnect") is { } reconnect && reconnect.Get("enabled") == "yes" ? reconnect.Int("timeout") : null;

    private static CharacterSource.Tcp Tcp(XElement element)
    {
        var source = element.RequiredChild("source");
        var listen = source.Get("mode") == "bind";
        return new CharacterSource.Tcp(source.Required("host"), source.Required("service"), listen, element.Get("protocol", "type") ?? "raw")
        {
            ReconnectSeconds = Reconnect(source),
        };
    }

    private static CharacterSource.Udp Udp(XElement element)
    {
        var connect = element.Elements("source").FirstOrDefault(source => source.Get("mode") != "bind");
        var bind = element.Elements("source").FirstOrDefault(source => source.Get("mode") == "bind");
        return new CharacterSource.Udp(connect?.Get("host"), connect?.Get("service"), bind?.Get("host"), bind?.Get("service"));
    }
}
