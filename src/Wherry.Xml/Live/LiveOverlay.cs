using System.Collections.Immutable;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// What is known of a domain only while it runs. Live XML is the completed definition with this laid over it, never the spec
/// written back: what we did not interpret stays as it was. Small and serialisable, so that a daemon can keep it on disk and lay
/// it over the same definition again after a restart.
/// </summary>
public sealed record LiveOverlay
{
    /// <summary>The domain's number, at least 1.</summary>
    public required int Id { get; init; }

    /// <summary>Path of each pty by alias (<c>serial0</c>, <c>console1</c>, <c>channel0</c>).</summary>
    public ImmutableDictionary<string, string> PtyPaths { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Socket chosen for a channel that names none, by alias.</summary>
    public ImmutableDictionary<string, string> ChannelPaths { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>"connected" or "disconnected" for each channel whose guest end has been reported on, by alias.</summary>
    public ImmutableDictionary<string, string> ChannelStates { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The tap device of each interface, by alias.</summary>
    public ImmutableDictionary<string, string> TapNames { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The VNC port in use; null without VNC or with a socket.</summary>
    public int? VncPort { get; init; }

    /// <summary>The websocket port in use.</summary>
    public int? VncWebSocket { get; init; }

    /// <summary>The address VNC listens on where the definition leaves it to the configuration.</summary>
    public string VncListen { get; init; } = "127.0.0.1";

    /// <summary>The number of each disk's node (<c>libvirt-N-format</c>), by alias.</summary>
    public ImmutableDictionary<string, int> DiskIndexes { get; init; } = ImmutableDictionary<string, int>.Empty;

    /// <summary>Backing images found by opening each disk, by alias, from the one below the top to the bottom.</summary>
    public ImmutableDictionary<string, ImmutableArray<BackingImage>> BackingChains { get; init; } =
        ImmutableDictionary<string, ImmutableArray<BackingImage>>.Empty;

    /// <summary>Block copies in progress, by alias: shown as <c>&lt;mirror&gt;</c>.</summary>
    public ImmutableDictionary<string, MirrorState> Mirrors { get; init; } = ImmutableDictionary<string, MirrorState>.Empty;

    /// <summary>Drives whose tray the guest has opened, by alias.</summary>
    public ImmutableHashSet<string> OpenTrays { get; init; } = [];

    /// <summary>Where QEMU has put each memory module, by alias.</summary>
    public ImmutableDictionary<string, ulong> ModuleBases { get; init; } = ImmutableDictionary<string, ulong>.Empty;

    /// <summary>The balloon's present size; null until QEMU has told.</summary>
    public ByteSize? CurrentMemory { get; init; }

    /// <summary>The CPU that QEMU was asked for: host-model and the like spelled out. null leaves the definition's.</summary>
    public CpuSpec? StartedCpu { get; init; }

    /// <summary>The CPU that QEMU built; null where that is not known.</summary>
    public CpuSpec? BuiltCpu { get; init; }

    /// <summary>The firmware that was found for a definition which only says what it shall be; null where it is named, or QEMU's own.</summary>
    public ChosenFirmware? Firmware { get; init; }

    /// <summary>The group of domains that one belongs to which names none; null on a host without control groups.</summary>
    public string? Partition { get; init; } = "/machine";

    /// <summary>DAC label of the QEMU process ("+64055:+64055"); null to show none.</summary>
    public string? DacLabel { get; init; }

    private bool BuiltCpuDiffers => StartedCpu is not null && BuiltCpu is not null
        && (StartedCpu.Mode != BuiltCpu.Mode || StartedCpu.Model != BuiltCpu.Model || !StartedCpu.Features.SequenceEqual(BuiltCpu.Features));

    /// <summary>The definition with the run-time values in it.</summary>
    /// <param name="definition">A completed document.</param>
    public DomainDocument Apply(DomainDocument definition)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var domain = new XElement(definition.Root);
        Aliases.Assign(domain);
        new LiveOverlayWriter(this, domain).Write();
        return new DomainDocument(Normalisation.Normalise(domain, DomainShape.Domain))
        {
            Definition = definition,
            Travelling = Travelling(definition, domain),
        };
    }

    /// <summary>
    /// The definition, with the memory QEMU was really given, the resource group, and the end of each backing chain that has been
    /// seen to end: what libvirt tells a destination too.
    /// </summary>
    private XElement Travelling(DomainDocument definition, XElement live)
    {
        var domain = new XElement(definition.Root);
        foreach (var name in (string[])["maxMemory", "memory", "currentMemory", "resource"])
        {
            domain.Elements(name).Remove();
            domain.Add(live.Elements(name).Select(element => new XElement(element)));
        }

        Firmware?.Write(domain);
        domain.Element("cpu")?.Element("numa")?.ReplaceWith(new XElement(live.Element("cpu")!.Element("numa")!)); // ! : made of the definition
        foreach (var (module, running) in MemoryCompletion.Modules(domain).Zip(MemoryCompletion.Modules(live)))
        {
            module.Element("target")!.ReplaceWith(new XElement(running.Element("target")!)); // ! : completed
            module.Element("address")!.ReplaceWith(new XElement(running.Element("address")!));
        }

        // What the guest was started with, so that an old libvirt understands it, too; where QEMU made something else of it, that
        // travels beside it (DomainDocument.GuestCpuXml), and the destination takes that.
        if (CpuElement.Find(domain) is { } cpu && (BuiltCpuDiffers ? StartedCpu : BuiltCpu ?? StartedCpu) is { } sent)
            CpuElement.Write(cpu, sent);
        foreach (var (disk, liveDisk) in domain.Element("devices")!.Elements("disk").Zip(live.Element("devices")!.Elements("disk")))
        {
            if (disk.Element("backingStore") is null && liveDisk.Element("backingStore") is { HasElements: false } end)
                disk.Add(new XElement(end));
        }

        return Normalisation.Normalise(domain, DomainShape.Domain);
    }
}

/// <summary>An image below a disk's top image.</summary>
/// <param name="Index">The number of its node.</param>
public sealed record BackingImage(int Index, DiskSource Source, DiskFormat Format);

/// <param name="Job">"copy" or "active-commit".</param>
/// <param name="Ready">True once source and target are in step.</param>
public sealed record MirrorState(string Job, DiskSource Target, DiskFormat Format, bool Ready);
