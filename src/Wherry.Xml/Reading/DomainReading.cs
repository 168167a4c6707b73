using System.Collections.Immutable;
using System.Xml.Linq;

namespace Wherry.Xml;

public sealed partial record DomainSpec
{
    /// <summary>Reads a document, completed or not. What the document does not say is null or the default libvirt documents.</summary>
    /// <exception cref="DomainXmlException">A value that makes no sense, with its path.</exception>
    public static DomainSpec From(DomainDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        var domain = document.Root;
        var devices = domain.Element("devices") ?? new XElement("devices");
        var memory = MemoryReading.Size(domain.Element("memory")) ?? default;
        return new DomainSpec
        {
            Type = domain.Get("type") switch
            {
                "qemu" => DomainType.Qemu,
                "kvm" => DomainType.Kvm,
                var other => throw DomainXmlException.Unsupported($"unexpected domain type {other}, expecting one of these: kvm, qemu", domain),
            },
            Id = domain.Int("id"),
            Name = domain.Text("name") ?? throw DomainXmlException.Invalid("missing name element", domain),
            Uuid = Guid.TryParse(domain.Text("uuid"), out var uuid) ? uuid : Guid.Empty,
            Title = domain.Text("title"),
            GenerationId = Guid.TryParse(domain.Text("genid"), out var generation) ? generation : null,
            Memory = memory,
            CurrentMemory = MemoryReading.Size(domain.Element("currentMemory")) ?? memory,
            MaxMemory = MemoryCompletion.Maximum(domain),
            MemoryBacking = MemoryReading.Backing(domain.Element("memoryBacking")),
            NumaCells = MemoryCompletion.Cells(domain),
            MemoryModules = Read(devices, "memory", DeviceReading.MemoryModule),
            Vcpu = MachineReading.Vcpu(domain.Element("vcpu")),
            IoThreads = [.. MachineReading.IoThreads(domain)],
            NumaTuning = NumaTuning.Read(domain),
            Os = MachineReading.Os(domain.Element("os")),
            Smbios = SmbiosSpec.Read(domain),
            Features = MachineReading.Features(domain.Element("features")),
            Cpu = domain.Element("cpu") is { } cpu ? MachineReading.Cpu(cpu) : null,
            Clock = MachineReading.Clock(domain.Element("clock")),
            OnPoweroff = MachineReading.Action(domain, "on_poweroff", LifecycleAction.Destroy),
            OnReboot = MachineReading.Action(domain, "on_reboot", LifecycleAction.Restart),
            OnCrash = MachineReading.Action(domain, "on_crash", LifecycleAction.Destroy),
            PowerManagement = new PowerManagementSpec
            {
                SuspendToMem = domain.Element("pm")?.Element("suspend-to-mem").YesNo("enabled"),
                SuspendToDisk = domain.Element("pm")?.Element("suspend-to-disk").YesNo("enabled"),
            },
            Emulator = devices.Text("emulator"),
            Disks = Read(devices, "disk", DiskReading.Disk),
            Controllers = Read(devices, "controller", DeviceReading.Controller),
            Interfaces = Read(devices, "interface", DeviceReading.Interface),
            Serials = Read(devices, "serial", CharacterReading.Device),
            Parallels = Read(devices, "parallel", CharacterReading.Device),
            Consoles = Read(devices, "console", CharacterReading.Device),
            Channels = Read(devices, "channel", CharacterReading.Device),
            Inputs = Read(devices, "input", DeviceReading.Input),
            Graphics = Read(devices, "graphics", GraphicsReading.Graphics),
            Audios = Read(devices, "audio", audio => new AudioSpec(audio.Int("id") ?? 1, audio.Required("type"))),
            Sounds = Read(devices, "sound", DeviceReading.Sound),
            Videos = Read(devices, "video", GraphicsReading.Video),
            Hubs = Read(devices, "hub", hub => new HubSpec().Common(hub)),
            Watchdog = devices.Element("watchdog") is { } watchdog ? DeviceReading.Watchdog(watchdog) : null,
            Memballoon = devices.Element("memballoon") is { } balloon ? DeviceReading.Memballoon(balloon) : null,
            Rngs = Read(devices, "rng", DeviceReading.Rng),
            Panics = Read(devices, "panic", panic => new PanicSpec { Model = panic.Get("model") ?? "isa" }.Common(panic)),
        };
    }

    private static ImmutableArray<T> Read<T>(XElement devices, string name, Func<XElement, T> read) => [.. devices.Elements(name).Select(read)];
}
