using System.Xml.Linq;
using static Wherry.Xml.DomainShape;
using static Wherry.Xml.Values;

namespace Wherry.Xml;

/// <summary>The devices, in the order in which libvirt lists them.</summary>
internal static class DeviceShape
{
    private static readonly ElementShape Boot = Element("boot").With(A("order", Positive), RefusedAttribute("loadparm"));
    private static readonly ElementShape Alias = Element("alias").With("name");
    private static readonly ElementShape Address = new("address") { Custom = AddressShape.Normalise };

    private static readonly string[] VirtioModels = ["virtio", "virtio-transitional", "virtio-non-transitional"];

    /// <summary>virtio's iommu, ats, packed and page_per_vq switches change what the guest's driver negotiates.</summary>
    private static readonly ElementShape VirtioDriver = Element("driver").With(
        RefusedAttribute("iommu"), RefusedAttribute("ats"), RefusedAttribute("packed"), RefusedAttribute("page_per_vq"))
        with { DropWhenEmpty = true };

    public static readonly ElementShape Devices = Element("devices").Holding(
        Text("emulator", Any),
        Disk(),
        Controller(),
        Refused("lease"),
        Refused("filesystem"),
        Interface(),
        Refused("smartcard"),
        Character("serial", Element("target").With(A("type", OneOf("isa-serial", "pci-serial", "usb-serial")).ButNot(
                "spapr-vio-serial", "system-serial", "sclp-serial", "isa-debug"), A("port", Int))
            .Holding(Element("model").With(A("name", OneOf("isa-serial", "pci-serial", "usb-serial")).ButNot(
                "spapr-vty", "pl011", "sclpconsole", "sclplmconsole", "16550a", "isa-debugcon")))),
        Character("parallel", Element("target").With(A("port", Int))),
        Character("console", Element("target").With(A("type", OneOf("serial", "virtio")).ButNot(
            "xen", "uml", "lxc", "openvz", "sclp", "sclplm"), A("port", Int))),
        Character("channel", Element("target").With(A("type", OneOf("virtio")).ButNot("guestfwd", "xen"), "name", A("state", Any))),
        Element("input").With(
                A("type", OneOf("mouse", "tablet", "keyboard")).ButNot("passthrough", "evdev"),
                A("bus", OneOf("ps2", "usb", "virtio")).ButNot("xen", "parallels", "none"),
                A("model", OneOf(VirtioModels)))
            .Holding(VirtioDriver, Refused("source"), Alias, Address).Many(),
        Refused("tpm"),
        Graphics(),
        new ElementShape("sound") { Custom = Sound, Repeats = true },
        Element("audio").With(
            A("id", Positive),
            A("type", OneOf("none")).ButNot("alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl", "spice", "file", "dbus")).Many(),
        Video(),
        Refused("hostdev"),
        Refused("redirdev"),
        Refused("redirfilter"),
        Element("hub").With(A("type", OneOf("usb"))).Holding(Alias, Address).Many(),
        Element("watchdog").With(
                A("model", OneOf("i6300esb", "ib700")).ButNot("diag288"),
                A("action", OneOf("reset", "shutdown", "poweroff", "pause", "none", "inject-nmi", "dump")).Or("reset"))
            .Holding(Alias, Address).Many(),
        Element("memballoon").With(A("model", OneOf([.. VirtioModels, "none"])).ButNot("xen"), A("autodeflate", OnOff), A("freePageReporting", OnOff))
            .Holding(Element("stats").With(A("period", Count)) with { DropWhenEmpty = true }, Alias, Address, VirtioDriver).Many(),
        Element("rng").With(A("model", OneOf(VirtioModels)))
            .Holding(
                Element("rate").With(A("bytes", Positive), A("period", Count)),
                new ElementShape("backend") { TextRule = Any }.With(A("model", OneOf("random", "builtin")).ButNot("egd")),
                VirtioDriver,
                Alias,
                Address).Many(),
        Refused("nvram"),
        Element("panic").With(A("model", OneOf("isa", "hyperv")).ButNot("pseries", "s390", "pvpanic")).Holding(Alias, Address).Many(),
        Refused("shmem"),
        Element("memory").With(
                A("model", OneOf("dimm")).ButNot("nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"), RefusedAttribute("access"), RefusedAttribute("discard"))
            .Holding(
                Refused("source"),
                Element("target").Holding(
                    DomainShape.MemoryAt("size", "./size"),
                    Text("node", text => Uint(text) ?? throw DomainXmlException.Invalid("invalid value of memory device node"))),
                Alias,
                Address).Many(),
        Refused("iommu"),
        Refused("vsock"),
        Refused("crypto"));

    private static readonly ElementShape SoundCard = Element("sound").With(A("model", OneOf("sb16", "es1370", "ac97", "ich6", "ich9")).ButNot("pcspk", "ich7", "usb"))
        .Holding(Element("codec").With(A("type", OneOf("duplex", "micro", "output"))).Many(), Element("audio").With(A("id", Positive)), Alias, Address);

