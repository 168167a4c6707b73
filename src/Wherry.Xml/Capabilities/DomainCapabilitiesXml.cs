using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Writes <c>virsh domcapabilities</c>: what definitions for one emulator, machine and type may ask for. It promises only what this daemon
/// takes: virt-install builds its guests by it, and would otherwise choose devices that are then refused.
/// </summary>
public static class DomainCapabilitiesXml
{
    public static string Write(DomainCapabilitiesSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return DomainXmlWriter.Write(
            new XElement(
                "domainCapabilities",
                new XElement("path", spec.Emulator),
                new XElement("domain", spec.Type == DomainType.Kvm ? "kvm" : "qemu"),
                new XElement("machine", spec.Machine),
                new XElement("arch", spec.Arch),
                new XElement("vcpu", new XAttribute("max", spec.MaxVcpus.ToString(CultureInfo.InvariantCulture))),
                Unsupported("iothreads"),
                Supported("os", Values("firmware", [.. spec.Firmwares]), Loader(spec)),
                Cpu(spec),
                Unsupported("memoryBacking"),
                Devices(spec),
                Features(spec)),
            depth: 0);
    }

    private static XElement Loader(DomainCapabilitiesSpec spec) => Supported(
        "loader",
        [
            .. spec.Loaders.Select(path => new XElement("value", path)),
            Values("type", "rom", "pflash"),
            Values("readonly", "yes", "no"),
            Values("secure", spec.HasSecureLoader ? ["yes", "no"] : ["no"]),
        ]);

    private static XElement Cpu(DomainCapabilitiesSpec spec) => new(
        "cpu",
        spec.Type == DomainType.Kvm ? Mode("host-passthrough", Values("hostPassthroughMigratable", "on", "off")) : NoMode("host-passthrough"),
        Mode("maximum", Values("maximumMigratable", "on", "off")),
        spec.HostModel.Model is null ? NoMode("host-model") : HostModel(spec.HostModel),
        Mode("custom", [.. spec.CpuModels.Select(model => new XElement(
            "model",
            new XAttribute("usable", model.IsUsable switch { true => "yes", false => "no", null => "unknown" }),
            model.IsDeprecated ? new XAttribute("deprecated", "yes") : null,
            new XAttribute("vendor", model.Vendor ?? "unknown"),
            model.Name))]));

    private static XElement HostModel(CpuSpec cpu) => Mode(
        "host-model",
        [
            new XElement("model", new XAttribute("fallback", "forbid"), cpu.Model),
            .. cpu.Vendor is null ? (XElement[])[] : [new XElement("vendor", cpu.Vendor)],
            .. cpu.Features.Select(feature => new XElement(
                "feature",
                new XAttribute("policy", feature.Policy == CpuFeaturePolicy.Disable ? "disable" : "require"),
                new XAttribute("name", feature.Name))),
        ]);

    private static XElement Devices(DomainCapabilitiesSpec spec)
    {
        string[] virtioModels = ["virtio", "virtio-transitional", "virtio-non-transitional"];
        return new XElement(
            "devices",
            Supported(
                "disk",
                Values("diskDevice", "disk", "cdrom", "floppy"),
                Values("bus", spec.HasIde ? ["ide", "fdc", "scsi", "virtio", "usb", "sata"] : ["fdc", "scsi", "virtio", "usb", "sata"]),
                Values("model", virtioModels)),
            Supported("graphics", Values("type", "vnc")),
            Supported("video", Values("modelType", [.. spec.VideoModels])),
            Unsupported("hostdev"),
            Supported("rng", Values("model", virtioModels), Values("backendModel", "random", "builtin")),
            Unsupported("filesystem"),
            Unsupported("tpm"),
            Unsupported("redirdev"),
            Supported("channel", Values("type", "pty", "unix")));
    }

    private static XElement Features(DomainCapabilitiesSpec spec) => new(
        "features",
        Unsupported("gic"),
        spec.HasVmcoreinfo ? Supported("vmcoreinfo") : Unsupported("vmcoreinfo"),
        Unsupported("genid"),
        Unsupported("backingStoreInput"),
        Unsupported("backup"),
        Unsupported("sev"),
        Unsupported("sgx"),
        Supported("hyperv", Values("features", "spinlocks", "vendor_id")));

    private static XElement Values(string name, params IEnumerable<string> values) =>
        new("enum", new XAttribute("name", name), values.Select(value => new XElement("value", value)));

    private static XElement Supported(string name, params IEnumerable<XElement> content) => new(name, new XAttribute("supported", "yes"), content);

    private static XElement Unsupported(string name) => new(name, new XAttribute("supported", "no"));

    private static XElement Mode(string name, params IEnumerable<XElement> content) =>
        new("mode", new XAttribute("name", name), new XAttribute("supported", "yes"), content);

    private static XElement NoMode(string name) => new("mode", new XAttribute("name", name), new XAttribute("supported", "no"));
}

/// <param name="Machine">Canonical: never an alias.</param>
/// <param name="HostModel">What host-model stands for; without a model where nobody knows.</param>
/// <param name="HasIde">The machine comes with an IDE controller.</param>
public sealed record DomainCapabilitiesSpec(
    string Emulator,
    DomainType Type,
    string Machine,
    string Arch,
    int MaxVcpus,
    CpuSpec HostModel,
    ImmutableArray<CpuModelChoice> CpuModels,
    ImmutableArray<string> VideoModels,
    bool HasIde,
    bool HasVmcoreinfo)
{
    /// <summary>What <c>&lt;os firmware=…&gt;</c> may say.</summary>
    public ImmutableArray<string> Firmwares { get; init; } = [];

    /// <summary>Paths that <c>&lt;loader&gt;</c> may name.</summary>
    public ImmutableArray<string> Loaders { get; init; } = [];

    /// <summary>One of them keeps its variables from the guest by system management mode.</summary>
    public bool HasSecureLoader { get; init; }
}

/// <summary>A model that <c>mode='custom'</c> may name.</summary>
/// <param name="IsUsable">Whether this host can provide all of it; null when QEMU cannot tell.</param>
public sealed record CpuModelChoice(string Name, string? Vendor, bool? IsUsable, bool IsDeprecated);
