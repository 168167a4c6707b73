using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Reads what all devices share, and the small devices.</summary>
internal static class DeviceReading
{
    public static T Common<T>(this T device, XElement element)
        where T : DeviceSpec => device with
        {
            Alias = element.Get("alias", "name"),
            Address = element.Element("address") is { } address ? Address(address) : null,
            BootOrder = element.Element("boot").Int("order"),
        };

    public static DeviceAddress? Address(XElement address) => address.Required("type") switch
    {
        "pci" when address.Get("slot") is null && address.Get("bus") is null => null,
        "pci" => new DeviceAddress.Pci(
            Hex(address, "domain"), Hex(address, "bus"), Hex(address, "slot"), Hex(address, "function"), address.OnOff("multifunction")),
        "drive" => new DeviceAddress.Drive(Hex(address, "controller"), Hex(address, "bus"), Hex(address, "target"), Hex(address, "unit")),
        "usb" => new DeviceAddress.Usb(Hex(address, "bus"), address.Get("port")),
        "virtio-serial" => new DeviceAddress.VirtioSerial(Hex(address, "controller"), Hex(address, "bus"), Hex(address, "port")),
        "isa" => new DeviceAddress.Isa(address.Number("iobase"), address.Number("irq")),
        "dimm" => new DeviceAddress.Dimm(address.Number("slot") ?? 0, address.BigNumber("base") ?? 0),
        var other => throw DomainXmlException.NotImplemented(address.Path() + "/@type", $"address type '{other}'"),
    };

    public static SoundSpec Sound(XElement sound) => new SoundSpec
    {
        Model = sound.Required("model"),
        Codecs = [.. sound.Elements("codec").Select(codec => codec.Required("type"))],
        AudioId = sound.Element("audio").Int("id"),
    }.Common(sound);

    public static ControllerSpec Controller(XElement controller) => new ControllerSpec
    {
        Type = controller.Required("type") switch
        {
            "ide" => ControllerType.Ide,
            "fdc" => ControllerType.Fdc,
            "scsi" => ControllerType.Scsi,
            "sata" => ControllerType.Sata,
            "virtio-serial" => ControllerType.VirtioSerial,
            "usb" => ControllerType.Usb,
            "pci" => ControllerType.Pci,
            var other => throw DomainXmlException.NotImplemented(controller.Path() + "/@type", $"controller type '{other}'"),
        },
        Index = controller.Int("index") ?? 0,
        Model = controller.Get("model"),
        PciModelName = controller.Get("model", "name"),
        Chassis = controller.Element("target").Int("chassis"),
        Port = (int?)controller.Element("target").Number("port"),
        ChassisNumber = controller.Element("target").Int("chassisNr"),
        Hotplug = controller.Element("target").OnOff("hotplug"),
        PciHole64 = MemoryReading.Size(controller.Element("pcihole64")),
        Ports = controller.Int("ports"),
        Vectors = controller.Int("vectors"),
        Queues = controller.Element("driver").Int("queues"),
        CommandsPerLun = controller.Element("driver").Int("cmd_per_lun"),
        MaxSectors = controller.Element("driver").Int("max_sectors"),
        IoThread = controller.Element("driver").Number("iothread"),
        IoEventFd = controller.Element("driver").OnOff("ioeventfd"),
        UsbMasterStartPort = controller.Element("master").Int("startport"),
    }.Common(controller);

    public static InterfaceSpec Interface(XElement element) => new InterfaceSpec
    {
        Type = element.Required("type") switch
        {
            "user" => InterfaceType.User,
            "bridge" => InterfaceType.Bridge,
            "ethernet" => InterfaceType.Ethernet,
            var other => throw DomainXmlException.NotImplemented(element.Path() + "/@type", $"interface type '{other}'"),
        },
        Mac = element.Get("mac", "address") ?? "",
        SourceBridge = element.Get("source", "bridge"),
        VirtualPort = element.Element("virtualport")?.Element("parameters") is { } port && Guid.TryParse(port.Get("interfaceid"), out var id)
            ? new VirtualPortSpec(id, port.Get("profileid"))
            : null,
        TargetDev = element.Get("target", "dev"),
        TargetManaged = element.Element("target").YesNo("managed") ?? true,
        ScriptPath = element.Get("script", "path"),
        Model = element.Get("model", "type") ?? "rtl8139",
        DriverName = element.Get("driver", "name"),
        Queues = element.Element("driver").Int("queues"),
        RxQueueSize = element.Element("driver").Int("rx_queue_size"),
        TxQueueSize = element.Element("driver").Int("tx_queue_size"),
        LinkUp = element.Get("link", "state") != "down",
        Bandwidth = BandwidthSpec.Read(element.Element("bandwidth")),
        Mtu = element.Element("mtu").Int("size"),
    }.Common(element);

    public static InputSpec Input(XElement input) => new InputSpec
    {
        Type = input.Required("type"),
        Bus = input.Get("bus") ?? (input.Get("type") == "tablet" ? "usb" : "ps2"),
        Model = input.Get("model"),
    }.Common(input);

    public static WatchdogSpec Watchdog(XElement watchdog) => new WatchdogSpec
    {
        Model = watchdog.Required("model"),
        Action = watchdog.Get("action") ?? "reset",
    }.Common(watchdog);

    public static MemballoonSpec Memballoon(XElement balloon) => new MemballoonSpec
    {
        Model = balloon.Required("model"),
        AutoDeflate = balloon.OnOff("autodeflate"),
        FreePageReporting = balloon.OnOff("freePageReporting"),
        StatsPeriod = balloon.Element("stats").Int("period") is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
    }.Common(balloon);

    public static RngSpec Rng(XElement rng)
    {
        var backend = rng.RequiredChild("backend");
        return new RngSpec
        {
            Model = rng.Required("model"),
            RateBytes = rng.Element("rate").Number("bytes"),
            RatePeriod = rng.Element("rate").Number("period") is { } ms ? TimeSpan.FromMilliseconds(ms) : null,
            Backend = backend.Required("model"),
            BackendPath = backend.Value is { Length: > 0 } path ? path : null,
        }.Common(rng);
    }

    public static MemoryModuleSpec MemoryModule(XElement module) => new MemoryModuleSpec
    {
        Size = MemoryCompletion.SizeOf(module),
        Node = MemoryCompletion.Node(module),
    }.Common(module);

    private static int Hex(XElement address, string attribute) =>
        address.Number(attribute) is not { } number ? 0
        : number <= int.MaxValue ? (int)number
        : throw XElementReading.InvalidValue(address, attribute, address.Get(attribute)!);
}
