using System.Collections.Frozen;
using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Firmware;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>What <c>virsh domcapabilities</c> shows, and the checks of what was asked for, in libvirt's order.</summary>
internal static class DomainCapabilitiesDocument
{
    /// <summary>libvirt's virDomainVirtType.</summary>
    private static readonly FrozenSet<string> Types =
        "qemu kqemu kvm xen lxc uml openvz test vmware hyperv vbox phyp parallels bhyve vz hvf".Split(' ').ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Video models in libvirt's order, each with the QEMU device that must be there for it; none needs none.</summary>
    private static readonly ImmutableArray<(string Model, string? Device)> Videos =
        [("vga", "VGA"), ("cirrus", "cirrus-vga"), ("qxl", "qxl"), ("virtio", "virtio-gpu-pci"), ("none", null), ("bochs", "bochs-display")];

    /// <summary>What a definition says, and what a firmware says of itself.</summary>
    private static readonly ImmutableArray<(string Word, string Interface)> FirmwareKinds = [("bios", "bios"), ("efi", "uefi")];

    /// <exception cref="WherryException">InvalidArg or ConfigUnsupported, naming what was asked for; the emulator's own errors.</exception>
    public static async Task<string> GetXmlAsync(
        EmulatorCatalog emulators, FirmwareCatalog firmwares, ConnectGetDomainCapabilitiesArgs asked, CancellationToken ct)
    {
        var (emulator, arch, machine) = await FindAsync(emulators, asked.Emulatorbin, asked.Arch, asked.Machine, asked.Virttype, ct);
        var type = asked.Virttype switch
        {
            "qemu" => DomainType.Qemu,
            "kvm" => DomainType.Kvm,
            null => emulator.CpusFor(DomainType.Kvm) is null ? DomainType.Qemu : DomainType.Kvm,
            var other => throw NotSupported(emulator.Path, other),
        };
        var cpus = emulator.CpusFor(type) ?? throw NotSupported(emulator.Path, "kvm");
        var suitable = (await Task.Run(firmwares.Read, ct)).Where(firmware => firmware.Suits(arch, machine)).ToList();
        return DomainCapabilitiesXml.Write(new DomainCapabilitiesSpec(
            emulator.Path,
            type,
            machine,
            arch,
            emulator.Catalog.MaxCpus[machine],
            cpus.HostModel,
            cpus.Choices,
            [.. Videos.Where(video => video.Device is null || emulator.Catalog.Has(video.Device)).Select(video => video.Model)],
            HasIde: new OsSpec { Machine = machine }.IsI440Fx,
            HasVmcoreinfo: emulator.Catalog.Has("vmcoreinfo"))
        {
            Firmwares = [.. FirmwareKinds.Where(kind => suitable.Exists(firmware => firmware.Interfaces.Contains(kind.Interface))).Select(kind => kind.Word)],
            Loaders = Loaders(suitable),
            HasSecureLoader = suitable.Exists(firmware => firmware.Features.Contains("requires-smm")),
        });
    }

    /// <summary>Where no description suits, those that were there before there were descriptions.</summary>
    private static ImmutableArray<string> Loaders(List<FirmwareDescriptor> suitable)
    {
        var described = suitable.Select(firmware => firmware.LoaderPath).OfType<string>().ToList();
        IEnumerable<string> paths = described.Count > 0 ? described : FirmwareChoice.Undescribed.Select(pair => pair.Loader);
        return [.. paths.Distinct(StringComparer.Ordinal).Where(File.Exists)];
    }

    /// <summary>The emulator that a client means, with the architecture and the canonical machine.</summary>
    public static async Task<(Emulator Emulator, string Arch, string Machine)> FindAsync(
        EmulatorCatalog emulators, string? emulatorPath, string? arch, string? machine, string? type, CancellationToken ct)
    {
        if (type is not null && !Types.Contains(type))
            throw new WherryException(ErrorCode.InvalidArg, $"unknown virttype: {type}");
        if (arch is not null && !Architectures.Known.Contains(arch))
            throw new WherryException(ErrorCode.InvalidArg, $"unknown architecture: {arch}");
        var emulator = await emulators.GetAsync(emulatorPath ?? DefaultFor(arch), ct);
        var own = emulator.Catalog.Arch == "i386" ? "i686" : emulator.Catalog.Arch;
        arch ??= own;
        if (arch != own && (own, arch) != ("x86_64", "i686"))
            throw new WherryException(ErrorCode.InvalidArg, $"architecture from emulator '{own}' doesn't match given architecture '{arch}'");
        return (emulator, arch, MachineOf(emulator, machine));
    }

    private static string DefaultFor(string? arch) => arch switch
    {
        null or "x86_64" => EmulatorCatalog.DefaultPath,
        "i686" => EmulatorCatalog.DefaultPathForI686,
        _ => null,
    } ?? throw new WherryException(ErrorCode.ConfigUnsupported, $"unable to find any emulator to serve '{arch ?? "x86_64"}' architecture");

    private static string MachineOf(Emulator emulator, string? asked)
    {
        var catalog = emulator.Catalog;
        var machine = asked is null ? catalog.DefaultMachine : catalog.MachineAliases.GetValueOrDefault(asked, asked);
        return catalog.MaxCpus.ContainsKey(machine) && machine != "none"
            ? machine
            : throw new WherryException(ErrorCode.InvalidArg, $"the machine '{machine}' is not supported by emulator '{emulator.Path}'");
    }

    private static WherryException NotSupported(string path, string type) =>
        new(ErrorCode.InvalidArg, $"Emulator '{path}' does not support virt type '{type}'");
}
