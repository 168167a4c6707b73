using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Reads what is not a device: CPUs, firmware and boot, features, clock.</summary>
internal static class MachineReading
{
    public static IEnumerable<IoThreadSpec> IoThreads(XElement domain) => domain.Element("iothreadids") is { } list
        ? list.Elements("iothread").Select(thread => new IoThreadSpec(thread.Number("id") ?? 0, thread.Int("thread_pool_min"), thread.Int("thread_pool_max")))
        : Enumerable.Range(1, int.TryParse(domain.Text("iothreads"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0)
            .Select(id => new IoThreadSpec((uint)id));

    public static VcpuSpec Vcpu(XElement? vcpu)
    {
        var text = vcpu?.Value.Trim();
        if (string.IsNullOrEmpty(text))
            return new VcpuSpec(1, 1);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var maximum) || maximum == 0)
            throw DomainXmlException.Invalid("maximum vcpus count must be an integer", vcpu);
        var oneByOne = OneByOne(vcpu!.Parent?.Element("vcpus"), maximum);
        return new VcpuSpec(maximum, oneByOne.IsEmpty ? vcpu.Int("current") ?? maximum : oneByOne.Count(one => one.IsEnabled))
        {
            CpuSet = vcpu.Get("cpuset"),
            OneByOne = oneByOne,
        };
    }

    /// <summary>One that the list does not mention is not there.</summary>
    private static ImmutableArray<VcpuState> OneByOne(XElement? vcpus, int maximum)
    {
        var given = vcpus?.Elements("vcpu").Select(vcpu => VcpuState.From(vcpu, maximum)).ToList() ?? [];
        return given.Count == 0
            ? []
            : [.. Enumerable.Range(0, maximum).Select(id =>
                given.LastOrDefault(vcpu => vcpu.Id == id) ?? new VcpuState(id, IsEnabled: false, IsHotpluggable: true, Order: 0))];
    }

    public static OsSpec Os(XElement? os) => os is null
        ? new OsSpec()
        : new OsSpec
        {
            Arch = os.Get("type", "arch") ?? "x86_64",
            Machine = os.Get("type", "machine"),
            Kernel = os.Text("kernel"),
            Initrd = os.Text("initrd"),
            Cmdline = os.Text("cmdline"),
            BootDevices = [.. os.Elements("boot").Select(Boot)],
            BootMenu = os.Element("bootmenu").YesNo("enable"),
            BootMenuTimeout = os.Element("bootmenu").Int("timeout") is { } ms ? TimeSpan.FromMilliseconds(ms) : null,
            BiosUseSerial = os.Element("bios").YesNo("useserial"),
            BiosRebootTimeoutMs = os.Element("bios").Int("rebootTimeout"),
            Firmware = os.Get("firmware") switch { "efi" => FirmwareKind.Efi, "bios" => FirmwareKind.Bios, _ => null },
            FirmwareFeatures = new FirmwareFeatures(FirmwareFeature(os, "enrolled-keys"), FirmwareFeature(os, "secure-boot")),
            Loader = Loader(os.Element("loader")),
            Nvram = new NvramSpec(os.Text("nvram"), os.Get("nvram", "template")),
        };

    private static bool? FirmwareFeature(XElement os, string name) =>
        os.Element("firmware")?.Elements("feature").FirstOrDefault(feature => feature.Get("name") == name).YesNo("enabled");

    private static LoaderSpec Loader(XElement? loader) => new()
    {
        Path = loader is { Value.Length: > 0 } ? loader.Value : null,
        IsFlash = loader?.Get("type") == "pflash",
        IsReadOnly = loader.YesNo("readonly") == true,
        IsSecure = loader.YesNo("secure") == true,
        IsStateless = loader.YesNo("stateless") == true,
    };

    public static FeaturesSpec Features(XElement? features) => features is null
        ? new FeaturesSpec()
        : new FeaturesSpec
        {
            Acpi = features.Element("acpi") is not null,
            Apic = features.Element("apic") is not null,
            ApicEoi = features.Element("apic").OnOff("eoi"),
            Pae = features.Element("pae") is not null,
            Vmport = State(features, "vmport"),
            Pmu = State(features, "pmu"),
            Smm = State(features, "smm"),
            Vmcoreinfo = State(features, "vmcoreinfo"),
            PvSpinlock = State(features, "pvspinlock"),
            Ioapic = features.Get("ioapic", "driver"),
            KvmHidden = features.Element("kvm")?.Element("hidden").OnOff("state"),
            TcgTranslationCache = MemoryReading.Size(features.Element("tcg")?.Element("tb-cache")),
            Hyperv = features.Element("hyperv") is { } hyperv ? Hyperv(hyperv) : null,
        };

