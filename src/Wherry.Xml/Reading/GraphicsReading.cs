using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

internal static class GraphicsReading
{
    public static GraphicsSpec Graphics(XElement graphics)
    {
        if (graphics.Required("type") is var type and not "vnc")
            throw DomainXmlException.NotImplemented(graphics.Path() + "/@type", $"graphics type '{type}'");
        return new GraphicsSpec
        {
            Port = graphics.Int("port") ?? -1,
            AutoPort = graphics.YesNo("autoport") ?? graphics.Int("port") is null or -1,
            WebSocket = graphics.Int("websocket"),
            Listens = [.. graphics.Elements("listen").Select(Listen)],
            Keymap = graphics.Get("keymap"),
            SharePolicy = graphics.Get("sharePolicy"),
            Password = graphics.Get("passwd"),
            PasswordValidTo = graphics.Get("passwdValidTo") is { } until
                ? DateTime.Parse(until, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal)
                : null,
            Connected = graphics.Get("connected"),
            AudioId = graphics.Element("audio").Int("id"),
        };
    }

    public static VideoSpec Video(XElement video)
    {
        var model = video.RequiredChild("model");
        return new VideoSpec
        {
            Model = model.Required("type"),
            Primary = model.YesNo("primary") ?? false,
            Ram = KiB(model, "ram"),
            Vram = KiB(model, "vram"),
            Vram64 = KiB(model, "vram64"),
            VgaMem = KiB(model, "vgamem"),
            Heads = model.Int("heads"),
            Blob = model.OnOff("blob"),
            ResolutionX = model.Element("resolution").Int("x"),
            ResolutionY = model.Element("resolution").Int("y"),
        }.Common(video);
    }

    private static ByteSize? KiB(XElement model, string attribute) =>
        model.Number(attribute) is { } kib ? ByteSize.FromKiB(kib) : null;

    private static GraphicsListen Listen(XElement listen) => listen.Required("type") switch
    {
        "address" => new GraphicsListen.Address(listen.Get("address")),
        "socket" => new GraphicsListen.Socket(listen.Get("socket")),
        "none" => new GraphicsListen.None(),
        var other => throw DomainXmlException.NotImplemented(listen.Path() + "/@type", $"listen type '{other}'"),
    };
}
