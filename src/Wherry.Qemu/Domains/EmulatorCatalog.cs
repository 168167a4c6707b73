using System.Collections.Immutable;
using Wherry.Qemu.Cpus;
using Wherry.Qemu.Host;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Capabilities;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

/// <summary>The QEMU binaries of this host, each probed once in this daemon's life: what they can do decides what a definition becomes.</summary>
public sealed class EmulatorCatalog
{
    /// <summary>QEMU's name for the property type of a CPU model, which libvirt's names leave out.</summary>
    private const string CpuTypeSuffix = "-x86_64-cpu";

    /// <summary>Where distributions and builders put it; the first that exists is the default.</summary>
    private static readonly ImmutableArray<string> UsualDirectories = ["/usr/bin", "/usr/local/bin"];

    private readonly EmulatorProbe _probe;
    private readonly Lock _gate = new();
    private ImmutableDictionary<string, Task<Emulator>> _probed = ImmutableDictionary<string, Task<Emulator>>.Empty;

    private readonly HostFiles _host;

    public EmulatorCatalog(EmulatorProbe probe, HostFiles host)
    {
        _probe = probe;
        _host = host;
    }

    /// <summary>The emulator of domains that name none; null on a host without QEMU.</summary>
    public static string? DefaultPath { get; } = Find("qemu-system-x86_64");

    /// <summary>The emulator that 32-bit guests are listed with: their own, or the one above, which runs them as well.</summary>
    public static string? DefaultPathForI686 { get; } = Find("qemu-system-i386") ?? DefaultPath;

    /// <exception cref="WherryException">The binary is missing or does not behave as QEMU.</exception>
    public async Task<Emulator> GetAsync(string path, CancellationToken ct)
    {
        Task<Emulator> probing;
        lock (_gate)
        {
            // A probe that failed is tried again: the binary may have been installed meanwhile.
            if (!_probed.TryGetValue(path, out probing!) || probing.IsFaulted || probing.IsCanceled)
                _probed = _probed.SetItem(path, probing = ProbeAsync(path));
        }
        return await probing.WaitAsync(ct);
    }

    public Task<Emulator> GetDefaultAsync(CancellationToken ct) => GetAsync(
        DefaultPath ?? throw new WherryException(ErrorCode.InternalError, "Cannot find suitable emulator for x86_64"), ct);

    /// <summary>What completion needs, with this document's emulator probed beforehand: completion itself waits for nothing.</summary>
    /// <param name="path">As the document names it; null for the default.</param>
    public async Task<CompletionContext> ForCompletionAsync(string? path, bool newDomain, CancellationToken ct)
    {
        if ((path ?? DefaultPath) is { } emulator && File.Exists(emulator))
            await GetAsync(emulator, ct);
        return new CompletionContext { FindCatalog = Find, NewDomain = newDomain };
    }

    private static string? Find(string binary) =>
        UsualDirectories.Select(directory => Path.Combine(directory, binary)).FirstOrDefault(File.Exists);

    private QemuCatalog? Find(string? path, string arch) =>
        (path ?? DefaultPath) is { } emulator && _probed.GetValueOrDefault(emulator) is { IsCompletedSuccessfully: true } probed
            && probed.Result.Catalog.Arch == arch
            ? probed.Result.Catalog
            : null;

    private async Task<Emulator> ProbeAsync(string path)
    {
        if (!File.Exists(path))
            throw WherryException.FromErrno(2, $"Cannot check QEMU binary {path}");
        // Not the first caller's token: others wait for the same probe.
        var capabilities = await _probe.ProbeAsync(path, CancellationToken.None);
        return new Emulator(path, capabilities, CatalogOf(path, capabilities), FeaturesOf(capabilities))
        {
            TcgCpus = new HypervisorCpus(capabilities.Tcg),
            KvmCpus = capabilities.Kvm is { } kvm ? new HypervisorCpus(kvm, ReadProcessor()) : null,
        };
    }

    /// <summary>The host's own processor, whatever QEMU makes of it.</summary>
    public CpuSpec ReadProcessor()
    {
        var cpu = HostCpu.Read(_host);
        return new CpuSpec
        {
            Model = cpu.Model,
            Vendor = cpu.Vendor,
            Features = [.. cpu.Features.Where(CpuFeatures.IsKnown).Select(name => new CpuFeatureSpec(name, CpuFeaturePolicy.Require))],
        };
    }

    private static QemuCatalog CatalogOf(string path, QemuCapabilities capabilities) => new()
    {
        Emulator = path,
        Arch = capabilities.Arch,
        // libvirt's own choice for x86, whatever QEMU's default is: definitions must not change with the QEMU release.
        DefaultMachine = capabilities.FindMachine("pc")?.Name ?? capabilities.DefaultMachine?.Name ?? "",
        MachineAliases = capabilities.Machines.Where(machine => machine.Alias is not null)
            .ToImmutableDictionary(machine => machine.Alias!, machine => machine.Name),
        DefaultCpus = capabilities.Machines.Where(machine => machine.DefaultCpuType is not null)
            .ToImmutableDictionary(machine => machine.Name, machine => machine.DefaultCpuType!.Replace(CpuTypeSuffix, "", StringComparison.Ordinal)),
        MaxCpus = capabilities.Machines.ToImmutableDictionary(machine => machine.Name, machine => machine.CpuMax),
        Devices = [.. capabilities.DeviceTypes],
    };

    private static EmulatorFeatures FeaturesOf(QemuCapabilities capabilities) => new()
    {
        Sandbox = capabilities.HasCommandLineOption("sandbox"),
        ReconnectMs = capabilities.Has("chardev-add/arg/backend/data/reconnect-ms"),
    };
}

/// <summary>One binary.</summary>
/// <param name="Catalog">The same facts, as completion asks for them.</param>
/// <param name="Features">The same facts, as the command line asks for them.</param>
public sealed record Emulator(string Path, QemuCapabilities Capabilities, QemuCatalog Catalog, EmulatorFeatures Features)
{
    public required HypervisorCpus TcgCpus { private get; init; }

    public required HypervisorCpus? KvmCpus { private get; init; }

    public QemuVersion Version => Capabilities.Version;

    /// <summary>The CPUs that domains of a type can have; null where none of that type can run.</summary>
    public HypervisorCpus? CpusFor(DomainType type) => type == DomainType.Qemu ? TcgCpus : KvmCpus;

    /// <summary>The features with what depends on the machine.</summary>
    public EmulatorFeatures FeaturesFor(string? machine) =>
        machine is not null && Capabilities.FindMachine(machine)?.DefaultRamId is { } ramId ? Features with { DefaultRamId = ramId } : Features;
}