    public static CpuSpec Cpu(XElement cpu) => new()
    {
        Mode = cpu.Get("mode") switch
        {
            null or "custom" => CpuMode.Custom,
            "host-model" => CpuMode.HostModel,
            "host-passthrough" => CpuMode.HostPassthrough,
            "maximum" => CpuMode.Maximum,
            var other => throw XElementReading.InvalidValue(cpu, "mode", other),
        },
        Model = cpu.Text("model"),
        Match = cpu.Get("match"),
        Check = cpu.Get("check"),
        Migratable = cpu.OnOff("migratable"),
        Fallback = cpu.Get("model", "fallback"),
        VendorId = cpu.Get("model", "vendor_id"),
        Vendor = cpu.Text("vendor"),
        Topology = cpu.Element("topology") is { } topology
            ? new CpuTopologySpec(topology.Int("sockets") ?? 1, topology.Int("dies") ?? 1, topology.Int("cores") ?? 1, topology.Int("threads") ?? 1)
            : null,
        Cache = cpu.Element("cache") is { } cache ? new CpuCacheSpec(cache.Int("level"), cache.Required("mode")) : null,
        MaxPhysAddr = cpu.Element("maxphysaddr") is { } bits ? new MaxPhysAddrSpec(bits.Required("mode"), bits.Int("bits")) : null,
        Features = [.. cpu.Elements("feature").Select(CpuFeature)],
    };

    public static ClockSpec Clock(XElement? clock) => clock is null
        ? new ClockSpec { Offset = "utc" }
        : new ClockSpec
        {
            Offset = clock.Get("offset") ?? "utc",
            AdjustmentSeconds = long.TryParse(clock.Get("adjustment"), CultureInfo.InvariantCulture, out var seconds) ? seconds : 0,
            BasisIsLocalTime = clock.Get("basis") == "localtime",
            Timezone = clock.Get("timezone"),
            Timers = [.. clock.Elements("timer").Select(Timer)],
        };

    public static LifecycleAction Action(XElement domain, string name, LifecycleAction otherwise) => domain.Text(name) switch
    {
        null => otherwise,
        "destroy" => LifecycleAction.Destroy,
        "restart" => LifecycleAction.Restart,
        "rename-restart" => LifecycleAction.RenameRestart,
        "preserve" => LifecycleAction.Preserve,
        "coredump-destroy" => LifecycleAction.CoredumpDestroy,
        "coredump-restart" => LifecycleAction.CoredumpRestart,
        var other => throw DomainXmlException.Internal($"unknown lifecycle action {other}", domain.Element(name)),
    };

    private static BootDevice Boot(XElement boot) => boot.Required("dev") switch
    {
        "fd" => BootDevice.Fd,
        "hd" => BootDevice.Hd,
        "cdrom" => BootDevice.Cdrom,
        "network" => BootDevice.Network,
        var other => throw DomainXmlException.Internal($"unknown boot device '{other}'", boot),
    };

    // <vmport state='off'/>; a missing state means on.
    private static bool? State(XElement features, string name) =>
        features.Element(name) is { } feature ? feature.OnOff("state") ?? true : null;

    private static HypervSpec Hyperv(XElement hyperv) => new()
    {
        Passthrough = hyperv.Get("mode") == "passthrough",
        Flags = [.. hyperv.Elements().Select(flag => (flag.Name.LocalName, flag.OnOff("state") ?? true))],
        SpinlockRetries = hyperv.Element("spinlocks").Int("retries"),
        StimerDirect = hyperv.Element("stimer")?.Element("direct").OnOff("state") ?? false,
        VendorId = hyperv.Get("vendor_id", "value"),
    };

    private static CpuFeatureSpec CpuFeature(XElement feature) => new(feature.Required("name"), feature.Get("policy") switch
    {
        null or "require" => CpuFeaturePolicy.Require,
        "force" => CpuFeaturePolicy.Force,
        "optional" => CpuFeaturePolicy.Optional,
        "disable" => CpuFeaturePolicy.Disable,
        "forbid" => CpuFeaturePolicy.Forbid,
        var other => throw XElementReading.InvalidValue(feature, "policy", other),
    });

    private static TimerSpec Timer(XElement timer) => new(timer.Required("name"))
    {
        Present = timer.YesNo("present"),
        TickPolicy = timer.Get("tickpolicy"),
        Track = timer.Get("track"),
        FrequencyHz = timer.BigNumber("frequency"),
        Mode = timer.Get("mode"),
    };
}
