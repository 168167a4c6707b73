using System.Xml.Linq;
using static Wherry.Xml.Values;

namespace Wherry.Xml;

/// <summary>
/// libvirt 9.0's domain XML as a table: what exists, in which order it is written, and what we do with it. Devices are in
/// <see cref="DeviceShape"/>. Source of names and orders: the format functions of libvirt's domain_conf.c and cpu_conf.c, checked
/// byte for byte against a running libvirtd by the interop tests.
/// </summary>
internal static class DomainShape
{
    public static readonly ElementShape Domain = Element("domain").With(
            A("type", OneOf("qemu", "kvm")).ButNot(
                "xen", "kqemu", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve", "vz", "hvf").OrSay("invalid domain type {0}"),
            A("id", Int))
        .Holding(
            Text("name", Any),
            Text("uuid", text => Uuid(text) ?? throw DomainXmlException.Internal("malformed uuid element")),
            new ElementShape("genid") { Custom = Genid },
            Text("title", Any).Kept(),
            Text("description", Any).Kept(),
            new ElementShape("metadata") { Verbatim = true, Verdict = Verdict.Inert },
            Memory("maxMemory", A("slots", Uint)),
            Memory("memory", A("dumpCore", OnOff)),
            Memory("currentMemory"),
            Element("blkiotune").Holding(Text("weight", Count), new ElementShape("device") { Custom = TuningShape.BlkioDevice }.Many()).Kept()
                with { DropWhenEmpty = true },
            Element("memtune").Holding(Memory("hard_limit"), Memory("soft_limit"), Memory("min_guarantee"), Memory("swap_hard_limit")).Kept()
                with { DropWhenEmpty = true },
            MemoryBacking(),
            Text("vcpu", Uint).With(A("placement", OneOf("static", "auto")).Or("static"), A("cpuset", Any), A("current", Uint)),
            Element("vcpus").Holding(Element("vcpu").With(A("id", Uint), A("enabled", YesNo), A("hotpluggable", YesNo), A("order", Uint)).Many())
                with { DropWhenEmpty = true },
            Text("iothreads", Count),
            Element("iothreadids").Holding(Element("iothread").With(A("id", Nonzero), A("thread_pool_min", Nonnegative), A("thread_pool_max", Nonnegative)).Many())
                with { DropWhenEmpty = true },
            Refused("defaultiothread"),
            CpuTune(),
            Element("numatune").Holding(new ElementShape("memory") { Custom = TuningShape.NumaMemory }, Refused("memnode")) with { DropWhenEmpty = true },
            Element("resource").Holding(Text("partition", Any)).Kept() with { DropWhenEmpty = true },
            new ElementShape("sysinfo") { Custom = SmbiosShape.Sysinfo, Repeats = true },
            Refused("bootloader"),
            Refused("bootloader_args"),
            Os(),
            Refused("idmap"),
            FeatureShape.Features,
            Cpu(),
            Clock(),
            Text("on_poweroff", Any),
            Text("on_reboot", Any),
            Text("on_crash", Any),
            Refused("on_lockfailure"),
            Element("pm").Holding(Element("suspend-to-mem").With(A("enabled", YesNo)), Element("suspend-to-disk").With(A("enabled", YesNo)))
                with { DropWhenEmpty = true },
            Refused("perf"),
            DeviceShape.Devices,
            Element("seclabel").With(A("type", OneOf("none", "static", "dynamic")), "model", A("relabel", YesNo))
                .Holding(Text("label", Any), Text("imagelabel", Any), Text("baselabel", Any)).Many().Kept(),
            Refused("keywrap"),
            Refused("launchSecurity"));

    /// <summary>QEMU arguments smuggled past libvirt: nothing could check that they survive a migration.</summary>
    public static readonly XNamespace QemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0";

    internal static ElementShape Element(string name) => new(name);

    internal static AttributeShape A(string name, ValueRule rule) => new(name, rule);

    internal static AttributeShape RefusedAttribute(string name) => new(name, Any) { Verdict = Verdict.Refused };

    internal static ElementShape Text(string name, ValueRule rule) => new(name) { TextRule = rule, DropWhenEmpty = true };

    internal static ElementShape Refused(string name) => new(name) { Verdict = Verdict.Refused, Repeats = true };

    /// <summary>A size: always written in KiB, rounded up.</summary>
    internal static ElementShape Memory(string name, params AttributeShape[] attributes) => MemoryAt(name, $"./{name}[1]", attributes);

    /// <param name="path">How libvirt calls it in its complaints.</param>
    internal static ElementShape MemoryAt(string name, string path, params AttributeShape[] attributes) => new(name)
    {
        Custom = element =>
        {
            var result = new XElement(name);
            foreach (var attribute in attributes)
            {
                if (element.Get(attribute.Name) is { } text)
                    result.SetAttributeValue(attribute.Name, attribute.Rule(text) ?? throw XElementReading.InvalidValue(element, attribute.Name, text));
            }

            result.SetAttributeValue("unit", "KiB");
            result.Value = MemoryReading.Size(element, path)!.Value.KiB.ToString();
            return result;
        },
    };

    private static ElementShape MemoryBacking() => Element("memoryBacking").Holding(
        Refused("hugepages"),
        Element("nosharepages"),
        Element("locked"),
        Element("source").With(A("type", OneOf("anonymous", "memfd")).ButNot("file").OrSay("unknown memoryBacking/source/type '{0}'")) with { DropWhenEmpty = true },
        Element("access").With(A("mode", OneOf("shared", "private")).OrSay("unknown memoryBacking/access/mode '{0}'")) with { DropWhenEmpty = true },
        Element("allocation").With(A("mode", OneOf("immediate", "ondemand")).OrSay("unknown memoryBacking/allocation/mode '{0}'"), A("threads", Count))
            with { DropWhenEmpty = true },
        Element("discard").Kept()) with { DropWhenEmpty = true };

    /// <summary>An empty one asks for an identity, and gets it where the definition is completed.</summary>
    private static XElement Genid(XElement genid)
    {
        if (genid.ElementsAfterSelf("genid").Any())
            throw DomainXmlException.Invalid("element 'genid' can only appear once", genid);
        return new XElement("genid", genid.Value is { Length: > 0 } text ? Uuid(text) ?? throw DomainXmlException.Internal("malformed genid element", genid) : null);
    }

    private static XElement NumaCell(XElement cell)
    {
        foreach (var name in (string[])["memAccess", "discard"])
        {
            if (cell.Get(name) is { } value)
                throw DomainXmlException.NotImplemented($"{cell.Path()}/@{name}", $"{name}='{value}'");
        }

        if (cell.Elements().FirstOrDefault(child => child.Name.LocalName is "distances" or "cache") is { } refused)
            throw DomainXmlException.NotImplemented(refused.Path(), $"<{refused.Name.LocalName}>");
        var result = new XElement("cell");
        if (cell.Get("id") is { } id)
            result.SetAttributeValue("id", Uint(id) ?? throw XElementReading.InvalidValue(cell, "id", id));
        if (cell.Get("cpus") is { } cpus)
        {
            var set = CpuList.TryParse(cpus) ?? throw DomainXmlException.InvalidArgument($"Failed to parse bitmap '{cpus}'", cell);
            result.SetAttributeValue("cpus", set.IsEmpty ? null : CpuList.Write(set));
        }

        if (cell.Get("memory") is { } memory)
        {
            var number = Ulong(memory) ?? throw DomainXmlException.Invalid($"Invalid value '{memory}' for element or attribute './@memory'", cell);
            var size = MemoryReading.Scale(ulong.Parse(number), cell.Get("unit") ?? "KiB", cell);
            result.Add(new XAttribute("memory", size.KiB.ToString()), new XAttribute("unit", "KiB"));
        }

        return result;
    }

    private static ElementShape Os() => Element("os").With("firmware").Holding(
        Text("type", Any).With("arch", "machine"),
        FirmwareShape.Features,
        Refused("init"),
        FirmwareShape.Loader,
        FirmwareShape.Nvram,
        Text("kernel", Any),
        Text("initrd", Any),
        Text("cmdline", Any),
        Refused("dtb"),
        Text("root", Any),
        Refused("acpi"),
        Element("boot").With(A("dev", OneOf("fd", "hd", "cdrom", "network"))).Many(),
        Element("bootmenu").With(A("enable", YesNo), A("timeout", Uint)),
        Element("bios").With(A("useserial", YesNo), A("rebootTimeout", Int)) with { DropWhenEmpty = true },
        Element("smbios").With(A("mode", OneOf("emulate", "sysinfo")).ButNot("host").OrSay("unknown smbios mode '{0}'")) with { DropWhenEmpty = true });

    private static ElementShape Cpu() => Element("cpu").With(
            A("mode", OneOf("custom", "host-model", "host-passthrough", "maximum")),
            A("match", OneOf("minimum", "exact", "strict")),
            A("check", OneOf("none", "partial", "full")),
            A("migratable", OnOff))
        .Holding(
            Text("model", Any).With(A("fallback", OneOf("allow", "forbid")), "vendor_id"),
            Text("vendor", Any),
            Element("topology").With(A("sockets", Positive), A("dies", Positive).Or("1"), A("cores", Positive), A("threads", Positive)),
            Element("cache").With(A("level", OneOf("1", "2", "3")), A("mode", OneOf("emulate", "passthrough", "disable"))),
            Element("maxphysaddr").With(A("mode", OneOf("emulate", "passthrough")), A("bits", Uint)),
            Element("feature").With(A("policy", OneOf("force", "require", "optional", "disable", "forbid")), "name").Many(),
            Element("numa").Holding(new ElementShape("cell") { Custom = NumaCell, Repeats = true }, Refused("interconnects"))) with { DropWhenEmpty = true };

    private static ElementShape Clock() => Element("clock").With(
            A("offset", OneOf("utc", "localtime", "variable", "timezone")).ButNot("absolute").Or("utc").OrSay("unknown clock offset '{0}'"),
            A("adjustment", Any),
            A("basis", OneOf("utc", "localtime")),
            "timezone")
        .Holding(
            Element("timer").With(
                    A("name", OneOf("pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock")).ButNot("platform", "armvtimer"),
                    A("present", YesNo),
                    A("tickpolicy", OneOf("delay", "catchup", "merge", "discard")),
                    A("track", OneOf("guest", "wall", "realtime")).ButNot("boot"),
                    A("frequency", Ulong),
                    A("mode", OneOf("auto", "native", "emulate", "paravirt", "smpsafe")))
                .Holding(Refused("catchup"))
                .Many());

    private static ElementShape CpuTune() => Element("cputune").Holding(
        Text("shares", TuningShape.Shares),
        Text("period", TuningShape.Period("period")),
        Text("quota", TuningShape.Quota("quota")),
        Text("global_period", TuningShape.Period("global_period")),
        Text("global_quota", TuningShape.Quota("global_quota")),
        Text("emulator_period", TuningShape.Period("emulator_period")),
        Text("emulator_quota", TuningShape.Quota("emulator_quota")),
        Text("iothread_period", TuningShape.Period("iothread_period")),
        Text("iothread_quota", TuningShape.Quota("iothread_quota")),
        Element("vcpupin").With(A("vcpu", Uint), "cpuset").Many(),
        Element("emulatorpin").With("cpuset"),
        Element("iothreadpin").With(A("iothread", Nonzero), "cpuset").Many(),
        Refused("vcpusched"),
        Refused("iothreadsched"),
        Refused("emulatorsched"),
        Refused("cachetune"),
        Refused("memorytune")).Kept() with { DropWhenEmpty = true };
}
