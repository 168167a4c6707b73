using System.Collections.Immutable;

namespace Wherry.Xml;

/// <summary>
/// Tells whether a guest that runs as one spec can go on as another: everything its kernel can see must be the same. Where the
/// disks' bytes are, which bridge a card hangs on and how much it logs may differ; that is what a migration's XML is edited for.
/// </summary>
public static class AbiStability
{
    /// <exception cref="DomainXmlException">The first difference, in libvirt's words (code 67).</exception>
    public static void Check(DomainSpec source, DomainSpec target)
    {
        if (Differences(source, target).FirstOrDefault() is { } difference)
            throw DomainXmlException.Unsupported("Target " + difference);
    }

    /// <summary>All differences, the gravest first, each as "domain name 'b' does not match source 'a'".</summary>
    public static IEnumerable<string> Differences(DomainSpec source, DomainSpec target)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        return [.. Domain(source, target), .. Devices(source, target)];
    }

    private static IEnumerable<string> Domain(DomainSpec a, DomainSpec b) =>
    [
        .. Machine(a, b),
        .. Changed([.. SmbiosKind.All.SelectMany(kind => Smbios(kind, a.Smbios, b.Smbios))]),
    ];

    private static IEnumerable<(string What, object? Source, object? Target)> Smbios(SmbiosKind kind, SmbiosSpec a, SmbiosSpec b)
    {
        var (source, target) = (Fields(a), Fields(b));
        return source.Keys.Union(target.Keys).Select(name => (
            $"{kind.Description} {(name == "manufacturer" ? "vendor" : name)}", (object?)source.GetValueOrDefault(name), (object?)target.GetValueOrDefault(name)));

        Dictionary<string, string> Fields(SmbiosSpec smbios) => smbios.Tables.Where(table => table.Kind == kind).SelectMany(table => table.Fields)
            .GroupBy(field => field.Name, field => field.Value).ToDictionary(fields => fields.Key, fields => string.Join('\n', fields), StringComparer.Ordinal);
    }

    private static IEnumerable<string> Machine(DomainSpec a, DomainSpec b) => Changed(
        ("domain virt type", Lower(a.Type), Lower(b.Type)),
        ("domain uuid", a.Uuid, b.Uuid),
        ("domain name", Quoted(a.Name), Quoted(b.Name)),
        ("domain genid", a.GenerationId, b.GenerationId),
        ("domain max memory", a.Memory.KiB, b.Memory.KiB),
        ("domain maximum memory size", a.MaxMemory?.Size.KiB, b.MaxMemory?.Size.KiB),
        ("domain memory slots", a.MaxMemory?.Slots, b.MaxMemory?.Slots),
        ("memoryBacking source", a.MemoryBacking.Source, b.MemoryBacking.Source),
        ("NUMA cells", Text(a.NumaCells), Text(b.NumaCells)),
        ("domain vCPU max", a.Vcpu.Maximum, b.Vcpu.Maximum),
        ("domain vCPU count", a.Vcpu.Current, b.Vcpu.Current),
        ("domain architecture", a.Os.Arch, b.Os.Arch),
        ("domain machine type", a.Os.Machine, b.Os.Machine),
        ("domain SMBIOS mode", a.Smbios.Mode, b.Smbios.Mode),
        ("domain kernel", a.Os.Kernel is not null, b.Os.Kernel is not null),
        ("domain features", Text(a.Features), Text(b.Features)),
        ("domain timers", Text(a.Clock.Timers), Text(b.Clock.Timers)),
        ("CPU", CpuText(a.Cpu), CpuText(b.Cpu)),
        ("domain power management", a.PowerManagement, b.PowerManagement));

    private static IEnumerable<string> Devices(DomainSpec a, DomainSpec b) =>
    [
        .. Each("disk", a.Disks, b.Disks, Disk),
        .. Each("memory device", a.MemoryModules, b.MemoryModules, (x, y) => Changed(
            ("memory device size", x.Size.KiB, y.Size.KiB), ("memory device targetNode", x.Node, y.Node))),
        .. Each("controller", Sorted(a.Controllers), Sorted(b.Controllers), Controller),
        .. Each("net card", a.Interfaces, b.Interfaces, Interface),
        .. Each("input device", a.Inputs, b.Inputs, (x, y) => Changed(
            ("input device type", x.Type, y.Type), ("input device bus", x.Bus, y.Bus), ("input model", x.Model, y.Model))),
        .. Each("sound card", a.Sounds, b.Sounds, (x, y) => Changed(("sound card model", x.Model, y.Model))),
        .. Each("video card", a.Videos, b.Videos, (x, y) => Changed(
            ("video card model", x.Model, y.Model),
            ("video card ram", x.Ram?.KiB, y.Ram?.KiB),
            ("video card vram", x.Vram?.KiB, y.Vram?.KiB),
            ("video card vram64", x.Vram64?.KiB, y.Vram64?.KiB),
            ("video card vgamem", x.VgaMem?.KiB, y.VgaMem?.KiB),
            ("video card heads", x.Heads, y.Heads))),
        .. Each("serial port", a.Serials, b.Serials, (x, y) => Changed(
            ("serial type", x.TargetType, y.TargetType), ("serial model", x.TargetModel, y.TargetModel), ("serial port", x.Port, y.Port))),
        .. Each("parallel port", a.Parallels, b.Parallels, (x, y) => Changed(("parallel port", x.Port, y.Port))),
        .. Each("channel", a.Channels, b.Channels, (x, y) => Changed(
            ("channel type", x.TargetType, y.TargetType), ("channel name", x.Name, y.Name))),
        .. Each("console", a.Consoles, b.Consoles, (x, y) => Changed(("console type", x.TargetType, y.TargetType))),
        .. Each("hub device", a.Hubs, b.Hubs, (_, _) => []),
        .. Each("watchdog", One(a.Watchdog), One(b.Watchdog), (x, y) => Changed(("watchdog model", x.Model, y.Model))),
        .. Each("memory balloon", One(a.Memballoon), One(b.Memballoon), (x, y) => Changed(
            ("balloon model", x.Model, y.Model),
            ("balloon autodeflate attribute value", x.AutoDeflate, y.AutoDeflate),
            ("balloon freePageReporting attribute value", x.FreePageReporting, y.FreePageReporting))),
        .. Each("RNG device", a.Rngs, b.Rngs, (x, y) => Changed(("RNG model", x.Model, y.Model))),
        .. Each("panic device", a.Panics, b.Panics, (x, y) => Changed(("panic model", x.Model, y.Model))),
    ];

    private static IEnumerable<string> Disk(DiskSpec a, DiskSpec b) => Changed(
        ("disk device", Lower(a.Device), Lower(b.Device)),
        ("disk bus", Lower(a.Bus), Lower(b.Bus)),
        ("disk", a.TargetDev, b.TargetDev),
        ("disk serial", a.Serial, b.Serial),
        ("disk wwn", Quoted(a.Wwn), Quoted(b.Wwn)),
        ("disk access mode", a.ReadOnly, b.ReadOnly),
        ("disk model", a.Model, b.Model),
        ("disk rotation rate", a.RotationRate, b.RotationRate),
        ("disk queue count", a.Queues, b.Queues),
        ("disk queue size", a.QueueSize, b.QueueSize),
        ("disk logical block size", a.LogicalBlockSize, b.LogicalBlockSize),
        ("disk physical block size", a.PhysicalBlockSize, b.PhysicalBlockSize));

    private static IEnumerable<string> Controller(ControllerSpec a, ControllerSpec b) => Changed(
        ("controller type", Lower(a.Type), Lower(b.Type)),
        ("controller index", a.Index, b.Index),
        ("controller model", a.Model, b.Model),
        ("controller ports", a.Ports, b.Ports),
        ("controller vectors", a.Vectors, b.Vectors),
        ("controller device", a.PciModelName, b.PciModelName),
        ("controller chassis", a.Chassis ?? a.ChassisNumber, b.Chassis ?? b.ChassisNumber),
        ("controller port", a.Port, b.Port));

    private static IEnumerable<string> Interface(InterfaceSpec a, InterfaceSpec b) => Changed(
        ("network card mac", a.Mac, b.Mac),
        ("network card model", a.Model, b.Model),
        ("network card MTU", a.Mtu, b.Mtu),
        ("network card queues", a.Queues, b.Queues),
        ("network card rx queue size", a.RxQueueSize, b.RxQueueSize),
        ("network card tx queue size", a.TxQueueSize, b.TxQueueSize));

    /// <summary>The count, then each device in turn: itself, and where it is plugged in.</summary>
    private static IEnumerable<string> Each<T>(string kind, ImmutableArray<T> a, ImmutableArray<T> b, Func<T, T, IEnumerable<string>> compare)
        where T : DeviceSpec => a.Length != b.Length
            ? [$"domain {kind} count {b.Length} does not match source {a.Length}"]
            : a.Zip(b).SelectMany(pair => compare(pair.First, pair.Second).Concat(Address(kind, pair.First, pair.Second)));

    private static IEnumerable<string> Address(string kind, DeviceSpec a, DeviceSpec b) =>
        a.Address == b.Address ? [] : Changed(($"device ({kind}) address", Text(a.Address), Text(b.Address)));

    private static IEnumerable<string> Changed(params ReadOnlySpan<(string What, object? Source, object? Target)> pairs)
    {
        var differences = new List<string>();
        foreach (var (what, source, target) in pairs)
        {
            if (!Equals(source, target))
                differences.Add($"{what} {target ?? "none"} does not match source {source ?? "none"}");
        }

        return differences;
    }

    private static ImmutableArray<ControllerSpec> Sorted(ImmutableArray<ControllerSpec> controllers) =>
        [.. controllers.OrderBy(controller => controller.Type).ThenBy(controller => controller.Index).ThenBy(controller => controller.UsbMasterStartPort ?? -1)];

    private static ImmutableArray<T> One<T>(T? device)
        where T : class => device is null ? [] : [device];

    private static string Text(DeviceAddress? address) => address switch
    {
        null => "none",
        DeviceAddress.Pci pci => $"{pci.Domain:x4}:{pci.Bus:x2}:{pci.Slot:x2}.{pci.Function:x}",
        DeviceAddress.Drive drive => $"{drive.Controller}:{drive.Bus}:{drive.Target}:{drive.Unit}",
        DeviceAddress.Usb usb => $"{usb.Bus}:{usb.Port}",
        DeviceAddress.VirtioSerial serial => $"{serial.Controller}:{serial.Bus}:{serial.Port}",
        _ => address.ToString(),
    };

    private static string Text(ImmutableArray<NumaCellSpec> cells) =>
        string.Join(' ', cells.Select(cell => $"{cell.Id}:{CpuList.Write(cell.Cpus)}:{cell.Memory.KiB}"));

    // Records compare arrays by identity, so their contents are spelled out.
    private static string Text(FeaturesSpec features) =>
        (features with { Hyperv = null }) + string.Join(',', features.Hyperv?.Flags.Select(flag => $"{flag.Name}={flag.On}") ?? []);

    private static string Text(ImmutableArray<TimerSpec> timers) => string.Join(", ", timers.Select(timer => timer.ToString()));

    // How strictly a CPU is checked, and what may replace it, says nothing about the CPU.
    private static string CpuText(CpuSpec? cpu) => cpu is null
        ? "none"
        : $"{cpu.Mode} {cpu.Model} {cpu.VendorId} {cpu.Topology} {cpu.Cache} {cpu.MaxPhysAddr} "
            + string.Join(',', cpu.Features.Select(feature => $"{feature.Name}={feature.Policy}").Order(StringComparer.Ordinal));

    private static string? Quoted(string? text) => text is null ? null : $"'{text}'";

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
