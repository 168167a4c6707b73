using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.HotPlug;

/// <summary>The host end of a character device as chardev-add takes it; on the command line it is written in another form.</summary>
internal static class CharacterBackend
{
    public static string Arguments(CharacterDeviceSpec device, string channelDirectory, EmulatorFeatures features) =>
        new Properties().Text("id", $"char{device.Alias}").Object("backend", backend => Backend(backend, device, channelDirectory, features)).ToString();

    private static void Backend(Properties backend, CharacterDeviceSpec device, string channelDirectory, EmulatorFeatures features)
    {
        var (type, fill) = Of(device, channelDirectory, features);
        backend.Text("type", type).Object("data", data =>
        {
            fill(data);
            if (device.LogFile is { } log)
                data.Text("logfile", log).Flag("logappend", device.LogAppend);
        });
    }

    private static (string Type, Action<Properties> Fill) Of(CharacterDeviceSpec device, string channelDirectory, EmulatorFeatures features) => device.Source switch
    {
        CharacterSource.Pty => ("pty", _ => { }),
        CharacterSource.Null => ("null", _ => { }),
        CharacterSource.Vc => ("vc", _ => { }),
        CharacterSource.Stdio => ("stdio", _ => { }),
        CharacterSource.Pipe pipe => ("pipe", data => data.Text("device", pipe.Path)),
        CharacterSource.Device host =>
            (device.Alias?.StartsWith("parallel", StringComparison.Ordinal) == true ? "parallel" : "serial", data => data.Text("device", host.Path)),
        CharacterSource.File file => ("file", data => data.Text("out", file.Path).Flag("append", file.Append)),
        CharacterSource.Unix unix => ("socket", data => Listen(
            data.Object("addr", address => Unix(address, CharacterDevices.SocketPath(device, channelDirectory))), unix.Listen, unix.ReconnectSeconds, features)),
        CharacterSource.Tcp { Protocol: "raw" or "telnet" } tcp => ("socket", data => Listen(
            data.Object("addr", address => Inet(address, tcp.Host, tcp.Service)).Flag("telnet", tcp.Protocol == "telnet"), tcp.Listen, tcp.ReconnectSeconds, features)),
        CharacterSource.Udp udp => ("udp", data => data
            .Object("remote", remote => Inet(remote, udp.ConnectHost ?? "", udp.ConnectService))
            .Object("local", local => Inet(local, udp.BindHost ?? "", udp.BindService ?? "0"))),
        var other => throw new WherryException(ErrorCode.ConfigUnsupported, $"unsupported chardev '{other.GetType().Name}'"),
    };

    private static void Unix(Properties address, string path) => address.Text("type", "unix").Object("data", data => data.Text("path", path));

    private static void Inet(Properties address, string? host, string? service) =>
        address.Text("type", "inet").Object("data", data => data.Text("host", host).Text("port", service));

    private static void Listen(Properties data, bool listen, int? reconnectSeconds, EmulatorFeatures features)
    {
        data.Flag("server", listen);
        if (listen)
            data.Flag("wait", false);
        if (reconnectSeconds is { } seconds)
            data.Number(features.ReconnectMs ? "reconnect-ms" : "reconnect", features.ReconnectMs ? seconds * 1000L : seconds);
    }
}
