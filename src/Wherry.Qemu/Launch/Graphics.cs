using System.Text;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Audio backends and VNC.</summary>
internal static class Graphics
{
    /// <summary>VNC display 0.</summary>
    internal const int FirstPort = 5900;

    public static void Add(Arguments arguments, DomainSpec spec, LaunchContext context)
    {
        foreach (var audio in spec.Audios)
            arguments.Add("-audiodev", new Properties().Text("id", $"audio{audio.Id}").Text("driver", audio.Type).ToString());
        foreach (var graphics in spec.Graphics)
            AddVnc(arguments, spec, graphics, context);
    }

    private static void AddVnc(Arguments arguments, DomainSpec spec, GraphicsSpec graphics, LaunchContext context)
    {
        var vnc = new StringBuilder(Listen(graphics, context));
        if (graphics.SharePolicy is { } share)
            vnc.Append(",share=").Append(share);
        if (graphics.Password is not null)
            vnc.Append(",password=on");
        if ((graphics.AudioId ?? spec.Audios.FirstOrDefault()?.Id) is { } audio)
            vnc.Append(",audiodev=audio").Append(audio);
        arguments.Add("-vnc", vnc.ToString());
        if (graphics.Keymap is { } keymap)
            arguments.Add("-k", keymap);
    }

    private static string Listen(GraphicsSpec graphics, LaunchContext context) => graphics.Listens.FirstOrDefault() switch
    {
        GraphicsListen.Socket socket => $"vnc=unix:{Arguments.Escape(socket.Path ?? $"{context.DomainDirectory}/vnc.sock")}",
        GraphicsListen.None => "none",
        GraphicsListen.Address { Host: { } host } => Display(graphics, context, host),
        _ => Display(graphics, context, context.VncListen),
    };

    private static string Display(GraphicsSpec graphics, LaunchContext context, string host)
    {
        var port = graphics.AutoPort || graphics.Port < 0 ? context.VncPort ?? graphics.Port : graphics.Port;
        if (port is < FirstPort or > ushort.MaxValue)
            throw new WherryException(ErrorCode.ConfigUnsupported, $"vnc port must be in range [{FirstPort},{ushort.MaxValue}]");
        var display = $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port - FirstPort}";
        return (graphics.WebSocket < 0 ? context.VncWebSocketPort : graphics.WebSocket) is { } websocket
            ? $"{display},websocket={websocket}"
            : display;
    }
}
