using System.Collections.Immutable;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.HotPlug;

/// <summary>
/// What QEMU is told to plug a device into a running guest, and what takes the device's host end away when the guest has let go of it. The
/// properties are those of the command line (<see cref="CommandLine"/>): a guest that is migrated is started with them.
/// <code>
///   disk        blockdev-add (from the lowest image up) ... device_add, block_set_io_throttle   | blockdev-del (from the top down)
///   interface   getfd per queue, netdev_add, device_add, set_link           | netdev_del
///   character   chardev-add, device_add                                     | chardev-remove
///   rng         object-add, device_add                                      | object-del
///   watchdog    set-action, device_add
///   memory      object-add, device_add                                      | object-del
///   others      device_add
/// </code>
/// </summary>
internal static class PlugCommands
{
    /// <param name="spec">The running domain with the device in it.</param>
    /// <exception cref="WherryException">It cannot be put into QEMU's terms.</exception>
    public static ImmutableArray<QemuCommand> Of(DomainSpec spec, string alias, PlugContext context)
    {
        var bus = new BusNames(spec);
        var boot = new BootIndexes(spec);
        return Find(spec, alias) switch
        {
            DiskSpec disk =>
            [
                .. Nodes(disk, context.Disk!),
                Device(Disks.Device(disk, context.Disk!, bus, boot)) with { Undo = Named("device_del", "id", alias) },
                .. Throttle(disk),
            ],
            InterfaceSpec nic => [.. Interface(nic, context, bus, boot)],
            ControllerSpec controller => [Device(bus.AddAddress(Controllers.Device(controller, spec), controller.Address))],
            RngSpec rng =>
            [
                new QemuCommand("object-add", Rngs.Source(rng).ToString()) { Undo = Named("object-del", "id", Rngs.SourceId(rng)) },
                Device(Rngs.Device(rng, bus)),
            ],
            MemoryModuleSpec module =>
            [
                new QemuCommand("object-add", Memory.Backend(module, spec).ToString()) { Undo = Named("object-del", "id", module.BackendId) },
                Device(Memory.Device(module, bus)),
            ],
            WatchdogSpec watchdog => [Named("set-action", "watchdog", Watchdog.Action(watchdog)), Device(Watchdog.Device(watchdog, bus))],
            InputSpec input => [Device(Inputs.Device(input, bus))],
            CharacterDeviceSpec character =>
            [
                new QemuCommand("chardev-add", CharacterBackend.Arguments(character, context.ChannelDirectory, context.Features))
                {
                    Undo = Named("chardev-remove", "id", $"char{alias}"),
                },
                Device(Character(spec, character, bus)),
            ],
            _ => throw new WherryException(ErrorCode.OperationUnsupported, $"device '{alias}' cannot be plugged in"),
        };
    }

    /// <summary>What is left of a device in QEMU when the guest has let go of it.</summary>
    /// <param name="nodes">The numbers of a disk's block nodes.</param>
    public static ImmutableArray<QemuCommand> Remains(DomainSpec spec, string alias, IReadOnlyList<int> nodes) => Find(spec, alias) switch
    {
        DiskSpec disk => [.. BlockNodes.Names(disk, nodes).Select(node => Named("blockdev-del", "node-name", node))],
        InterfaceSpec => [Named("netdev_del", "id", $"host{alias}")],
        CharacterDeviceSpec => [Named("chardev-remove", "id", $"char{alias}")],
        RngSpec rng => [Named("object-del", "id", Rngs.SourceId(rng))],
        MemoryModuleSpec module => [Named("object-del", "id", module.BackendId)],
        _ => [],
    };

    /// <summary>The block nodes of an image and what is below it.</summary>
    public static IEnumerable<QemuCommand> Nodes(DiskSpec disk, DiskNodes graph)
    {
        // Each node is named by the last property that matters here: its own name.
        var names = BlockNodes.Names(disk, [.. graph.Images.Select(image => image.Index)]).Reverse().ToList();
        return BlockNodes.Of(disk, graph).Select((node, at) => new QemuCommand("blockdev-add", node) { Undo = Named("blockdev-del", "node-name", names[at]) });
    }

    public static QemuCommand Named(string command, string argument, string value) => new(command, new Properties().Text(argument, value).ToString());

    public static DeviceSpec? Find(DomainSpec spec, string alias) => ((IEnumerable<DeviceSpec>)[
        .. spec.Disks, .. spec.Interfaces, .. spec.Controllers, .. spec.Rngs, .. spec.Inputs, .. spec.Channels, .. spec.Serials, .. spec.Parallels,
        .. spec.Consoles, .. spec.MemoryModules, .. spec.Watchdog is { } watchdog ? [watchdog] : Array.Empty<DeviceSpec>()]).FirstOrDefault(device => device.Alias == alias);

    /// <summary>The limits of a drive that has a medium.</summary>
    public static IEnumerable<QemuCommand> Throttle(DiskSpec disk) =>
        disk is { Source: not null, IoTune: { LimitsAnything: true } tune } ? [new QemuCommand(Throttling.Command, Throttling.Arguments(disk, tune))] : [];

    private static IEnumerable<QemuCommand> Interface(InterfaceSpec nic, PlugContext context, BusNames bus, BootIndexes boot)
    {
        var netdev = new Properties().Text("type", "user");
        if (nic.Type != InterfaceType.User)
        {
            var queues = context.Queues.Select((handle, at) => (Name: $"tap{nic.Alias}-{at}", handle)).ToList();
            var vhost = context.Vhost.Select((handle, at) => (Name: $"vhost{nic.Alias}-{at}", handle)).ToList();
            foreach (var (name, handle) in queues.Concat(vhost))
                yield return Named("getfd", "fdname", name) with { Descriptor = handle, Undo = Named("closefd", "fdname", name) };
            netdev = Interfaces.Tap([.. queues.Select(queue => queue.Name)], [.. vhost.Select(queue => queue.Name)]);
        }

        yield return new QemuCommand("netdev_add", netdev.Text("id", $"host{nic.Alias}").ToString()) { Undo = Named("netdev_del", "id", $"host{nic.Alias}") };
        yield return Device(Interfaces.Card(nic, bus, boot)) with { Undo = Named("device_del", "id", nic.Alias!) };
        if (!nic.LinkUp)
            yield return Link(nic, isUp: false);
    }

    public static QemuCommand Link(InterfaceSpec nic, bool isUp) => new("set_link", new Properties().Text("name", nic.Alias).Flag("up", isUp).ToString());

    private static Properties Character(DomainSpec spec, CharacterDeviceSpec device, BusNames bus) =>
        spec.Channels.Contains(device) ? CharacterDevices.Channel(device, bus)
        : spec.Serials.Contains(device) ? CharacterDevices.Serial(device, bus)
        : spec.Parallels.Contains(device) ? CharacterDevices.Parallel(device)
        : CharacterDevices.Console(device, bus);

    private static QemuCommand Device(Properties properties) => new("device_add", properties.ToString());
}

/// <summary>What a plug depends on besides the device.</summary>
internal sealed record PlugContext
{
    /// <summary>Where sockets of channels without a path of their own are made.</summary>
    public required string ChannelDirectory { get; init; }

    public required EmulatorFeatures Features { get; init; }

    /// <summary>The block nodes of the disk that is plugged in.</summary>
    public DiskNodes? Disk { get; init; }

    /// <summary>The queues of the tap of the interface that is plugged in.</summary>
    public IReadOnlyList<System.Runtime.InteropServices.SafeHandle> Queues { get; init; } = [];

    public IReadOnlyList<System.Runtime.InteropServices.SafeHandle> Vhost { get; init; } = [];
}
