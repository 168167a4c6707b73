using System.Collections.Immutable;
using System.Text;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Serial and parallel ports, channels and consoles: the host end (<c>-chardev charX</c>), then the guest's device.</summary>
internal static class CharacterDevices
{
    public static void Add(Arguments arguments, DomainSpec spec, LaunchContext context, BusNames bus)
    {
        foreach (var serial in spec.Serials)
        {
            AddChardev(arguments, serial, context);
            arguments.AddDevice(Serial(serial, bus));
        }
        foreach (var parallel in spec.Parallels)
        {
            AddChardev(arguments, parallel, context);
            arguments.AddDevice(Parallel(parallel));
        }
        foreach (var channel in spec.Channels)
        {
            AddChardev(arguments, channel, context);
            arguments.AddDevice(Channel(channel, bus));
        }
        // A console whose target is "serial" is the serial port of the same number, seen from another angle.
        foreach (var console in spec.Consoles.Where(console => console.TargetType == "virtio"))
        {
            AddChardev(arguments, console, context);
            arguments.AddDevice(Console(console, bus));
        }
    }

    /// <summary>Paths of the unix sockets of channels, by alias.</summary>
    public static ImmutableDictionary<string, string> SocketPaths(DomainSpec spec, LaunchContext context) =>
        spec.Channels
            .Where(channel => channel is { Source: CharacterSource.Unix, Alias: not null })
            .ToImmutableDictionary(channel => channel.Alias!, channel => SocketPath(channel, context.ChannelDirectory), StringComparer.Ordinal);

    internal static Properties Parallel(CharacterDeviceSpec parallel) =>
        Properties.OfDevice("isa-parallel").Text("chardev", $"char{parallel.Alias}").Text("id", parallel.Alias);

    internal static Properties Channel(CharacterDeviceSpec channel, BusNames bus) => VirtioPort("virtserialport", channel, bus).Text("name", channel.Name);

    internal static Properties Console(CharacterDeviceSpec console, BusNames bus) => VirtioPort("virtconsole", console, bus);

    internal static Properties Serial(CharacterDeviceSpec serial, BusNames bus)
    {
        var model = serial.TargetModel ?? "isa-serial";
        var device = Properties.OfDevice(model).Text("chardev", $"char{serial.Alias}").Text("id", serial.Alias);
        if (model == "isa-serial")
            device.Number("index", serial.Port);
        return bus.AddAddress(device, serial.Address);
    }

    private static Properties VirtioPort(string driver, CharacterDeviceSpec port, BusNames bus) =>
        bus.AddAddress(Properties.OfDevice(driver), port.Address).Text("chardev", $"char{port.Alias}").Text("id", port.Alias);

    private static void AddChardev(Arguments arguments, CharacterDeviceSpec device, LaunchContext context)
    {
        var chardev = new StringBuilder(Backend(device, context));
        if (device.LogFile is { } log)
            chardev.Append(",logfile=").Append(Arguments.Escape(log)).Append(",logappend=").Append(Arguments.OnOff(device.LogAppend));
        arguments.Add("-chardev", chardev.ToString());
    }

    private static string Backend(CharacterDeviceSpec device, LaunchContext context)
    {
        var id = $"id=char{device.Alias}";
        return device.Source switch
        {
            CharacterSource.Pty => $"pty,{id}",
            CharacterSource.Null => $"null,{id}",
            CharacterSource.Vc => $"vc,{id}",
            CharacterSource.Stdio => $"stdio,{id}",
            CharacterSource.Pipe pipe => $"pipe,{id},path={Arguments.Escape(pipe.Path)}",
            CharacterSource.Device host => $"{(device.Alias?.StartsWith("parallel", StringComparison.Ordinal) == true ? "parallel" : "serial")},{id},path={Arguments.Escape(host.Path)}",
            CharacterSource.File file => $"file,{id},path={Arguments.Escape(file.Path)}{(file.Append is { } append ? $",append={Arguments.OnOff(append)}" : "")}",
            CharacterSource.Unix unix => $"socket,{id},path={Arguments.Escape(SocketPath(device, context.ChannelDirectory))}{Listen(unix.Listen)}{Reconnect(unix.ReconnectSeconds, context)}",
            CharacterSource.Tcp { Protocol: "raw" or "telnet" } tcp => $"socket,{id},host={tcp.Host},port={tcp.Service}"
                + $"{(tcp.Protocol == "telnet" ? ",telnet=on" : "")}{Listen(tcp.Listen)}{Reconnect(tcp.ReconnectSeconds, context)}",
            CharacterSource.Udp udp => $"udp,{id},host={udp.ConnectHost},port={udp.ConnectService},localaddr={udp.BindHost},localport={udp.BindService ?? "0"}",
            var other => throw new WherryException(ErrorCode.ConfigUnsupported, $"unsupported chardev '{other.GetType().Name}'"),
        };
    }

    /// <summary>A channel's own path, or libvirt's place for it.</summary>
    internal static string SocketPath(CharacterDeviceSpec device, string directory)
    {
        if (device.Source is CharacterSource.Unix { Path: { } path })
            return path;
        if (device.Name is { } name)
            return $"{directory}/{name}";
        return device.Address is DeviceAddress.VirtioSerial at
            ? $"{directory}/vioser-{at.Controller:d2}-{at.Bus:d2}-{at.Port:d2}.sock"
            : throw new WherryException(ErrorCode.InternalError, $"character device '{device.Alias}' has no socket path");
    }

    /// <summary>wait=off: the guest starts whether or not somebody has connected.</summary>
    private static string Listen(bool listen) => listen ? ",server=on,wait=off" : "";

    private static string Reconnect(int? seconds, LaunchContext context)
    {
        if (seconds is null)
            return "";
        return context.Features.ReconnectMs ? $",reconnect-ms={seconds * 1000L}" : $",reconnect={seconds}";
    }
}