    /// <summary>Only Intel's HD audio has codecs.</summary>
    private static XElement Sound(XElement sound)
    {
        var model = sound.Required("model");
        var card = Normalisation.Normalise(sound, SoundCard);
        if (!SoundSpec.IsHighDefinition(model))
            card.Elements("codec").Remove();
        return card;
    }

    private static ElementShape Disk() => Element("disk").With(
            A("type", OneOf("file", "block")).ButNot("dir", "network", "volume", "nvme", "vhostuser").Or("file"),
            A("device", OneOf("disk", "cdrom", "floppy")).ButNot("lun").Or("disk"),
            A("model", OneOf(VirtioModels)),
            RefusedAttribute("rawio"),
            RefusedAttribute("sgio"),
            A("snapshot", OneOf("no", "internal", "external", "manual")) with { Verdict = Verdict.Inert })
        .Holding(
            Element("driver").With(
                    A("name", OneOf("qemu")),
                    A("type", OneOf("raw", "qcow2")).ButNot(
                        "auto", "none", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qed", "vmdk", "luks"),
                    A("cache", OneOfOr("default", "none", "writethrough", "writeback", "directsync", "unsafe")),
                    A("error_policy", OneOfOr("default", "stop", "report", "ignore", "enospace")),
                    A("rerror_policy", OneOfOr("default", "stop", "report", "ignore")),
                    A("io", OneOfOr("default", "native", "threads", "io_uring")),
                    A("ioeventfd", OnOff),
                    A("event_idx", OnOff),
                    A("copy_on_read", OnOff),
                    A("discard", OneOfOr("default", "unmap", "ignore")),
                    A("iothread", Nonzero),
                    A("detect_zeroes", OneOfOr("default", "off", "on", "unmap")),
                    A("queues", Count),
                    A("queue_size", Count),
                    RefusedAttribute("iommu"),
                    RefusedAttribute("ats"),
                    RefusedAttribute("packed"),
                    RefusedAttribute("page_per_vq"))
                .Holding(Refused("metadata_cache")),
            Refused("auth"),
            Element("source").With(
                    "file",
                    "dev",
                    RefusedAttribute("fdgroup"),
                    A("startupPolicy", OneOfOr("default", "mandatory", "requisite", "optional")),
                    A("index", Uint))
                .Holding(
                    Refused("slices"),
                    Element("seclabel").With("model", A("relabel", YesNo)).Holding(Text("label", Any)).Many().Kept(),
                    Refused("encryption"),
                    Refused("reservations")),
            BackingStore(),
            Element("blockio").With(A("logical_block_size", Count), A("physical_block_size", Count)) with { DropWhenEmpty = true },
            Refused("geometry"),
            new ElementShape("mirror") { Verbatim = true },
            Element("target").With(
                "dev",
                A("bus", OneOf("ide", "fdc", "scsi", "virtio", "usb", "sata")).ButNot("xen", "uml", "sd"),
                A("tray", OneOfOr("closed", "open")),
                A("removable", OnOff),
                A("rotation_rate", Uint)),
            TuningShape.IoTune,
            Element("readonly"),
            Element("shareable"),
            Refused("transient"),
            Text("serial", Any),
            Text("wwn", Any),
            Text("vendor", Any),
            Text("product", Any),
            Refused("encryption"),
            Boot,
            Alias,
            Address).Many();

    // The chain below the top image. In a definition it pins what QEMU would otherwise find out by opening the image.
    private static ElementShape BackingStore() => new("backingStore") { Verbatim = true };

    private static ElementShape Controller() => Element("controller").With(
            A("type", OneOf("ide", "fdc", "scsi", "sata", "virtio-serial", "usb", "pci")).ButNot("ccid", "xenbus", "isa"),
            A("index", Uint),
            A("model", Any),
            A("ports", Uint),
            A("vectors", Uint))
        .Holding(
            Element("model").With("name"),
            Element("target").With(
                    A("chassisNr", Uint), A("chassis", Uint), A("port", Hex(1)), RefusedAttribute("busNr"), RefusedAttribute("index"), A("hotplug", OnOff))
                .Holding(Refused("node")) with { DropWhenEmpty = true },
            Element("driver").With(
                A("queues", Count),
                A("cmd_per_lun", Count),
                A("max_sectors", Count),
                A("ioeventfd", OnOff),
                A("iothread", Nonzero),
                RefusedAttribute("iommu"),
                RefusedAttribute("ats"),
                RefusedAttribute("packed"),
                RefusedAttribute("page_per_vq")) with { DropWhenEmpty = true },
            Alias,
            Element("master").With(A("startport", Uint)),
            Address,
            Memory("pcihole64")).Many();

    private static ElementShape Interface() => Element("interface").With(
            A("type", OneOf("user", "bridge", "ethernet")).ButNot(
                "network", "vhostuser", "server", "client", "mcast", "udp", "internal", "direct", "hostdev", "vdpa", "null", "vds"),
            RefusedAttribute("trustGuestRxFilters"))
        .Holding(
            Element("mac").With(A("address", text => Mac(text) ?? throw DomainXmlException.Invalid($"unable to parse mac address '{text}'")), A("type", OneOf("generated", "static")), A("check", YesNo)),
            Element("source").With("bridge", RefusedAttribute("dev")).Holding(Refused("ip"), Refused("route")) with { DropWhenEmpty = true },
            Refused("vlan"),
            Element("virtualport").With(A("type", OneOf("openvswitch")).ButNot("none", "802.1Qbg", "802.1Qbh", "midonet"))
                .Holding(Element("parameters").With(A("interfaceid", Uuid), "profileid")),
            TuningShape.Bandwidth,
            Refused("port"),
            Refused("ip"),
            Refused("route"),
            Refused("portForward"),
            Element("script").With("path"),
            Element("downscript").With("path"),
            Refused("backenddomain"),
            Element("target").With("dev", A("managed", YesNo)) with { DropWhenEmpty = true },
            Refused("guest"),
            Element("model").With("type"),
            Element("driver").With(
                    A("name", OneOf("qemu", "vhost")),
                    RefusedAttribute("txmode"),
                    RefusedAttribute("ioeventfd"),
                    RefusedAttribute("event_idx"),
                    A("queues", Count),
                    A("rx_queue_size", Count),
                    A("tx_queue_size", Count),
                    RefusedAttribute("rss"),
                    RefusedAttribute("rss_hash_report"),
                    RefusedAttribute("iommu"),
                    RefusedAttribute("ats"),
                    RefusedAttribute("packed"),
                    RefusedAttribute("page_per_vq"))
                .Holding(Refused("host"), Refused("guest")) with { DropWhenEmpty = true },
            Refused("backend"),
            Refused("filterref"),
            Refused("tune"),
            Refused("teaming"),
            Element("link").With(A("state", OneOf("up", "down"))),
            Element("mtu").With(A("size", Positive)),
            Refused("coalesce"),
            Boot,
            Alias,
            Refused("rom"),
            Refused("acpi"),
            Address).Many();

    private static ElementShape Character(string name, ElementShape target) => Element(name).With(
            A("type", OneOf("null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix")).ButNot(
                "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus"),
            A("tty", Any))
        .Holding(
            Element("source").With(
                    A("mode", OneOf("bind", "connect")).ButNot("client", "server"),
                    "host",
                    "service",
                    RefusedAttribute("tls"),
                    "path",
                    A("append", OnOff))
                .Holding(
                    Element("seclabel").With("model", A("relabel", YesNo)).Holding(Text("label", Any)).Many().Kept(),
                    Element("reconnect").With(A("enabled", YesNo), A("timeout", Uint))).Many() with { DropWhenEmpty = true },
            Element("protocol").With(A("type", OneOf("raw", "telnet")).ButNot("telnets", "tls")),
            Element("log").With("file", A("append", OnOff)),
            target,
            Alias,
            Address).Many();

    private static ElementShape Graphics() => Element("graphics").With(
            A("type", OneOf("vnc")).ButNot("sdl", "spice", "rdp", "desktop", "egl-headless", "dbus"),
            "socket",
            A("port", Int),
            A("autoport", YesNo),
            A("websocket", Int),
            "listen",
            "keymap",
            A("sharePolicy", OneOf("allow-exclusive", "force-shared", "ignore")),
            A("powerControl", YesNo),
            A("passwd", Any) with { KeepsEmpty = true }, // an empty one locks the display
            "passwdValidTo",
            A("connected", OneOf("keep", "disconnect", "fail")).OrSay("unknown connected value {0}"))
        .Holding(
            Element("listen").With(A("type", OneOf("none", "address", "socket")).ButNot("network"), "address", "socket").Many(),
            Element("audio").With(A("id", Positive))).Many();

    private static ElementShape Video() => Element("video").Holding(
        Element("driver").With(
            RefusedAttribute("iommu"),
            RefusedAttribute("ats"),
            RefusedAttribute("packed"),
            RefusedAttribute("page_per_vq"),
            RefusedAttribute("vgaconf"),
            A("name", OneOfOr("qemu")).ButNot("vhostuser")) with { DropWhenEmpty = true },
        Element("model").With(
                A("type", OneOf("vga", "cirrus", "qxl", "virtio", "bochs", "none")).ButNot("vmvga", "xen", "vbox", "parallels", "gop", "ramfb"),
                A("ram", Count),
                A("vram", Count),
                A("vram64", Count),
                A("vgamem", Count),
                A("heads", Count),
                A("primary", YesNo),
                RefusedAttribute("blob"))
            .Holding(Refused("acceleration"), Element("resolution").With(A("x", Positive), A("y", Positive))),
        Alias,
        Address).Many();
}
